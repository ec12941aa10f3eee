// Kernels that fold an axis away: sums, means, maxima, and softmax, which is a reduction and a map.
import type { Tensor } from '@tensorflow/tfjs-core';
import { declareKernel, type KernelDeclaration, sizeOf } from './declaration.ts';
import { run } from './run.ts';

/** tfjs's reduction kernels drop the axes (Sum, Max, ArgMax) or keep them where `keepDims` says so (Mean). */
function reduction(name: string, dtype?: 'int32'): KernelDeclaration {
  return declareKernel({
    name,
    inputs: ['x'],
    outputs: ({ inputs: [x], attributes }) => {
      const axes = [attributes.axis as number | number[]].flat();
      const shape = attributes.keepDims
        ? x!.shape.map((length, axis) => (axes.includes(axis) ? 1 : length))
        : x!.shape.filter((_, axis) => !axes.includes(axis));
      return [{ shape, dtype: dtype ?? x!.dtype }];
    },
    flops: ({ inputs: [x] }) => BigInt(sizeOf(x!.shape)),
  });
}

const sumKernel = reduction('Sum');
const maxKernel = reduction('Max');
const meanKernel = reduction('Mean');
const argMaxKernel = reduction('ArgMax', 'int32');

const softmaxKernel = declareKernel({
  name: 'Softmax',
  inputs: ['logits'],
  outputs: ({ inputs: [logits] }) => [logits!],
  // Maximum, subtraction, exponential, sum, division: five operations an element.
  flops: ({ inputs: [logits] }) => 5n * BigInt(sizeOf(logits!.shape)),
});

export const sum = (x: Tensor, axis: number | number[], keepDims = false): Tensor =>
  run(sumKernel, { x }, { axis, keepDims });
export const mean = (x: Tensor, axis: number | number[], keepDims = false): Tensor =>
  run(meanKernel, { x }, { axis, keepDims });
export const max = (x: Tensor, axis: number | number[], keepDims = false): Tensor =>
  run(maxKernel, { x }, { reductionIndices: axis, axis, keepDims });
/** Index of the largest element along the last axis. */
export const argMax = (x: Tensor, axis: number): Tensor => run(argMaxKernel, { x }, { axis });
/** Softmax over the last axis. */
export const softmax = (logits: Tensor): Tensor => run(softmaxKernel, { logits }, { dim: logits.rank - 1 });
