// One check for every differentiable op: output and gradients against the float64 reference, terms declared, nothing leaked.
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { valueAndGradients } from '../../src/engine/backward.ts';
import { differentiable } from '../../src/engine/differentiable.ts';
import { strictly } from '../../src/engine/kernel-events.ts';
import { normalArray } from '../../src/engine/random.ts';
import { withScope } from '../../src/engine/scope.ts';
import { multiply } from '../../src/kernels/elementwise.ts';
import { sum } from '../../src/kernels/reduce.ts';
import { reshape } from '../../src/kernels/shape.ts';
import { alive } from './backend.ts';
import { type Numbers, numericalGradients } from './reference.ts';

/** An input of an op: normal numbers of a shape, by a seed. */
export interface OpInput {
  readonly shape: number[];
  readonly values: Float32Array;
}

export const normal = (shape: number[], seed: number, deviation = 1): OpInput => ({
  shape,
  values: normalArray(
    seed,
    shape.join(),
    shape.reduce((n, length) => n * length, 1),
    deviation,
  ),
});

export interface OpCase {
  readonly inputs: readonly OpInput[];
  /** The op. Tensors that it needs besides its inputs are made here too, and disposed with the tidy around it. */
  readonly op: (...inputs: tf.Tensor[]) => tf.Tensor;
  readonly reference: (...inputs: Numbers[]) => Numbers;
  /** allowed error over the largest reference number; float32 has 6e-8 */
  readonly tolerance?: number;
}

/** Throws where a number is further from the reference than `tolerance` times the largest of the reference. */
export function close(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number, what: string): void {
  expect(actual.length, what).toBe(expected.length);
  const scale = Math.max(1e-3, ...Array.from(expected, Math.abs));
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!) / scale;
    // Not `>`: a NaN must fail.
    if (!(error <= tolerance)) {
      expect.fail(`${what}: ${actual[i]} at ${i} where the reference has ${expected[i]} (largest ${scale})`);
    }
  }
}

/**
 * Σ y·weights as a scalar, with a gradient of its own: tfjs's are registered only once tfjs-layers or tfjs-node is loaded, and the
 * ops under test must not need them.
 */
export function weightedSum(y: tf.Tensor, weights: Float32Array): tf.Tensor {
  const factors = tf.tensor(weights, y.shape);
  return differentiable([y], {
    term: 'residual',
    forward: (save) => {
      const total = sum(reshape(multiply(y, factors), [weights.length]), [0]);
      save(factors);
      return total;
    },
    backward: (dy, [factors]) => [multiply(factors!, dy)],
  });
}

const scope = { phase: 'forward', module: 'test', term: 'test' } as const;

/** Forward and backward of an op, every kernel declared and in a scope. */
export function checkOp({ inputs, op, reference, tolerance = 4e-6 }: OpCase): void {
  const exact = inputs.map(({ values }) => Float64Array.from(values));
  const expected = reference(...exact);
  const weights = normalArray(11, 'weights', expected.length, 1);
  const inFloat64 = (xs: Numbers[]) => reference(...xs).reduce((total, y, i) => total + y * weights[i]!, 0);

  const once = () =>
    tf.tidy(() => {
      const tensors = inputs.map(({ values, shape }) => tf.tensor(values, shape));
      close(op(...tensors).dataSync(), expected, tolerance, 'output');
      const { gradients, value } = valueAndGradients(() => weightedSum(op(...tensors), weights), tensors);
      expect(value.shape).toEqual([]);
      expect(gradients.map(({ shape }) => shape)).toEqual(inputs.map(({ shape }) => shape));
      return gradients.map((gradient) => gradient.dataSync());
    });
  const accounted = () => strictly(tf.getBackend(), () => withScope(scope, once));
  const gradients = accounted();
  const before = alive();
  expect(accounted(), 'a second run').toEqual(gradients);
  expect(alive()).toEqual(before);
  numericalGradients(inFloat64, exact).forEach((wanted, i) => {
    close(gradients[i]!, wanted, 2.5 * tolerance, `gradient of input ${i}`);
  });
}
