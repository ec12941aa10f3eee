// Kernels of ours that run as JavaScript loops over a backend's own memory: on wasm the heap, on cpu the arrays. Nothing is copied.
import type { DataType, KernelFunc, NamedAttrMap, TensorInfo, TypedArray } from '@tensorflow/tfjs-core';

interface WasmMemory {
  makeOutput(shape: number[], dtype: DataType): TensorInfo;
  typedArrayFromHeap(tensor: TensorInfo): TypedArray;
}

interface CpuMemory {
  makeTensorInfo(shape: number[], dtype: DataType, values?: TypedArray): TensorInfo;
  data: { get(id: object): { values: TypedArray } };
}

const arrays: Partial<Record<DataType, new (n: number) => TypedArray>> = {
  float32: Float32Array,
  int32: Int32Array,
  bool: Uint8Array,
};

/** One output of a host kernel. */
export interface HostOutput {
  shape: number[];
  dtype: 'float32' | 'int32' | 'bool';
}

/**
 * A kernel for wasm and cpu from a loop over typed arrays.
 * @param inputNames the inputs, in the order in which the loop takes them
 * @param outputs shapes and dtypes of the outputs, before the loop runs
 * @param loop fills the output arrays; called once a kernel run
 */
export function hostKernel(
  inputNames: readonly string[],
  outputs: (inputs: TensorInfo[], attributes: NamedAttrMap) => HostOutput[],
  loop: (inputs: TypedArray[], outputs: TypedArray[], attributes: NamedAttrMap) => void,
): { wasm: KernelFunc; cpu: KernelFunc } {
  const tensors = (named: object) => inputNames.map((name) => (named as Record<string, TensorInfo>)[name]!);
  const results = (infos: TensorInfo[]) => (infos.length === 1 ? infos[0]! : infos);
  return {
    wasm: ({ inputs, attrs, backend }) => {
      const memory = backend as unknown as WasmMemory;
      const from = tensors(inputs);
      const attributes = (attrs ?? {}) as NamedAttrMap;
      // Outputs first: making them may grow the heap, which leaves older views behind.
      const to = outputs(from, attributes).map(({ shape, dtype }) => memory.makeOutput(shape, dtype));
      loop(
        from.map((tensor) => memory.typedArrayFromHeap(tensor)),
        to.map((tensor) => memory.typedArrayFromHeap(tensor)),
        attributes,
      );
      return results(to);
    },
    cpu: ({ inputs, attrs, backend }) => {
      const memory = backend as unknown as CpuMemory;
      const from = tensors(inputs);
      const attributes = (attrs ?? {}) as NamedAttrMap;
      const specs = outputs(from, attributes);
      const to = specs.map(({ shape, dtype }) => new arrays[dtype]!(shape.reduce((n, length) => n * length, 1)));
      loop(
        from.map(({ dataId }) => memory.data.get(dataId).values),
        to,
        attributes,
      );
      return results(specs.map(({ shape, dtype }, i) => memory.makeTensorInfo(shape, dtype, to[i]!)));
    },
  };
}
