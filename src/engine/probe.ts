// How fast the current backend is: a matrix product's FLOP/s and an addition's bytes per second.
import * as tf from '@tensorflow/tfjs-core';

/** A clock in milliseconds, such as `() => performance.now()`. */
export type Clock = () => number;

export interface MatmulProbe {
  /** Rows and columns of the square float32 matrices. */
  readonly size: number;
  /** FLOP/s of the best repetition; a product costs 2·size³. */
  readonly flopsPerSecond: number;
}

export interface BandwidthProbe {
  /** Bytes that one repetition moves: two inputs read, one output written. */
  readonly bytes: number;
  /** Bytes per second of the best repetition. */
  readonly bytesPerSecond: number;
}

/** Milliseconds that the repetitions of the final size take together, and that one of them may take. */
const budget = 120;
const longest = 35;

/**
 * The float32 matrix product of this backend: the peak that MFU is measured against. 1024³, smaller where that would
 * take too long, larger where it would be over too soon to tell.
 */
export async function probeMatmul(now: Clock): Promise<MatmulProbe> {
  const flops = (size: number) => 2 * size ** 3;
  const { size, best } = await climb([128, 256, 512, 1024, 2048, 4096], flops, now, (size) => {
    const a = tf.fill([size, size], 0.5);
    return { inputs: [a], run: () => tf.matMul(a, a) };
  });
  return { size, flopsPerSecond: (flops(size) / best) * 1000 };
}

/** The speed of memory as an elementwise addition of this backend sees it: x + y with 64 MiB each, less where that is slow. */
export async function probeBandwidth(now: Clock): Promise<BandwidthProbe> {
  const bytes = (size: number) => 3 * 4 * size;
  const sizes = [2 ** 16, 2 ** 18, 2 ** 20, 2 ** 22, 2 ** 24];
  const { size, best } = await climb(sizes, bytes, now, (size) => {
    const x = tf.fill([size], 0.5);
    const y = tf.fill([size], 0.25);
    return { inputs: [x, y], run: () => tf.add(x, y) };
  });
  return { bytes: bytes(size), bytesPerSecond: (bytes(size) / best) * 1000 };
}

/**
 * Climbs the sizes while a repetition of the next, judged by the time of this one, is not too long; repeats the last one
 * until the budget is used up. Returns its best time in milliseconds.
 */
async function climb(
  sizes: readonly number[],
  work: (size: number) => number,
  now: Clock,
  make: (size: number) => { inputs: tf.Tensor[]; run: () => tf.Tensor },
): Promise<{ size: number; best: number }> {
  let reached = { size: sizes[0]!, best: Number.POSITIVE_INFINITY };
  for (const [index, size] of sizes.entries()) {
    const { inputs, run } = make(size);
    try {
      // The first runs compile shaders, fill caches and wake threads.
      await once(run, now);
      const best = Math.min(await once(run, now), await once(run, now), await once(run, now));
      reached = { size, best };
      const next = sizes[index + 1];
      if (next !== undefined && (best * work(next)) / work(size) <= longest) continue;
      const end = now() + budget;
      while (now() < end) reached.best = Math.min(reached.best, await once(run, now));
      return reached;
    } finally {
      tf.dispose(inputs);
    }
  }
  return reached;
}

/** Milliseconds of one repetition. Reading one element back makes sure that it is done, on a GPU too. */
async function once(run: () => tf.Tensor, now: Clock): Promise<number> {
  const begin = now();
  const result = run();
  const first = tf.tidy(() => tf.slice(tf.reshape(result, [-1]), 0, 1));
  await first.data();
  const elapsed = now() - begin;
  tf.dispose([result, first]);
  return elapsed;
}
