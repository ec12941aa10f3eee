// Kernels that move or re-label elements without computing on them.
import { type DataType, slice_util, type Tensor, util } from '@tensorflow/tfjs-core';
import { bytesPerElement, declareKernel, type Lowering, sizeOf, type TensorSpec } from './declaration.ts';
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
  // One length may be −1: what is left. Throws where the elements do not fit.
  outputs: ({ inputs: [x], attributes }) => [
    { shape: util.inferFromImplicitShape(attributes.shape as number[], sizeOf(x!.shape)), dtype: x!.dtype },
  ],
  flops: none,
  bytes: untouched,
  alias: () => 0,
});

const castKernel = declareKernel({
  name: 'Cast',
  inputs: ['x'],
  outputs: ({ inputs: [x], attributes }) => [{ shape: x!.shape, dtype: attributes.dtype as DataType }],
  flops: none,
  // tfjs's cpu backend keeps the array also where the new type holds every value of the old one: a mask as float32.
  alias: ({ inputs: [x], attributes }, lowering) => {
    const dtype = attributes.dtype as DataType;
    return x!.dtype === dtype || (lowering === 'cpu' && !util.hasEncodingLoss(x!.dtype, dtype)) ? 0 : undefined;
  },
});

const transposeKernel = declareKernel({
  name: 'Transpose',
  inputs: ['x'],
  outputs: ({ inputs: [x], attributes }): TensorSpec[] => [
    { shape: (attributes.perm as number[]).map((axis) => x!.shape[axis]!), dtype: x!.dtype },
  ],
  flops: none,
});

/**
 * TensorFlow's Slice hands out a view of the whole, and of a cut along the first axis that stays aligned to 64 bytes: each row is a
 * multiple of them, or, of a vector, begin and size are (tensorflow/core/kernels/slice_op.cc, ops_util.h).
 */
function isAlignedFirstAxisCut(
  { shape, dtype }: TensorSpec,
  begin: readonly number[],
  size: readonly number[],
): boolean {
  if (size.some((length, axis) => axis > 0 && length !== shape[axis])) return false;
  if (size[0] === shape[0]) return true;
  const aligned = (elements: number) => (elements * bytesPerElement[dtype]) % 64 === 0;
  return shape.length === 1 ? aligned(begin[0]!) && aligned(size[0]!) : aligned(sizeOf(shape.slice(1)));
}

/** Whether a lowering's Slice shares the memory of its input: on cpu, where the elements lie side by side, it is a part of the array. */
function isView(x: TensorSpec, begin: number[], size: number[], lowering: Lowering): boolean {
  if (lowering === 'native') return isAlignedFirstAxisCut(x, begin, size);
  return lowering === 'cpu' && slice_util.isSliceContinous([...x.shape], begin, size);
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
    isView(x!, attributes.begin as number[], attributes.size as number[], lowering) ? 0 : undefined,
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
