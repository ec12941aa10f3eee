// A small run without files and clocks: settings, tokens, a session on the current backend.
import { Transformer } from '../../src/architectures/transformer.ts';
import type { ModelCard } from '../../src/cards/model-card.ts';
import type { Corpus } from '../../src/data/corpus.ts';
import { ByteTokenizer } from '../../src/data/tokenizers/byte.ts';
import { uniformInteger } from '../../src/engine/random.ts';
import type { RunPlan } from '../../src/training/plan.ts';
import type { Session } from '../../src/training/session.ts';
import type { TrainingSettings } from '../../src/training/settings.ts';
import { Trainer } from '../../src/training/trainer.ts';
import { adamwSettings, variants, withDropout } from './models.ts';

export const tinyCard: ModelCard = withDropout(variants.llama3!, 0.1);

export const tinySettings: TrainingSettings = {
  steps: 6,
  batch: 2,
  sequence: 6,
  accumulation: 1,
  learningRate: 0.01,
  minLearningRate: 0.001,
  warmup: 1,
  optimizer: adamwSettings,
  clip: 1,
  seed: 1,
  evaluateEvery: 0,
  evaluateWindows: 2,
  saveEvery: 0,
};

/** Seeded ids below the tiny card's vocabulary; each is likely to be the one before plus one, so that there is something to learn. */
export function tinyTokens(length: number, { vocabulary }: ModelCard = tinyCard): Uint16Array {
  const tokens = new Uint16Array(length);
  for (let i = 1; i < length; i++) {
    const jump = uniformInteger(1, 'jumps', i, 4) === 0 ? uniformInteger(1, 'ids', i, vocabulary) : 1;
    tokens[i] = (tokens[i - 1]! + jump) % vocabulary;
  }
  return tokens;
}

export function tinyPlan(changed: Partial<TrainingSettings> = {}, card: ModelCard = tinyCard): RunPlan {
  const corpus = { train: tinyTokens(400), validation: tinyTokens(50), tokenizer: new ByteTokenizer() };
  const settings = { ...tinySettings, ...changed };
  return { folder: 'run', card, corpus: corpus as unknown as Corpus, settings };
}

/** A new session of a plan. The caller disposes it. */
export function tinySession({ card, corpus, settings }: RunPlan): Session {
  const model = new Transformer(card, settings.seed);
  const trainer = new Trainer(model, corpus.train, settings);
  const dispose = () => {
    trainer.dispose();
    model.dispose();
  };
  return { model, trainer, progress: { tokens: 0, seconds: 0 }, dispose };
}

/** Every weight and every state of the optimizer, as plain arrays by name. */
export function stateOf({ model, trainer }: Session): Record<string, number[]> {
  const weights = model.namedWeights().map(({ name, variable }) => [name, [...variable.dataSync()]]);
  const state = trainer.optimizer.stateTensors().map(({ name, tensor }) => [name, [...tensor.dataSync()]]);
  return Object.fromEntries([...weights, ...state]);
}

/** A clock that advances by so many milliseconds whenever it is asked. */
export function tickingClock(milliseconds: number): () => number {
  let time = 0;
  return () => {
    time += milliseconds;
    return time;
  };
}

export const atOnce = async (): Promise<void> => undefined;

/** All that an asynchronous generator yields. */
export async function collected<T>(events: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const event of events) all.push(event);
  return all;
}
