// Puts a function around every kernel of a backend, until it is taken off again.
import {
  getKernelsForBackend,
  type KernelConfig,
  type KernelFunc,
  registerKernel,
  type TensorInfo,
  unregisterKernel,
} from '@tensorflow/tfjs-core';

/** One call of a kernel; `run` runs it. */
export interface WrappedCall {
  readonly name: string;
  readonly call: Parameters<KernelFunc>[0];
  readonly run: () => TensorInfo | TensorInfo[];
}

/**
 * Puts `around` in the place of every kernel of a backend, until the returned function is called. Kernels that run inside others are
 * seen too.
 * @param backendName tfjs's registry name, `tf.getBackend()`
 */
export function wrapKernels(backendName: string, around: (call: WrappedCall) => TensorInfo | TensorInfo[]): () => void {
  const originals = getKernelsForBackend(backendName);
  for (const kernel of originals) {
    const { kernelName: name, kernelFunc } = kernel;
    replace({ ...kernel, kernelFunc: (call) => around({ name, call, run: () => kernelFunc(call) }) });
  }
  return () => originals.forEach(replace);
}

function replace(kernel: KernelConfig): void {
  unregisterKernel(kernel.kernelName, kernel.backendName);
  registerKernel(kernel);
}
