// Windows of a token stream: random ones to train on, fixed ones to evaluate on. Labels are the inputs one position later.
import { uniformInteger } from '../engine/random.ts';
import { UserError } from '../terms/user-error.ts';
import type { TokenArray } from './corpus-cache.ts';

/** Inputs and labels, both [rows, length] in row-major order. */
export interface Batch {
  inputs: Int32Array;
  labels: Int32Array;
  rows: number;
  length: number;
}

/** What a checkpoint keeps of the data position: the next batch is a function of it. */
export interface BatchState {
  seed: number;
  step: number;
}

/**
 * Random windows as in nanoGPT: each of the tokens.length − sequence starts is equally likely, with replacement. Window `row` of step
 * `step` depends on the seed and these two numbers alone, so that a resumed run sees the batches it would have seen, and so that micro
 * batches (`rows`) are slices of the whole batch.
 */
export class TrainingBatches {
  private step: number;
  private readonly seed: number;

  /** Throws a `UserError` where the tokens do not hold one batch of `batch` × `sequence` and the label after it. */
  constructor(
    private readonly tokens: TokenArray,
    private readonly batch: number,
    private readonly sequence: number,
    state: BatchState,
  ) {
    mustHold(tokens.length, batch, sequence);
    this.seed = state.seed;
    this.step = state.step;
  }

  /** Where `next` goes on. */
  get state(): BatchState {
    return { seed: this.seed, step: this.step };
  }

  /** The next step's whole batch. */
  next(): Batch {
    const batch = this.rows(this.step, 0, this.batch);
    this.step += 1;
    return batch;
  }

  /** Rows `from` to `from + count − 1` of a step's batch; the state stays. */
  rows(step: number, from: number, count: number): Batch {
    const starts: number[] = [];
    for (let row = from; row < from + count; row++) {
      starts.push(
        uniformInteger(this.seed, 'training windows', step * this.batch + row, this.tokens.length - this.sequence),
      );
    }
    return windows(this.tokens, starts, this.sequence);
  }
}

/**
 * Windows at 0, sequence, 2·sequence … that together predict every token of the split but the first, each once. The last window is
 * shorter where the split does not divide; it comes as a batch of its own, [1, what is left]. So the mean loss over the split is the mean
 * of the batches' losses weighted by rows · length. A window's first tokens are predicted from little context.
 *
 * `limit`: at most so many full windows, spread evenly over the split, for a quick look; the short one is then left out.
 * Throws a `UserError` for fewer than two tokens.
 */
export function* evaluationBatches(
  tokens: TokenArray,
  batch: number,
  sequence: number,
  limit?: number,
): Generator<Batch> {
  if (tokens.length < 2)
    throw new UserError(`The validation text has ${tokens.length} tokens: two are the least to predict one.`);
  mustBeCount('batch', batch);
  mustBeCount('sequence', sequence);
  if (limit !== undefined) mustBeCount('limit', limit);
  const full = Math.floor((tokens.length - 1) / sequence);
  const limited = limit !== undefined && limit < full;
  const count = limited ? limit : full;
  for (let first = 0; first < count; first += batch) {
    const rows = Math.min(batch, count - first);
    const starts = Array.from({ length: rows }, (_, row) => Math.floor(((first + row) * full) / count) * sequence);
    yield windows(tokens, starts, sequence);
  }
  const rest = tokens.length - 1 - full * sequence;
  if (rest > 0 && !limited) yield windows(tokens, [full * sequence], rest);
}

/** The number of predictions that `evaluationBatches` makes. */
export function evaluationTokens(tokens: TokenArray, sequence: number, limit?: number): number {
  const full = Math.floor((tokens.length - 1) / sequence);
  return limit !== undefined && limit < full ? limit * sequence : tokens.length - 1;
}

function windows(tokens: TokenArray, starts: readonly number[], length: number): Batch {
  const inputs = new Int32Array(starts.length * length);
  const labels = new Int32Array(starts.length * length);
  for (const [row, start] of starts.entries()) {
    inputs.set(tokens.subarray(start, start + length), row * length);
    labels.set(tokens.subarray(start + 1, start + 1 + length), row * length);
  }
  return { inputs, labels, rows: starts.length, length };
}

function mustHold(available: number, batch: number, sequence: number): void {
  mustBeCount('batch', batch);
  mustBeCount('sequence', sequence);
  if (available < sequence + 1) {
    const fits = available > 1 ? `; --seq ${available - 1} or less fits` : '';
    throw new UserError(
      `A context of ${sequence} is longer than the training text: it needs ${sequence + 1} tokens and there are ${available}${fits}.`,
    );
  }
  const needed = batch * sequence + 1;
  if (available < needed) {
    throw new UserError(
      `The training text of ${available} tokens is shorter than one batch: ${batch} × ${sequence} + 1 = ${needed} are needed; --batch ${Math.floor((available - 1) / sequence)} or --seq ${Math.max(1, Math.floor((available - 1) / batch))} fits.`,
    );
  }
}

function mustBeCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1)
    throw new UserError(`The ${name} is ${value}: it must be a whole number from 1.`);
}
