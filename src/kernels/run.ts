// The one door through which ops run kernels.
import { engine, getKernel, type NamedAttrMap, type Tensor } from '@tensorflow/tfjs-core';
import type { KernelDeclaration } from './declaration.ts';

/** Runs a kernel with one output on the current backend. Inputs are named as the declaration names them. */
export function run<T extends Tensor = Tensor>(
  kernel: KernelDeclaration,
  inputs: Record<string, Tensor> | Tensor[],
  attributes: NamedAttrMap = {},
): T {
  return engine().runKernel(kernel.name, inputs as never, attributes) as T;
}

/** Runs a kernel with several outputs on the current backend. */
export function runAll(
  kernel: KernelDeclaration,
  inputs: Record<string, Tensor>,
  attributes: NamedAttrMap = {},
): Tensor[] {
  return engine().runKernel(kernel.name, inputs as never, attributes) as Tensor[];
}

/** Whether the current backend can run the kernel; ops compose it from others where it cannot. */
export function canRun(kernel: KernelDeclaration): boolean {
  return getKernel(kernel.name, engine().backendName) !== undefined;
}
