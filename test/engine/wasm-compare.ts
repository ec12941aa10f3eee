// Runs the same computation on wasm and on tfjs's plain JavaScript backend and compares the numbers.
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';

export type Input = { shape: number[]; values: Float32Array | Int32Array; dtype: 'float32' | 'int32' | 'bool' };

/** A seeded source of numbers, so that a failure can be repeated. */
function numbers(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
    state = Math.imul(state ^ (state >>> 12), 0x297a2d39) + 0x6d2b79f5;
    return ((state ^ (state >>> 14)) >>> 0) / 2 ** 32;
  };
}

const size = (shape: number[]) => shape.reduce((product, length) => product * length, 1);
export const floats = (shape: number[], low = -3, high = 3): Input => {
  const next = numbers(size(shape) * 7919 + shape.length);
  return {
    shape,
    dtype: 'float32',
    values: Float32Array.from({ length: size(shape) }, () => low + (high - low) * next()),
  };
};
export const integers = (shape: number[], below: number): Input => {
  const next = numbers(size(shape) + below);
  return { shape, dtype: 'int32', values: Int32Array.from({ length: size(shape) }, () => Math.floor(next() * below)) };
};

/** Runs `compute` on one backend; asserts that nothing but the result lives on. */
export function evaluate(
  backend: string,
  inputs: Input[],
  compute: (...tensors: tf.Tensor[]) => tf.Tensor | tf.Tensor[],
) {
  tf.setBackend(backend);
  const ids = tf.backend().numDataIds();
  const results = tf.tidy(() => {
    const tensors = inputs.map(({ values, shape, dtype }) => tf.tensor(values, shape, dtype));
    return [compute(...tensors)]
      .flat()
      .map((result) => ({ shape: result.shape, dtype: result.dtype, values: [...result.dataSync()] }));
  });
  expect(tf.backend().numDataIds()).toBe(ids);
  return results;
}

/** Expects the same from wasm as from cpu, to `tolerance` of the largest value. */
export function same(
  inputs: Input[],
  compute: (...tensors: tf.Tensor[]) => tf.Tensor | tf.Tensor[],
  tolerance = 2e-6,
): void {
  const expected = evaluate('cpu', inputs, compute);
  const actual = evaluate('wasm', inputs, compute);
  expect(actual.length).toBe(expected.length);
  expected.forEach((wanted, index) => {
    const got = actual[index]!;
    expect({ shape: got.shape, dtype: got.dtype }).toEqual({ shape: wanted.shape, dtype: wanted.dtype });
    const scale = wanted.values.reduce(
      (most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most),
      1e-30,
    );
    const wrong = wanted.values.findIndex((value, place) => {
      const other = got.values[place]!;
      return !(Object.is(value, other) || value === other || Math.abs(value - other) <= tolerance * scale);
    });
    expect(
      wrong < 0 ? 'equal' : `at ${wrong} of [${wanted.shape}]: ${got.values[wrong]}, not ${wanted.values[wrong]}`,
    ).toBe('equal');
  });
}

/** erf by its Taylor series in float64: good to nine digits for |x| ≤ 5 (the terms cancel). */
export function erf(x: number): number {
  let [sum, term] = [0, x];
  for (let n = 1; Math.abs(term) > 1e-18; n++) {
    sum += term / (2 * n - 1);
    term *= (-x * x) / n;
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
