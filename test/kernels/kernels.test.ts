// Every declared kernel on every backend: outputs as declared, numbers as JavaScript computes them.
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { type KernelEvent, observeKernels, strictly } from '../../src/engine/kernel-events.ts';
import { dropoutMask, randomNormal } from '../../src/engine/random-kernels.ts';
import { withScope } from '../../src/engine/scope.ts';
import { adamwUpdate } from '../../src/kernels/adamw.ts';
import { compose, crossEntropyWithGradient } from '../../src/kernels/cross-entropy.ts';
import { allDeclarations } from '../../src/kernels/declaration.ts';
import * as elementwise from '../../src/kernels/elementwise.ts';
import { fill } from '../../src/kernels/fill.ts';
import { addRowsById, gatherRows, oneHot } from '../../src/kernels/gather.ts';
import { matMul } from '../../src/kernels/matmul.ts';
import { argMax, max, mean, softmax, sum } from '../../src/kernels/reduce.ts';
import { canRun } from '../../src/kernels/run.ts';
import { cast, concat, identity, pad, reshape, slice, transpose } from '../../src/kernels/shape.ts';
import { onEveryBackend } from '../support/backend.ts';
import { close, normal } from '../support/check-op.ts';

const scope = { phase: 'forward', module: 'test', term: 'test' } as const;
const tensor = (shape: number[], seed = 1) => tf.tensor(normal(shape, seed).values, shape);
const positive = (shape: number[]) =>
  tf.tensor(
    normal(shape, 5).values.map((value) => Math.abs(value) + 0.1),
    shape,
  );
const int = (...values: number[]) => tf.tensor1d(values, 'int32');

/** Runs with every kernel checked against its declaration. */
const declared = <T>(body: () => T): T => strictly(tf.getBackend(), () => withScope(scope, body));

/** One run of each kernel that is not element by element. */
const others: Record<string, () => tf.Tensor | tf.Tensor[]> = {
  BatchMatMul: () => matMul(tensor([2, 3, 4]), tensor([2, 5, 4]), false, true),
  Sum: () => sum(tensor([2, 3, 4]), [0, 2]),
  Mean: () => [mean(tensor([2, 3, 4]), 1), mean(tensor([2, 3]), 1, true)],
  Max: () => [max(tensor([2, 3]), 1), max(tensor([2, 3]), 1, true)],
  ArgMax: () => argMax(tensor([2, 3]), 1),
  Softmax: () => softmax(tensor([2, 3, 4])),
  Identity: () => identity(tensor([2, 3])),
  Reshape: () => reshape(tensor([2, 3]), [3, 1, 2]),
  Cast: () => [cast(tensor([2, 3]), 'float32'), cast(tensor([3]), 'int32'), cast(int(0, 2), 'bool')],
  Transpose: () => transpose(tensor([2, 3, 4]), [2, 0, 1]),
  Slice: () => slice(tensor([4, 5]), [1, 2], [2, 3]),
  Concat: () => concat([tensor([2, 3]), tensor([2, 4])], 1),
  PadV2: () =>
    pad(tensor([2, 3]), [
      [1, 0],
      [2, 3],
    ]),
  Fill: () => [fill([2, 3], 1.5), fill([2], 3, 'int32')],
  SeededNormal: () => randomNormal([2, 3], 1, 1, 's'),
  SeededDropoutMask: () => dropoutMask([2, 3], 0.5, { seed: 1, step: 1 }, 's'),
  GatherV2: () => gatherRows(tensor([5, 3]), int(4, 0, 4, 1)),
  OneHot: () => oneHot(int(4, 0, 4, 1), 5),
  UnsortedSegmentSum: () => addRowsById(tensor([4, 3]), int(4, 0, 4, 1), 5),
  SparseSoftmaxCrossEntropy: () => Object.values(crossEntropyWithGradient(tensor([3, 4]), int(0, 3, 1))),
  AdamW: () => {
    const [weight, gradient, first] = [1, 2, 3].map((seed) => tensor([2, 3], seed));
    const factors = {
      beta1: 0.9,
      beta2: 0.95,
      epsilon: 1e-8,
      keep: 1,
      stepSize: 0.1,
      secondScale: 1,
      gradientScale: 1,
    };
    return adamwUpdate({ weight: weight!, gradient: gradient!, first: first!, second: positive([2, 3]) }, factors);
  },
};

const unary: Record<string, [(x: tf.Tensor) => tf.Tensor, (x: number) => number]> = {
  Square: [elementwise.square, (x) => x * x],
  Sqrt: [elementwise.sqrt, Math.sqrt],
  Rsqrt: [elementwise.rsqrt, (x) => 1 / Math.sqrt(x)],
  Exp: [elementwise.exp, Math.exp],
  Log: [elementwise.log, Math.log],
  Tanh: [elementwise.tanh, Math.tanh],
  Sigmoid: [elementwise.sigmoid, (x) => 1 / (1 + Math.exp(-x))],
  Neg: [elementwise.negative, (x) => -x],
  Relu: [elementwise.relu, (x) => Math.max(x, 0)],
  Sign: [elementwise.sign, Math.sign],
  Cos: [elementwise.cos, Math.cos],
  Sin: [elementwise.sin, Math.sin],
};

const binary: Record<string, [(a: tf.Tensor, b: tf.Tensor) => tf.Tensor, (a: number, b: number) => number]> = {
  Add: [elementwise.add, (a, b) => a + b],
  Sub: [elementwise.sub, (a, b) => a - b],
  Multiply: [elementwise.multiply, (a, b) => a * b],
  RealDiv: [elementwise.divide, (a, b) => a / b],
  Maximum: [elementwise.maximum, Math.max],
};

/** Erf is compared by the gelu op's test, against its series. */
const covered = ['Erf', ...Object.keys(others), ...Object.keys(unary), ...Object.keys(binary)];

it('this file runs every kernel that is declared', () => {
  expect(
    allDeclarations()
      .map(({ name }) => name)
      .filter((name) => !covered.includes(name)),
  ).toEqual([]);
});

onEveryBackend((backend) => {
  it.each(Object.entries(others))('%s returns what its declaration says', (name, body) => {
    const declaration = allDeclarations().find((each) => each.name === name)!;
    if (!canRun(declaration)) {
      expect([backend, name]).toEqual(['native', 'AdamW']); // composed there, of TensorFlow's own kernels
      return;
    }
    tf.tidy(() => {
      const events: KernelEvent[] = [];
      const stop = observeKernels(tf.getBackend(), (event) => events.push(event));
      try {
        declared(() => [body()].flat());
      } finally {
        stop();
      }
      const own = events.filter((event) => event.name === name);
      expect(own.length).toBeGreaterThan(0);
      for (const call of own) {
        expect(declaration.flops(call)).toBeTypeOf('bigint');
        const { read, written } = declaration.bytes?.(call) ?? { read: 0n, written: 0n };
        expect([typeof read, typeof written]).toEqual(['bigint', 'bigint']);
      }
    });
  });

  it.each(Object.entries(unary))('%s', (_, [kernel, inFloat64]) => {
    tf.tidy(() => {
      const x = ['Sqrt', 'Rsqrt', 'Log'].includes(_) ? positive([3, 7]) : tensor([3, 7]);
      const expected = Array.from(x.dataSync(), inFloat64);
      close(declared(() => kernel(x)).dataSync(), expected, 3e-7, _);
    });
  });

  it.each(Object.entries(binary))('%s, rows by columns and with a scalar', (name, [kernel, inFloat64]) => {
    tf.tidy(() => {
      const [column, row] = [tensor([3, 1]), positive([1, 4])];
      const [a, b] = [column.dataSync(), row.dataSync()];
      const outer = Array.from({ length: 12 }, (_, i) => inFloat64(a[Math.floor(i / 4)]!, b[i % 4]!));
      close(declared(() => kernel(column, row)).dataSync(), outer, 3e-7, name);
      const scalar = Array.from(a, (value) => inFloat64(value, 2));
      close(declared(() => kernel(column, tf.scalar(2))).dataSync(), scalar, 3e-7, name);
    });
  });

  describe('numbers', () => {
    const dataOf = (body: () => tf.Tensor) => tf.tidy(() => [...declared(body).dataSync()]);

    it('rows picked by id, and added by id', () => {
      const table = () => tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
      expect(dataOf(() => gatherRows(table(), int(2, 0, 2)))).toEqual([5, 6, 1, 2, 5, 6]);
      expect(dataOf(() => addRowsById(table(), int(1, 3, 1), 4))).toEqual([0, 0, 6, 8, 0, 0, 3, 4]);
    });

    it('ones at ids', () => {
      expect(dataOf(() => oneHot(int(2, 0), 3))).toEqual([0, 0, 1, 1, 0, 0]);
    });

    it('the composed cross-entropy is the kernel’s, with its gradient, on large logits too', () => {
      tf.tidy(() => {
        const labels = int(0, 6, 3, 3);
        for (const deviation of [1, 60]) {
          const logits = tf.tensor(normal([4, 7], 8, deviation).values, [4, 7]);
          const { losses, gradient } = declared(() => crossEntropyWithGradient(logits, labels));
          const [composedLosses, composedGradient] = declared(() => compose(logits, labels));
          close(composedLosses.dataSync(), losses.dataSync(), 1e-6, `losses at ${deviation}`);
          close(composedGradient.dataSync(), gradient.dataSync(), 1e-6, `gradient at ${deviation}`);
        }
      });
    });

    it('padding, cutting, joining, turning', () => {
      const x = () => tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
      const around: [number, number][] = [
        [1, 0],
        [0, 1],
      ];
      expect(dataOf(() => pad(x(), around))).toEqual([0, 0, 0, 0, 1, 2, 3, 0, 4, 5, 6, 0]);
      expect(dataOf(() => slice(x(), [0, 1], [2, 2]))).toEqual([2, 3, 5, 6]);
      expect(dataOf(() => concat([x(), x()], 1))).toEqual([1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6]);
      expect(dataOf(() => transpose(x(), [1, 0]))).toEqual([1, 4, 2, 5, 3, 6]);
      expect(dataOf(() => argMax(x(), 1))).toEqual([2, 2]);
      expect(dataOf(() => max(x(), 1))).toEqual([3, 6]);
    });

    it('matrix products with operands transposed', () => {
      const a = () => tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
      const product = [14, 32, 32, 77];
      expect(dataOf(() => matMul(a(), a(), false, true))).toEqual(product);
      expect(dataOf(() => matMul(transpose(a(), [1, 0]), a(), true, true))).toEqual(product);
      expect(dataOf(() => matMul(a(), transpose(a(), [1, 0])))).toEqual(product);
      expect(dataOf(() => matMul(transpose(a(), [1, 0]), transpose(a(), [1, 0]), true))).toEqual(product);
    });
  });
});
