// What declarations say without running anything: shapes, FLOPs, bytes, aliases, and that a kernel is declared once.
import type { NamedAttrMap } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import '../../src/engine/random-kernels.ts';
import '../../src/kernels/adamw.ts';
import '../../src/kernels/cross-entropy.ts';
import { bytesOf, declareKernel, findDeclaration, sizeOf, type TensorSpec } from '../../src/kernels/declaration.ts';
import { broadcastShape } from '../../src/kernels/elementwise.ts';
import '../../src/kernels/gather.ts';
import '../../src/kernels/matmul.ts';
import '../../src/kernels/reduce.ts';
import '../../src/kernels/shape.ts';

const float = (...shape: number[]): TensorSpec => ({ shape, dtype: 'float32' });
const int = (...shape: number[]): TensorSpec => ({ shape, dtype: 'int32' });
const call = (inputs: TensorSpec[], attributes: NamedAttrMap = {}) => ({ inputs, attributes });
const flops = (name: string, inputs: TensorSpec[], attributes?: NamedAttrMap) =>
  findDeclaration(name)!.flops(call(inputs, attributes));

describe('FLOPs', () => {
  it('of a product count 2 per multiply-add', () => {
    const attributes = { transposeA: false, transposeB: true };
    expect(flops('BatchMatMul', [float(2, 3, 4, 5), float(2, 3, 6, 5)], attributes)).toBe(2n * 6n * 4n * 5n * 6n);
  });

  it('do not lose digits beyond 2^53', () => {
    const side = 2 ** 21 - 1;
    const attributes = { transposeA: false, transposeB: false };
    expect(flops('BatchMatMul', [float(side, side), float(side, side)], attributes)).toBe(2n * BigInt(side) ** 3n);
  });

  it.each([
    ['Add', [float(4, 1), float(3)], 12n],
    ['Exp', [float(4, 3)], 12n],
    ['Softmax', [float(4, 3)], 60n],
    ['GatherV2', [float(9, 3), int(4)], 0n],
    ['UnsortedSegmentSum', [float(4, 3), int(4)], 12n],
    ['SparseSoftmaxCrossEntropy', [float(4, 3), int(4)], 76n],
    ['AdamW', [float(4, 3), float(4, 3), float(4, 3), float(4, 3)], 180n],
    ['Transpose', [float(4, 3)], 0n],
  ] as const)('of %s', (name, inputs, expected) => {
    expect(flops(name, [...inputs])).toBe(expected);
  });
});

describe('bytes and aliases', () => {
  const bytes = (name: string, inputs: TensorSpec[], attributes?: NamedAttrMap) =>
    findDeclaration(name)!.bytes!(call(inputs, attributes));
  const alias = (name: string, inputs: TensorSpec[], attributes: NamedAttrMap, lowering: 'native' | 'wasm') =>
    findDeclaration(name)!.alias?.(call(inputs, attributes), lowering);

  it('of a tensor', () => {
    expect([bytesOf(float(2, 3)), bytesOf(int(2)), bytesOf({ shape: [5], dtype: 'bool' }), bytesOf(float())]).toEqual([
      24n,
      8n,
      5n,
      4n,
    ]);
    expect(sizeOf([])).toBe(1);
  });

  it('of a gather are the rows asked for, not the table', () => {
    expect(bytes('GatherV2', [float(1000, 3), int(4)])).toEqual({ read: 64n, written: 48n });
  });

  it('of a slice are what it cuts out; of views none', () => {
    expect(bytes('Slice', [float(10, 10)], { begin: [0, 0], size: [2, 3] })).toEqual({ read: 24n, written: 24n });
    expect(bytes('Reshape', [float(6)], { shape: [2, 3] })).toEqual({ read: 0n, written: 0n });
  });

  it('views share their input’s memory; a slice only on native, along the first axis, aligned', () => {
    expect(alias('Reshape', [float(6)], { shape: [2, 3] }, 'wasm')).toBe(0);
    expect(alias('Cast', [float(6)], { dtype: 'float32' }, 'native')).toBe(0);
    expect(alias('Cast', [float(6)], { dtype: 'int32' }, 'native')).toBeUndefined();
    const cut = (begin: number[], size: number[], lowering: 'native' | 'wasm' = 'native') =>
      alias('Slice', [float(8, 16)], { begin, size }, lowering);
    expect(cut([3, 0], [2, 16])).toBe(0);
    expect(cut([3, 0], [2, 16], 'wasm')).toBeUndefined();
    expect(cut([3, 0], [2, 15])).toBeUndefined();
    expect(alias('Slice', [float(8, 15)], { begin: [3, 0], size: [2, 15] }, 'native')).toBeUndefined();
    expect(findDeclaration('Add')!.alias).toBeUndefined();
  });
});

describe('shapes', () => {
  it('broadcast as NumPy’s do', () => {
    expect(broadcastShape([4, 1, 3], [5, 1])).toEqual([4, 5, 3]);
    expect(broadcastShape([], [2])).toEqual([2]);
    expect(() => broadcastShape([4, 3], [4, 2])).toThrow(
      'Shapes [4,3] and [4,2] do not broadcast: 3 against 2 on axis 1.',
    );
  });

  it('of products must fit', () => {
    const outputs = (a: TensorSpec, b: TensorSpec, transposeA = false, transposeB = false) =>
      findDeclaration('BatchMatMul')!.outputs(call([a, b], { transposeA, transposeB }));
    expect(outputs(float(7, 4, 3), float(7, 4, 5), true)).toEqual([float(7, 3, 5)]);
    expect(() => outputs(float(4, 3), float(4, 5))).toThrow('cannot multiply [4,3] by [4,5]: inner sizes 3 and 4');
    expect(() => outputs(float(2, 4, 3), float(3, 3, 5))).toThrow('cannot multiply');
  });
});

it('a kernel is declared once', () => {
  const declaration = { name: 'TestOnce', inputs: [], outputs: () => [], flops: () => 0n };
  expect(declareKernel(declaration)).toBe(findDeclaration('TestOnce'));
  expect(() => declareKernel(declaration)).toThrow('Kernel TestOnce is declared twice.');
  expect(findDeclaration('NoSuchKernel')).toBeUndefined();
});
