// Rotary angles against float64, with and without Llama 3's scaling, up to long contexts.
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { type RopeSettings, rotaryFrequencies, rotaryTables, rotate } from '../../src/ops/rotary.ts';
import { onFastBackend } from '../support/backend.ts';
import { ropeAngle } from '../support/reference.ts';

/** What Llama 3.1 8B and Llama 3.2 1B publish. */
const llama31 = { factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 8192 };
const kinds: [string, RopeSettings, number][] = [
  ['of 2021', { theta: 10_000, scaling: null }, 64],
  ['of Llama 3', { theta: 500_000, scaling: null }, 128],
  ['of Llama 3.1', { theta: 500_000, scaling: llama31 }, 128],
  ['of Llama 3.2', { theta: 500_000, scaling: { ...llama31, factor: 32 } }, 64],
];

describe.each(kinds)('frequencies %s', (_, settings, headSize) => {
  const frequencies = rotaryFrequencies(settings, headSize);

  it('are right to float32', () => {
    expect(frequencies).toHaveLength(headSize / 2);
    frequencies.forEach((frequency, j) => {
      const exact = ropeAngle(settings, headSize, j, 1);
      expect(Math.abs(frequency / exact - 1), `pair ${j}`).toBeLessThan(1e-6);
      expect(frequency).toBe(Math.fround(frequency));
    });
  });

  it('fall from 1', () => {
    expect(frequencies[0]).toBe(1);
    expect(frequencies.every((frequency, j) => j === 0 || frequency < frequencies[j - 1]!)).toBe(true);
  });
});

it('Llama 3.1’s scaling keeps fast pairs, divides slow ones by the factor, and blends some', () => {
  const plain = rotaryFrequencies({ theta: 500_000, scaling: null }, 128);
  const ratios = [...rotaryFrequencies({ theta: 500_000, scaling: llama31 }, 128)].map(
    (scaled, j) => plain[j]! / scaled,
  );
  const count = (test: (ratio: number) => boolean) => ratios.filter(test).length;
  const [kept, divided] = [count((ratio) => ratio === 1), count((ratio) => Math.abs(ratio - 8) < 1e-6)];
  // The boundaries of the wavelengths 8192/4 and 8192 lie at pairs 28.2 and 35.0 of 64.
  expect({ kept, divided }).toEqual({ kept: 29, divided: 29 });
  expect(count((ratio) => ratio > 1 && ratio < 7.999)).toBe(6);
});

onFastBackend(() => {
  it('tables start at the offset and rotate back what they rotated', () => {
    tf.tidy(() => {
      const settings = { theta: 10_000, scaling: null };
      const whole = rotaryTables(settings, 8, 7);
      const tail = rotaryTables(settings, 8, 3, 4);
      expect(tail.cos.dataSync()).toEqual(whole.cos.dataSync().slice(4 * 4));
      expect(tail.sin.dataSync()).toEqual(whole.sin.dataSync().slice(4 * 4));
      const x = tf.randomNormal([2, 3, 7, 8], 0, 1, 'float32', 5);
      const there = rotate(x, whole);
      const back = rotate(there, whole, true);
      expect(tf.max(tf.abs(tf.sub(x, back))).dataSync()[0]).toBeLessThan(1e-6);
      // A rotation keeps lengths and leaves position 0 alone.
      const lengths = (y: tf.Tensor) => tf.sum(tf.square(y), 3);
      expect(tf.max(tf.abs(tf.sub(lengths(x), lengths(there)))).dataSync()[0]).toBeLessThan(1e-5);
      const first = (y: tf.Tensor) => tf.slice(y, [0, 0, 0, 0], [2, 3, 1, 8]).dataSync();
      expect(first(there)).toEqual(first(x));
      expect(there.dataSync()).not.toEqual(x.dataSync());
    });
  });
});
