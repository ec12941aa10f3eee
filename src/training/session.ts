// What a training run needs, put together: card, corpus, model and trainer, new, resumed, or started from other weights.
import { Transformer } from '../architectures/transformer.ts';
import { type ModelCard, resolveModelCard } from '../cards/model-card.ts';
import { type Corpus, loadCorpus } from '../data/corpus.ts';
import type { DataHost } from '../data/host.ts';
import type { Tokenizer } from '../data/tokenizers/tokenizer.ts';
import type { OpenCheckpoint } from '../formats/checkpoint.ts';
import { UserError } from '../terms/user-error.ts';
import { type RunProgress, restore, restoreWeights } from './checkpoint.ts';
import type { TrainingSettings } from './settings.ts';
import { Trainer } from './trainer.ts';

export interface CorpusRequest {
  readonly card: ModelCard;
  readonly dataset: string;
  /** a name, or a run's tokenizer; the dataset's own where left out */
  readonly tokenizer?: string | Tokenizer;
  readonly host: DataHost;
  readonly warn: (sentence: string) => void;
}

/**
 * The corpus, and the card with the tokenizer's vocabulary. A card whose weights exist already cannot change its vocabulary.
 * @param fixed the card comes from a checkpoint
 */
export async function openCorpus(request: CorpusRequest, fixed: boolean): Promise<{ corpus: Corpus; card: ModelCard }> {
  const { card, dataset, tokenizer, host, warn } = request;
  const corpus = await loadCorpus({
    dataset,
    host,
    warn,
    vocabulary: card.vocabulary,
    ...(tokenizer !== undefined && { tokenizer }),
  });
  const { vocabulary, name } = corpus.tokenizer;
  if (vocabulary === card.vocabulary) return { corpus, card };
  if (fixed) {
    throw new UserError(
      `The weights are for a vocabulary of ${card.vocabulary}, but tokenizer ${name} has ${vocabulary}: give the --tokenizer they were trained with.`,
    );
  }
  return { corpus, card: resolveModelCard({ ...card, vocabulary }) };
}

/** Refuses a sequence that is longer than the card's context, or than the text. */
export function checkSequence({ context, name }: ModelCard, { train, validation }: Corpus, sequence: number): void {
  if (sequence > context) {
    throw new UserError(
      `--seq ${sequence} is longer than the context of ${name}, ${context}: give at most ${context}, or --set context=${sequence}.`,
    );
  }
  const shorter = Math.min(train.length, validation.length);
  if (sequence >= shorter) {
    const part = train.length <= validation.length ? 'training' : 'validation';
    throw new UserError(
      `--seq ${sequence} does not fit into the ${part} text of ${shorter} tokens: give a longer text or --seq ${Math.max(1, shorter - 1)} at most.`,
    );
  }
}

export interface Session {
  readonly model: Transformer;
  readonly trainer: Trainer;
  readonly progress: RunProgress;
}

/** Where the weights come from: drawn from the seed, a checkpoint to go on from, or one whose weights are taken over. */
export interface Origin {
  readonly resume?: OpenCheckpoint;
  readonly initFrom?: OpenCheckpoint;
}

/** Builds model and trainer on the current backend. The caller disposes both. */
export async function openSession(
  card: ModelCard,
  corpus: Corpus,
  settings: TrainingSettings,
  { resume, initFrom }: Origin,
): Promise<Session> {
  const fresh: RunProgress = { tokens: 0, seconds: 0 };
  const model = new Transformer(card, resume || initFrom ? undefined : settings.seed);
  const trainer = new Trainer(model, corpus.train, settings);
  if (initFrom) await restoreWeights(trainer, initFrom);
  const progress = resume ? await restore(trainer, resume) : fresh;
  return { model, trainer, progress };
}
