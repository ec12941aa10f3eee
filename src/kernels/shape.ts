// Kernels that move or re-label elements without computing on them.
import type { DataType, Tensor } from '@tensorflow/tfjs-core';
import { declareKernel, sizeOf, type TensorSpec } from './declaration.ts';
import { run } from './run.ts';

const none = () => 0n;
const untouched = () => ({ read: 0n, written: 0n });

const identityKernel = declareKernel({
  name: 'Identity',
  inputs: ['x'],
  outputs: ({ inputs: [x] }) => [x!],
  flops: none,
  bytes: untouched,
  alias: () => 0,
});

const reshapeKernel = declareKernel({
  name: 'Reshape',
  inputs: ['x'],
  outputs: ({ inputs: [x], attributes }) => [{ shape: attributes.shape as number[], dtype: x!.dtype }],
  flops: none,
  bytes: untouched,
  alias: () => 0,
});

const castKernel = declareKernel({
  name: 'Cast',
  inputs: ['x'],
  outputs: ({ inputs: [x], attributes }) => [{ shape: x!.shape, dtype: attributes.dtype as DataType }],
  flops: none,
  alias: ({ inputs: [x], attributes }) => (x!.dtype === attributes.dtype ? 0 : undefined),
});

const transposeKernel = declareKernel({
  name: 'Transpose',
  inputs: ['x'],
  outputs: ({ inputs: [x], attributes }): TensorSpec[] => [
    { shape: (attributes.perm as number[]).map((axis) => x!.shape[axis]!), dtype: x!.dtype },
  ],
  flops: none,
});

/** TensorFlow's Slice hands out a view where it cuts along the first axis only and the cut stays aligned to 64 bytes. */
function isAlignedFirstAxisCut(x: TensorSpec, begin: readonly number[], size: readonly number[]): boolean {
  const rowBytes = sizeOf(x.shape.slice(1)) * 4;
  return size.slice(1).every((length, axis) => length === x.shape[axis + 1]) && (begin[0]! * rowBytes) % 64 === 0;
}

const sliceKernel = declareKernel({
  name: 'Slice',
  inputs: ['x'],
  outputs: ({ inputs: [x], attributes }) => [{ shape: attributes.size as number[], dtype: x!.dtype }],
  flops: none,
  bytes: ({ inputs: [x], attributes }) => {
    const moved = BigInt(sizeOf(attributes.size as number[])) * (x!.dtype === 'bool' ? 1n : 4n);
    return { read: moved, written: moved };
  },
  alias: ({ inputs: [x], attributes }, lowering) =>
    lowering === 'native' && isAlignedFirstAxisCut(x!, attributes.begin as number[], attributes.size as number[])
      ? 0
      : undefined,
});

const concatKernel = declareKernel({
  name: 'Concat',
  inputs: ['*'],
  outputs: ({ inputs, attributes }): TensorSpec[] => {
    const axis = attributes.axis as number;
    const shape = [...inputs[0]!.shape];
    shape[axis] = inputs.reduce((length, input) => length + input.shape[axis]!, 0);
    return [{ shape, dtype: inputs[0]!.dtype }];
  },
  flops: none,
});

const padKernel = declareKernel({
  name: 'PadV2',
  inputs: ['x'],
  outputs: ({ inputs: [x], attributes }): TensorSpec[] => {
    const paddings = attributes.paddings as unknown as [number, number][];
    return [
      { shape: x!.shape.map((length, axis) => length + paddings[axis]![0] + paddings[axis]![1]), dtype: x!.dtype },
    ];
  },
  flops: none,
});

/** Another handle on the same memory. */
export const identity = (x: Tensor): Tensor => run(identityKernel, { x });

/** The same memory under another shape. */
export const reshape = (x: Tensor, shape: number[]): Tensor => run(reshapeKernel, { x }, { shape });

/** Elements as another dtype. */
export const cast = (x: Tensor, dtype: DataType): Tensor => run(castKernel, { x }, { dtype });

/** Axes in another order: axis i of the result is axis `perm[i]` of `x`. */
export const transpose = (x: Tensor, perm: number[]): Tensor => run(transposeKernel, { x }, { perm });

/** The box of `size` that starts at `begin`. */
export const slice = (x: Tensor, begin: number[], size: number[]): Tensor => run(sliceKernel, { x }, { begin, size });

/** Tensors put one after the other along `axis`. */
export const concat = (xs: Tensor[], axis: number): Tensor => run(concatKernel, xs, { axis });

/** Zeros put around `x`: `[before, after]` for every axis. */
export const pad = (x: Tensor, paddings: [number, number][]): Tensor =>
  run(padKernel, { x }, { paddings: paddings as never, constantValue: 0 });
