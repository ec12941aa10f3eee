// The wasm backend: every kernel of ours against tfjs's plain JavaScript backend, on one thread and on two.
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { initialiseWasm, shutdownWasm } from '../../src/engine/wasm/wasm.ts';
import { adamwUpdate } from '../../src/kernels/adamw.ts';
import { crossEntropyWithGradient } from '../../src/kernels/cross-entropy.ts';
import { erf, evaluate, floats, type Input, integers, same } from './wasm-compare.ts';

const dimension = fc.integer({ min: 1, max: 37 });
const runs = { numRuns: 25, seed: 7 };

describe.each([1, 2])('kernels on %i threads', (threads) => {
  beforeAll(async () => {
    const state = await initialiseWasm({ threads });
    expect(state).toMatchObject({ threads, simd: true });
    expect(state.reason).toBeUndefined();
  });
  afterAll(() => shutdownWasm());

  it.each([
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ])('BatchMatMul, transposed: %s, %s', (transposeA, transposeB) => {
    const check = (batch: number[], m: number, n: number, k: number) =>
      same(
        [floats([...batch, ...(transposeA ? [k, m] : [m, k])]), floats([...batch, ...(transposeB ? [n, k] : [k, n])])],
        (a, b) => tf.matMul(a, b, transposeA, transposeB),
      );
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }), dimension, dimension, dimension, check),
      runs,
    );
    check([], 261, 270, 7);
    check([3], 11, 9, 531);
    check([], 1, 300, 261);
    check([2], 3, 515, 67);
  });

  it('multiplies one buffer under two shapes', () => {
    same([floats([12, 20])], (x) => [
      tf.matMul(tf.reshape(x, [20, 12]), x),
      tf.matMul(x, tf.reshape(x, [20, 12])),
      tf.matMul(x, x, false, true),
    ]);
    same([floats([4, 6, 10]), floats([10, 5])], (x, y) => [
      tf.matMul(tf.reshape(x, [24, 10]), y),
      tf.matMul(tf.reshape(x, [8, 3, 10]), y),
    ]);
  });

  it.each(
    Object.entries({
      add: tf.add,
      sub: tf.sub,
      mul: tf.mul,
      div: tf.div,
      maximum: tf.maximum,
      minimum: tf.minimum,
      squaredDifference: tf.squaredDifference,
      pow: tf.pow,
      greater: tf.greater,
      less: tf.less,
      equal: tf.equal,
    }),
  )('%s with every kind of broadcasting', (_, compute) => {
    const check = (left: number[], right: number[]) =>
      same([floats(left, 0.5, 3), floats(right, 0.5, 3)], (a, b) => compute(a, b));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 0, max: 2 })), { maxLength: 4 }),
        (axes) =>
          check(
            axes.map(([length, kind]) => (kind === 1 ? 1 : length)),
            axes.map(([length, kind]) => (kind === 2 ? 1 : length)),
          ),
      ),
      runs,
    );
    check([203, 101], [101]);
    check([203, 101], [203, 1]);
    check([101], [203, 101]);
    check([70001], [1]);
    check([], [33]);
  });

  it.each(
    Object.entries({
      abs: tf.abs,
      exp: tf.exp,
      neg: tf.neg,
      reciprocal: tf.reciprocal,
      relu: tf.relu,
      sigmoid: tf.sigmoid,
      square: tf.square,
      tanh: tf.tanh,
      sin: tf.sin,
      cos: tf.cos,
      isNaN: tf.isNaN,
      floor: tf.floor,
      sign: tf.sign,
    }),
  )('%s', (_, compute) => {
    same([floats([70_001], -8, 8)], (x) => compute(x));
    same([floats([3], -0.01, 0.01)], (x) => compute(x));
  });

  it.each(Object.entries({ log: tf.log, sqrt: tf.sqrt, rsqrt: tf.rsqrt, log1p: tf.log1p }))('%s', (_, compute) => {
    same([floats([70_001], 1e-6, 9)], (x) => compute(x));
  });

  it('erf, against its series in float64', () => {
    const input = floats([2000], -5, 5);
    const [{ values } = { values: [] }] = evaluate('wasm', [input], (x) => tf.erf(x));
    for (const [index, x] of input.values.entries()) {
      expect(Math.abs(values[index]! - erf(x))).toBeLessThan(2.5e-7 * Math.min(1, Math.abs(x)));
    }
  });

  it('handles the ends of the range of exp, log and tanh', () => {
    const values = Float32Array.of(
      0,
      -0,
      1e-30,
      -1e-30,
      88.5,
      89,
      -80,
      -200,
      1e30,
      -1e30,
      Infinity,
      -Infinity,
      Number.NaN,
      1,
    );
    const input: Input = { shape: [values.length], dtype: 'float32', values };
    same([input], (x) => tf.exp(x));
    same([input], (x) => tf.tanh(x));
    same([input], (x) => tf.sigmoid(x));
    same([input], (x) => tf.log(tf.abs(x)));
    expect(evaluate('wasm', [input], (x) => tf.log(x))[0]!.values[9]).toBeNaN();
  });

  it('ClipByValue, Cast, LogicalNot, LogicalAnd, Select', () => {
    same([floats([999])], (x) => tf.clipByValue(x, -0.5, 1.25));
    same([floats([999])], (x) => [tf.cast(x, 'int32'), tf.cast(x, 'bool'), tf.cast(x, 'float32')]);
    same([floats([5, 9]), floats([5, 9])], (a, b) =>
      tf.where(tf.logicalAnd(tf.greater(a, 0), tf.logicalNot(tf.less(b, 1))), a, b),
    );
  });

  it('Sum, Mean and Max over any axes', () => {
    const check = (shape: number[], axes: number[], keepDims: boolean) =>
      same([floats(shape)], (x) => [tf.sum(x, axes, keepDims), tf.mean(x, axes, keepDims), tf.max(x, axes, keepDims)]);
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
        fc.nat(),
        fc.boolean(),
        (shape, pick, keepDims) => {
          const axes = shape.map((_, axis) => axis).filter((axis) => ((pick >> axis) & 1) === 1);
          if (axes.length > 0) check(shape, axes, keepDims);
        },
      ),
      runs,
    );
    check([300, 101], [0], false);
    check([300, 101], [1], true);
    check([5, 130, 67], [1], false);
    same([floats([40, 70])], (x) => [tf.argMax(x, 1), tf.argMax(x, 0)]);
    same([integers([40, 70], 9)], (x) => [tf.sum(x, 1), tf.max(x, 0)]);
  });

  it('Softmax and logSoftmax', () => {
    fc.assert(
      fc.property(dimension, dimension, (rows, columns) =>
        same([floats([rows, columns], -9, 9)], (x) => tf.softmax(x)),
      ),
      runs,
    );
    same([floats([3, 70, 301], -9, 9)], (x) => [tf.softmax(x), tf.logSoftmax(x)]);
    const masked = floats([4, 6]);
    masked.values.fill(-Infinity, 3, 6);
    masked.values.fill(-1e9, 9, 12);
    same([masked], (x) => tf.softmax(x));
  });

  it('Transpose by any permutation', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }),
        dimension,
        dimension,
        fc.integer({ min: 1, max: 5 }),
        (perm, a, b, c) => same([floats([c, a, 3, b])], (x) => tf.transpose(x, perm)),
      ),
      runs,
    );
    same([floats([67, 130])], (x) => tf.transpose(x));
    same([integers([6, 130, 33], 99)], (x) => [
      tf.transpose(x, [0, 2, 1]),
      tf.transpose(x, [1, 0, 2]),
      tf.transpose(x, [2, 0, 1]),
    ]);
    same([floats([1, 9, 1])], (x) => tf.transpose(x, [2, 1, 0]));
  });

  it('Slice, Concat, SplitV, Pack, Unpack, Tile, Pad', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(dimension, fc.nat(), fc.nat()), { minLength: 1, maxLength: 3 }), (axes) => {
        const begin = axes.map(([length, start]) => start % length);
        const lengths = axes.map(([length, , extent], axis) => 1 + (extent % (length - begin[axis]!)));
        same([floats(axes.map(([length]) => length))], (x) => tf.slice(x, begin, lengths));
      }),
      runs,
    );
    same([floats([5, 3, 8]), floats([5, 2, 8])], (a, b) => [
      tf.concat([a, b], 1),
      tf.concat([a, a], 0),
      tf.concat([b, b, b], -1),
    ]);
    same([floats([7, 24])], (x) => [...tf.split(x, 3, 1), ...tf.split(x, [2, 5], 0), ...tf.split(x, [1, 20, 3], -1)]);
    same([floats([5, 8]), floats([5, 8])], (a, b) => [tf.stack([a, b], 1), ...tf.unstack(a, 0), tf.tile(a, [2, 3])]);
    same([floats([5, 8])], (x) =>
      tf.pad(x, [
        [1, 2],
        [0, 3],
      ]),
    );
  });

  it('GatherV2, and its gradient UnsortedSegmentSum', () => {
    same([floats([50, 33]), integers([4, 9], 50)], (x, indices) => tf.gather(x, indices as tf.Tensor2D));
    same([floats([6, 50]), integers([9], 50)], (x, indices) => tf.gather(x, indices as tf.Tensor1D, 1));
    same([floats([300, 70]), integers([300], 13)], (x, ids) => tf.unsortedSegmentSum(x, ids as tf.Tensor1D, 17), 1e-5);
    expect(() =>
      evaluate('wasm', [floats([5, 2]), integers([3], 99)], (x, indices) => tf.gather(x, indices as tf.Tensor1D)),
    ).toThrow('GatherV2');
  });

  it('the cross-entropy of labels and its gradient', () => {
    const input = [floats([37, 203], -9, 9), integers([37], 203)];
    same(input, (logits, labels) => Object.values(crossEntropyWithGradient(logits, labels)));
    expect(() =>
      evaluate('wasm', [floats([2, 3]), integers([2], 99)], (x, y) => crossEntropyWithGradient(x, y).losses),
    ).toThrow('label');
  });

  it('AdamW', () => {
    const factors = {
      beta1: 0.9,
      beta2: 0.95,
      epsilon: 1e-8,
      keep: 0.99,
      stepSize: 0.01,
      secondScale: 1.5,
      gradientScale: 0.7,
    };
    const inputs = [
      floats([33, 71]),
      floats([33, 71], -0.1, 0.2),
      floats([33, 71], -0.2, 0.1),
      floats([33, 71], 0, 0.1),
    ];
    same(inputs, (weight, gradient, first, second) =>
      adamwUpdate({ weight: weight!, gradient: gradient!, first: first!, second: second! }, factors),
    );
  });

  it('the stock kernels that a transformer needs', () => {
    same([floats([3, 12])], (x) => tf.zerosLike(x));
    same([integers([11], 7)], (x) => tf.oneHot(x as tf.Tensor1D, 7));
    same([floats([4, 30])], (x) => Object.values(tf.topk(x, 5)));
    same([], () => [tf.range(0, 9, 2), tf.linspace(0, 1, 9), tf.fill([3, 5], 2.5), tf.eye(4)]);
    same([floats([5, 6])], (x) => [
      tf.cumsum(x, 1),
      tf.cumsum(x, 1, true),
      tf.all(tf.greater(x, -9)),
      tf.any(tf.greater(x, 9)),
    ]);
  });
});
