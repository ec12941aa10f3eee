// Virtual workers in one process: sharded layers in plain arithmetic, with a count of the collectives that they need.
import {
  attendHeads,
  beside,
  causal,
  columns,
  columnsOf,
  difference,
  type Matrix,
  map,
  maskOf,
  multiHead,
  product,
  randomAttention,
  randomMatrix,
  silu,
  siluSlope,
  sumOf,
  times,
  transpose,
} from './architecture-matrices.ts';

const SEQUENCE = 6;
const HIDDEN = 16;
const HEADS = 8;
const EXPANDED = 4 * HIDDEN;

const workersOf = (count: number) => Array.from({ length: count }, (_, worker) => worker);
/** The rows of a matrix that belong to one of `count` workers. */
const rowsOf = (x: Matrix, worker: number, count: number): Matrix =>
  x.slice((worker * x.length) / count, ((worker + 1) * x.length) / count);
/** The columns of a matrix that belong to one of `count` workers. */
const slicesOf = (x: Matrix, worker: number, count: number): Matrix =>
  columns(x, (worker * columnsOf(x)) / count, columnsOf(x) / count);

/** The attention of (2.11) on some workers, each with its heads, against the whole. */
export interface AttentionSharding {
  readonly workers: number;
  /** The workers' products t·O added up. */
  readonly summed: number;
  /** The same placed side by side along the hidden index, as printed; infinite where not even the shape fits. */
  readonly concatenated: number;
  readonly concatenatedWidth: number;
}

export function shardAttention(count: number): AttentionSharding {
  const z = randomMatrix('workers.z', SEQUENCE, HIDDEN);
  const weights = randomAttention('workers.attention', HIDDEN);
  const mask = maskOf(SEQUENCE, causal);
  const partial = workersOf(count).map((worker) => {
    const projected = (weight: Matrix) => product(z, slicesOf(weight, worker, count));
    const { query, key, value, output } = weights;
    const heads = attendHeads(projected(query), projected(key), projected(value), HEADS / count, mask);
    return product(heads, rowsOf(output, worker, count));
  });
  const whole = multiHead(z, weights, HEADS, mask);
  return {
    workers: count,
    summed: difference(sumOf(partial), whole),
    concatenated: difference(beside(partial), whole),
    concatenatedWidth: columnsOf(beside(partial)),
  };
}

/** The MLP of (2.10) on some workers, forward and backward, against the whole. */
export interface MlpSharding {
  readonly workers: number;
  readonly output: number;
  /** The largest difference of the gradients of both matrices and of the input. */
  readonly gradients: number;
  /** Where the partial results of workers had to be added up. */
  readonly allReduces: readonly string[];
}

export function shardMlp(count: number): MlpSharding {
  const z = randomMatrix('workers.z', SEQUENCE, HIDDEN);
  const up = randomMatrix('workers.up', HIDDEN, EXPANDED, HIDDEN ** -0.5);
  const down = randomMatrix('workers.down', EXPANDED, HIDDEN, EXPANDED ** -0.5);
  const dy = randomMatrix('workers.dy', SEQUENCE, HIDDEN);
  const allReduces: string[] = [];
  const allReduce = (where: string, parts: readonly Matrix[]) => {
    allReduces.push(where);
    return sumOf(parts);
  };

  const workers = workersOf(count).map((worker) =>
    mlp(z, slicesOf(up, worker, count), rowsOf(down, worker, count), dy),
  );
  const y = allReduce(
    'forward, behind the second matrix',
    workers.map(({ y }) => y),
  );
  // The gradient of y is on every worker already, and the gradients of both slices need nothing from the others.
  const dz = allReduce(
    'backward, before the first matrix',
    workers.map(({ dz }) => dz),
  );

  const whole = mlp(z, up, down, dy);
  return {
    workers: count,
    output: difference(y, whole.y),
    gradients: Math.max(
      difference(dz, whole.dz),
      difference(beside(workers.map(({ dUp }) => dUp)), whole.dUp),
      difference(
        workers.flatMap(({ dDown }) => dDown),
        whole.dDown,
      ),
    ),
    allReduces,
  };
}

/** φ(z·up)·down with its gradients, or a worker's part of both. */
function mlp(z: Matrix, up: Matrix, down: Matrix, dy: Matrix) {
  const before = product(z, up);
  const after = map(before, silu);
  const dBefore = times(product(dy, transpose(down)), map(before, siluSlope));
  return {
    y: product(after, down),
    dz: product(dBefore, transpose(up)),
    dUp: product(transpose(z), dBefore),
    dDown: product(transpose(after), dy),
  };
}

/** What an AllReduce on virtual workers came to, and what it cost. */
export interface AllReduceRun {
  /** The largest difference from the sum on any worker. */
  readonly error: number;
  /** Numbers that the busiest worker sent. */
  readonly busiest: number;
  /** Numbers that were sent in all. */
  readonly total: number;
}

type Rank = { readonly data: number[]; sent: number };

/** Ranks with data of their own, and what every one of them should hold in the end. */
function ranksWith(count: number, length: number): { ranks: Rank[]; sum: number[] } {
  const data = randomMatrix('workers.data', count, length);
  const ranks = data.map((row) => ({ data: [...row], sent: 0 }));
  return { ranks, sum: transpose(data).map((column) => column.reduce((total, value) => total + value, 0)) };
}

const result = (ranks: readonly Rank[], sum: readonly number[]): AllReduceRun => ({
  error: difference(
    ranks.map(({ data }) => data),
    ranks.map(() => sum),
  ),
  busiest: Math.max(...ranks.map(({ sent }) => sent)),
  total: ranks.reduce((total, { sent }) => total + sent, 0),
});

/** Reduce to the chief, then Broadcast. */
export function allReduceThroughChief(count: number, length: number): AllReduceRun {
  const { ranks, sum } = ranksWith(count, length);
  const [chief, ...others] = ranks as [Rank, ...Rank[]];
  for (const worker of others) {
    worker.sent += length;
    for (let at = 0; at < length; at++) chief.data[at]! += worker.data[at]!;
  }
  for (const worker of others) {
    chief.sent += length;
    worker.data.splice(0, length, ...chief.data);
  }
  return result(ranks, sum);
}

/** ReduceScatter, then AllGather, each around the ring; `length` is a multiple of `count`. */
export function allReduceAroundRing(count: number, length: number): AllReduceRun {
  const { ranks, sum } = ranksWith(count, length);
  const part = length / count;
  const pass = (step: number, first: number, use: (own: number, received: number) => number) => {
    // All send at once: what a worker sends is what it held before this step.
    const before = ranks.map(({ data }) => [...data]);
    for (const [at, rank] of ranks.entries()) {
      const from = (at + count - 1) % count;
      const start = ((from + first - step + 2 * count) % count) * part;
      ranks[from]!.sent += part;
      for (let i = start; i < start + part; i++) rank.data[i] = use(rank.data[i]!, before[from]![i]!);
    }
  };
  for (let step = 0; step < count - 1; step++) pass(step, 0, (own, received) => own + received);
  for (let step = 0; step < count - 1; step++) pass(step, 1, (_, received) => received);
  return result(ranks, sum);
}

/** The share of a pipeline's time in which a stage waits: 1F1B played out, a backward pass as long as two forward passes. */
export function playPipeline(stages: number, microBatches: number): number {
  const forwardEnd = grid(stages, microBatches);
  const backwardEnd = grid(stages, microBatches);
  const queues = workersOf(stages).map((stage) => oneForwardOneBackward(stages, stage, microBatches));
  const free = Array.from({ length: stages }, () => 0);
  for (let left = 2 * stages * microBatches; left > 0; ) {
    for (const [stage, queue] of queues.entries()) {
      const next = queue[0];
      if (!next) continue;
      const { forward, batch } = next;
      const needs = forward
        ? stage === 0
          ? 0
          : forwardEnd[stage - 1]![batch]!
        : stage === stages - 1
          ? forwardEnd[stage]![batch]!
          : backwardEnd[stage + 1]![batch]!;
      if (Number.isNaN(needs)) continue;
      const end = Math.max(free[stage]!, needs) + (forward ? 1 : 2);
      (forward ? forwardEnd : backwardEnd)[stage]![batch] = end;
      free[stage] = end;
      queue.shift();
      left--;
    }
  }
  return 1 - (3 * microBatches) / Math.max(...free);
}

const grid = (stages: number, microBatches: number): number[][] =>
  Array.from({ length: stages }, () => Array.from({ length: microBatches }, () => Number.NaN));

/** The order of work of a stage: warm-up forwards, then one forward and one backward in turn, then the backwards left. */
function oneForwardOneBackward(stages: number, stage: number, microBatches: number) {
  const ahead = Math.min(stages - stage - 1, microBatches);
  const order = [...Array(ahead).keys()].map((batch) => ({ forward: true, batch }));
  for (let batch = 0; batch < microBatches; batch++) {
    if (batch + ahead < microBatches) order.push({ forward: true, batch: batch + ahead });
    order.push({ forward: false, batch });
  }
  return order;
}
