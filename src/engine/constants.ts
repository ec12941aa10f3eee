// Small constant tensors that live as long as their backend: scalars that element-wise kernels take as operands.
import { backend, type KernelBackend, keep, scalar as makeScalar, type Tensor } from '@tensorflow/tfjs-core';
import { mark } from './categories.ts';

const scalars = new WeakMap<KernelBackend, Map<number, Tensor>>();

/** The number as a float32 scalar on the current backend; made once, owned here, not to be disposed. */
export function scalar(value: number): Tensor {
  const current = backend();
  const known = scalars.get(current) ?? new Map<number, Tensor>();
  scalars.set(current, known);
  const tensor = known.get(value) ?? mark(keep(makeScalar(value, 'float32')), 'constants', 'scalars');
  known.set(value, tensor);
  return tensor;
}
