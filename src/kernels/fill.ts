// Kernels that make tensors from nothing but a shape: a constant, seeded normal numbers, seeded dropout masks.
import {
  type DataType,
  engine,
  type NamedAttrMap,
  type Tensor,
  type TensorInfo,
  type TypedArray,
} from '@tensorflow/tfjs-core';
import { declareKernel, type KernelDeclaration, type Lowering, sizeOf } from './declaration.ts';
import { run } from './run.ts';

const fillKernel = declareKernel({
  name: 'Fill',
  inputs: [],
  outputs: ({ attributes }) => [
    { shape: attributes.shape as number[], dtype: (attributes.dtype as DataType) ?? 'float32' },
  ],
  flops: () => 0n,
});

/** A tensor with `value` everywhere. */
export const fill = (shape: number[], value: number, dtype: DataType = 'float32'): Tensor =>
  run(fillKernel, {}, { shape, value, dtype });

/** A kernel whose numbers JavaScript draws and the backend takes over: the same on every backend. */
function drawn(
  name: string,
  dtype: 'float32' | 'bool',
  draw: (n: number, attributes: NamedAttrMap) => TypedArray,
): KernelDeclaration {
  const kernelFunc = ({ attrs }: { attrs?: object }): TensorInfo => {
    const attributes = attrs as NamedAttrMap;
    const shape = attributes.shape as number[];
    return engine().makeTensor(draw(sizeOf(shape), attributes) as never, shape, dtype);
  };
  const backends: Lowering[] = ['native', 'wasm', 'webgpu', 'cpu'];
  return declareKernel({
    name,
    inputs: [],
    outputs: ({ attributes }) => [{ shape: attributes.shape as number[], dtype }],
    flops: () => 0n,
    own: Object.fromEntries(backends.map((backend) => [backend, kernelFunc as never])),
  });
}

export { drawn };
