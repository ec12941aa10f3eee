// Decides what a run will be, and refuses what cannot be, before anything is built or written: cheap checks first.
import { type ModelCard, resolveModelCard } from '../cards/model-card.ts';
import { TrainingBatches } from '../data/batches.ts';
import { type Corpus, loadCorpus } from '../data/corpus.ts';
import type { DataHost } from '../data/host.ts';
import { tokenizerFromJSON } from '../data/tokenizers/create.ts';
import type { Tokenizer } from '../data/tokenizers/tokenizer.ts';
import { findCheckpoint, type OpenCheckpoint } from '../formats/checkpoint.ts';
import { readJson } from '../formats/json-file.ts';
import { joinPath, type Storage } from '../formats/storage.ts';
import { shellWord } from '../terms/shell-word.ts';
import { UserError } from '../terms/user-error.ts';
import type { RunProgress } from './checkpoint.ts';
import {
  isWithoutCheckpoint,
  RUN_FILES,
  type RunDescription,
  readRun,
  refuseUnfitFolder,
  runFolderOf,
} from './run-folder.ts';
import type { TrainingSettings } from './settings.ts';

/** What a person asked for. */
export interface RunRequest {
  /** The card that was named; not called where a run or checkpoint brings its own. */
  readonly card: () => ModelCard;
  readonly dataset: string;
  /** a name; the dataset's own, or that of the weights, where left out */
  readonly tokenizer?: string;
  /** path of a run or checkpoint whose weights are taken over */
  readonly initFrom?: string;
  /** The settings for a model of this context. */
  readonly settings: (context: number) => TrainingSettings;
  /** Where a new run's files go, given its card. */
  readonly folder: (card: ModelCard) => Promise<string>;
}

export interface PlanServices {
  readonly storage: Storage;
  readonly host: DataHost;
  /** hears about what was mended or left out of the text */
  readonly warn: (sentence: string) => void;
  /** @throws UserError where the run does not fit into memory */
  readonly refuseTooLarge: (card: ModelCard, settings: TrainingSettings) => void;
}

/** A run that nothing known by now stands against. */
export interface RunPlan {
  readonly folder: string;
  readonly card: ModelCard;
  readonly corpus: Corpus;
  readonly settings: TrainingSettings;
  /** the run that goes on, from this checkpoint; without one it begins again */
  readonly resumed?: { readonly run: RunDescription; readonly checkpoint?: OpenCheckpoint };
  /** weights to start from, where no checkpoint of the run itself exists */
  readonly initFrom?: OpenCheckpoint;
}

/** A new run. @throws UserError with the first reason against it */
export async function planRun(request: RunRequest, services: PlanServices): Promise<RunPlan> {
  const { storage } = services;
  const initFrom = request.initFrom === undefined ? undefined : await findCheckpoint(storage, request.initFrom);
  const asked = initFrom ? initFrom.card : request.card();
  const settings = request.settings(asked.context);
  refuseLongSequence(asked, settings.sequence);
  const folder = await request.folder(asked);
  await refuseUnfitFolder(storage, folder);
  refuseHopeless(asked, settings, services);
  const tokenizer = request.tokenizer ?? (initFrom && (await tokenizerOfWeights(storage, initFrom.path)));
  const { corpus, card } = await openText(asked, request.dataset, tokenizer, initFrom !== undefined, services);
  refuseShortText(corpus, settings);
  services.refuseTooLarge(card, settings);
  return { folder, card, corpus, settings, ...(initFrom && { initFrom }) };
}

/**
 * A run that goes on.
 * @param path the run, or one of its checkpoints
 * @throws UserError with the first reason against it
 */
export async function planResumedRun(path: string, request: RunRequest, services: PlanServices): Promise<RunPlan> {
  const { storage } = services;
  const folder = await runFolderOf(storage, path);
  const run = await readRun(storage, folder);
  const started = !(await isWithoutCheckpoint(storage, folder));
  const checkpoint = started ? await findCheckpoint(storage, path) : undefined;
  const settings = request.settings(run.card.context);
  if (checkpoint) {
    refuseOtherModel(folder, run, checkpoint);
    refuseFinished(checkpoint, settings);
  }
  refuseLongSequence(run.card, settings.sequence);
  services.refuseTooLarge(run.card, settings);
  const initFrom =
    checkpoint || request.initFrom === undefined ? undefined : await findCheckpoint(storage, request.initFrom);
  const tokenizer = await tokenizerOfRun(storage, folder, run, request, initFrom);
  const { corpus } = await openText(run.card, request.dataset, tokenizer, true, services);
  if (corpus.identity !== run.corpus) {
    throw new UserError(
      `The text of ${run.dataset} is not what the run '${folder}' began with: bring it back, or start from these weights with --init-from ${shellWord(folder)}.`,
    );
  }
  refuseShortText(corpus, settings);
  const resumed = { run, ...(checkpoint && { checkpoint }) };
  return { folder, card: run.card, corpus, settings, resumed, ...(initFrom && { initFrom }) };
}

/** The corpus, and the card with the tokenizer's vocabulary; weights that exist already cannot change theirs. */
async function openText(
  card: ModelCard,
  dataset: string,
  tokenizer: string | Tokenizer | undefined,
  isFixed: boolean,
  { host, warn }: PlanServices,
): Promise<{ corpus: Corpus; card: ModelCard }> {
  const limit = { vocabulary: card.vocabulary };
  const corpus = await loadCorpus({ dataset, host, warn, ...limit, ...(tokenizer !== undefined && { tokenizer }) });
  const { vocabulary, name } = corpus.tokenizer;
  if (vocabulary === card.vocabulary) return { corpus, card };
  if (isFixed) {
    throw new UserError(
      `The weights are for a vocabulary of ${card.vocabulary}, but tokenizer ${name} has ${vocabulary}: give the --tokenizer they were trained with.`,
    );
  }
  return { corpus, card: resolveModelCard({ ...card, vocabulary }) };
}

async function tokenizerOfWeights(storage: Storage, checkpoint: string): Promise<Tokenizer> {
  const run = await runFolderOf(storage, checkpoint);
  return tokenizerFromJSON(await readJson(storage, joinPath(run, RUN_FILES.tokenizer)));
}

/**
 * The tokenizer that gives the run's text the run's identity: by name where the text chose it, as JSON where it came with the weights.
 * A run that was killed before it wrote its tokenizer takes it from where the weights come from.
 */
async function tokenizerOfRun(
  storage: Storage,
  folder: string,
  run: RunDescription,
  { tokenizer, initFrom }: RunRequest,
  origin: OpenCheckpoint | undefined,
): Promise<string | Tokenizer> {
  if (tokenizer !== undefined || initFrom === undefined) return tokenizer ?? run.tokenizer;
  const own = joinPath(folder, RUN_FILES.tokenizer);
  if (await storage.exists(own)) return tokenizerFromJSON(await readJson(storage, own));
  return tokenizerOfWeights(storage, origin?.path ?? initFrom);
}

function refuseLongSequence({ context, name }: ModelCard, sequence: number): void {
  if (sequence <= context) return;
  throw new UserError(
    `--seq ${sequence} is longer than the context of ${name}, ${context}: give at most ${context}, or --set context=${sequence}.`,
  );
}

/** Refuses before the text is read what would be too large even with the smallest vocabulary. */
function refuseHopeless(card: ModelCard, settings: TrainingSettings, { refuseTooLarge }: PlanServices): void {
  try {
    refuseTooLarge({ ...card, vocabulary: Math.min(card.vocabulary, 64) }, settings);
  } catch (error) {
    refuseTooLarge(card, settings);
    throw error;
  }
}

/** Throws where the training text does not hold a batch. A short validation text is evaluated in a shorter window. */
function refuseShortText({ train }: Corpus, { batch, accumulation, sequence, seed }: TrainingSettings): void {
  new TrainingBatches(train, batch * accumulation, sequence, { seed, step: 0 });
}

function refuseOtherModel(folder: string, { card }: RunDescription, checkpoint: OpenCheckpoint): void {
  if (JSON.stringify(resolveModelCard(checkpoint.card)) === JSON.stringify(card)) return;
  throw new UserError(
    `Checkpoint '${checkpoint.path}' is of another model (${checkpoint.card.name}) than the run '${folder}' (${card.name}) it lies in.`,
  );
}

function refuseFinished({ step, progress, path }: OpenCheckpoint, settings: TrainingSettings): void {
  const { steps, stopAfter, maxTokens } = settings;
  if (step >= steps) {
    throw new UserError(`The run has done all ${steps} steps: give more, such as --steps ${2 * step}.`);
  }
  if (stopAfter !== undefined && stopAfter <= step) {
    throw new UserError(
      `--stop-after ${stopAfter} lies behind '${path}', which is at step ${step}: give a later step.`,
    );
  }
  const { tokens } = progress as unknown as RunProgress;
  if (maxTokens !== undefined && maxTokens <= tokens) {
    throw new UserError(`--max-tokens ${maxTokens} is reached: the run has trained on ${tokens} tokens; give more.`);
  }
}
