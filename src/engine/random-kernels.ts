// Seeded kernels: normal numbers for initial weights, and dropout masks that replay exactly from (seed, stream).
import type { NamedAttrMap, Tensor } from '@tensorflow/tfjs-core';
import { drawn } from '../kernels/fill.ts';
import { run } from '../kernels/run.ts';
import { normalArray, philox, streamOf } from './random.ts';

const randomNormalKernel = drawn('SeededNormal', 'float32', (n, attributes: NamedAttrMap) =>
  normalArray(attributes.seed as number, attributes.stream as string, n, attributes.deviation as number),
);

/** Normal numbers with mean 0. The same (seed, stream) gives the same numbers on every backend. */
export const randomNormal = (shape: number[], deviation: number, seed: number, stream: string): Tensor =>
  run(randomNormalKernel, {}, { shape, deviation, seed, stream });

const LEVELS = 65536;

/** The probability of keeping an element, rounded to the 16 bits that a mask's random numbers have. */
export const keepProbability = (rate: number): number => Math.round((1 - rate) * LEVELS) / LEVELS;

/** 1 with probability `keepProbability(rate)`: sixteen random bits an element, eight elements a Philox call. */
function drawMask(n: number, attributes: NamedAttrMap): Uint8Array {
  const threshold = keepProbability(attributes.rate as number) * LEVELS;
  const { seed, step } = attributes as { seed: number; step: number };
  const stream = streamOf(attributes.stream as string);
  const mask = new Uint8Array(n);
  const words = new Uint32Array(4);
  for (let at = 0; at < n; at += 8) {
    words[0] = at >>> 3;
    words[1] = step;
    words[2] = stream;
    words[3] = 1 + Math.floor(step / 2 ** 32); // 0 belongs to the numbers of random.ts
    philox(words, seed >>> 0, Math.floor(seed / 2 ** 32));
    for (let lane = 0; lane < 8 && at + lane < n; lane++) {
      const bits = lane & 1 ? words[lane >> 1]! >>> 16 : words[lane >> 1]! & 0xffff;
      mask[at + lane] = bits < threshold ? 1 : 0;
    }
  }
  return mask;
}

const dropoutMaskKernel = drawn('SeededDropoutMask', 'bool', drawMask);

/** Which masks a pass draws: the same triple of seed, step and stream draws the same mask. */
export interface DropoutSeed {
  readonly seed: number;
  readonly step: number;
}

/** A mask of ones (keep) and zeros, one byte an element where the backend stores bool so. */
export const dropoutMask = (shape: number[], rate: number, { seed, step }: DropoutSeed, stream: string): Tensor =>
  run(dropoutMaskKernel, {}, { shape, rate, seed, step, stream });
