// The matrix product, plain or batched, with either operand transposed: where a transformer's FLOPs are.
import type { Tensor } from '@tensorflow/tfjs-core';
import { declareKernel, type KernelCall, sizeOf, type TensorSpec } from './declaration.ts';
import { run } from './run.ts';

function dimensions({ inputs: [a, b], attributes }: KernelCall) {
  const [aRows, aColumns] = a!.shape.slice(-2) as [number, number];
  const [bRows, bColumns] = b!.shape.slice(-2) as [number, number];
  const [m, k] = attributes.transposeA ? [aColumns, aRows] : [aRows, aColumns];
  const [inner, n] = attributes.transposeB ? [bColumns, bRows] : [bRows, bColumns];
  const batch = a!.shape.slice(0, -2);
  if (inner !== k || sizeOf(batch) !== sizeOf(b!.shape.slice(0, -2))) {
    throw new Error(`BatchMatMul cannot multiply [${a!.shape}] by [${b!.shape}]: inner sizes ${k} and ${inner}.`);
  }
  return { batch, m, k, n };
}

const batchMatMul = declareKernel({
  name: 'BatchMatMul',
  inputs: ['a', 'b'],
  outputs: (call): TensorSpec[] => {
    const { batch, m, n } = dimensions(call);
    return [{ shape: [...batch, m, n], dtype: 'float32' }];
  },
  flops: (call) => {
    const { batch, m, k, n } = dimensions(call);
    return 2n * BigInt(sizeOf(batch)) * BigInt(m) * BigInt(k) * BigInt(n);
  },
});

/** `a·b` over the last two axes; batch axes of both must be equal (a broadcasting product has no right gradient in tfjs). */
export function matMul(a: Tensor, b: Tensor, transposeA = false, transposeB = false): Tensor {
  return run(batchMatMul, { a, b }, { transposeA, transposeB });
}
