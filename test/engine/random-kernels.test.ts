// Seeded kernels: the same numbers on every backend, masks that replay exactly, and keep what they should.
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { normalArray } from '../../src/engine/random.ts';
import { dropoutMask, keepProbability, randomNormal } from '../../src/engine/random-kernels.ts';
import { onEveryBackend, onFastBackend } from '../support/backend.ts';

function maskOf(shape: number[], rate: number, seed: number, step: number, stream: string): Uint8Array {
  return tf.tidy(() => Uint8Array.from(dropoutMask(shape, rate, { seed, step }, stream).dataSync()) as never);
}

const hashOf = (mask: Uint8Array) => mask.reduce((hash, kept) => (Math.imul(hash, 31) + kept) >>> 0, 7);

onEveryBackend(() => {
  it('draws the normal numbers that its seed and stream name, on every backend the same', () => {
    tf.tidy(() => {
      const x = randomNormal([3, 7], 0.5, 42, 'blocks.0.mlp.up.weight');
      expect([x.shape, x.dtype]).toEqual([[3, 7], 'float32']);
      expect(x.dataSync()).toEqual(normalArray(42, 'blocks.0.mlp.up.weight', 21, 0.5));
    });
  });

  it('draws masks of ones and zeros, one byte an element, the same on every backend and in every version', () => {
    tf.tidy(() => {
      const mask = dropoutMask([5, 201], 0.3, { seed: 42, step: 7 }, 'blocks.0/dropout.residual');
      expect([mask.shape, mask.dtype]).toEqual([[5, 201], 'bool']);
      const values = mask.dataSync();
      expect([...new Set(values)].sort()).toEqual([0, 1]);
      expect(hashOf(Uint8Array.from(values))).toBe(81_610_301);
    });
  });
});

describe('masks', () => {
  onFastBackend(() => {
    const original = () => maskOf([40, 50], 0.5, 1, 3, 'blocks.0/dropout.residual');

    it('replay for the same seed, step and stream, whatever was drawn in between', () => {
      const first = original();
      maskOf([9], 0.1, 5, 5, 'other');
      expect(original()).toEqual(first);
    });

    it.each([
      ['seed', 2, 3, 'blocks.0/dropout.residual'],
      ['seed beyond 32 bits', 1 + 2 ** 32, 3, 'blocks.0/dropout.residual'],
      ['step', 1, 4, 'blocks.0/dropout.residual'],
      ['step beyond 32 bits', 1, 3 + 2 ** 32, 'blocks.0/dropout.residual'],
      ['layer', 1, 3, 'blocks.1/dropout.residual'],
    ])('are independent for another %s', (_, seed, step, stream) => {
      const first = original();
      const agreeing = maskOf([40, 50], 0.5, seed, step, stream).filter((kept, i) => kept === first[i]).length;
      // Independent coins agree half of the time; 2,000 of them within 5 deviations of 0.011.
      expect(Math.abs(agreeing / first.length - 0.5)).toBeLessThan(0.056);
    });

    it.each([0.1, 0.25, 0.5, 0.9])('at rate %f keep the rest, evenly over elements', (rate) => {
      const n = 80_003;
      const mask = maskOf([n], rate, 11, 1, 'rate');
      const share = (values: Uint8Array) => values.reduce((sum, kept) => sum + kept, 0) / values.length;
      const deviation = Math.sqrt(rate * (1 - rate));
      expect(Math.abs(share(mask) - (1 - rate))).toBeLessThan((5 * deviation) / Math.sqrt(n));
      // Eight elements share one call of the generator: each place of the eight keeps as often.
      for (let lane = 0; lane < 8; lane++) {
        const every = mask.filter((_, i) => i % 8 === lane);
        expect(Math.abs(share(every) - (1 - rate))).toBeLessThan((5 * deviation) / Math.sqrt(n / 8));
      }
      // Neighbours are independent: both kept with the square of the probability.
      const both = mask.slice(1).map((kept, i) => kept & mask[i]!);
      expect(Math.abs(share(both) - (1 - rate) ** 2)).toBeLessThan(8 / Math.sqrt(n));
    });

    it('keep all at rate 0', () => {
      expect(new Set(maskOf([1000], 0, 1, 1, 'x'))).toEqual(new Set([1]));
    });
  });

  it('keepProbability is what the 16 bits of a mask can show', () => {
    expect(keepProbability(0)).toBe(1);
    expect(keepProbability(0.5)).toBe(0.5);
    expect(Math.abs(keepProbability(0.1) - 0.9)).toBeLessThan(2 ** -17);
    expect(keepProbability(0.1) * 65536).toBe(Math.round(0.9 * 65536));
  });
});
