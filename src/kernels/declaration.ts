// What a kernel declaration is: shapes, FLOPs, bytes, aliases and lowerings, said once for every book that counts.
import { type DataType, type KernelFunc, type NamedAttrMap, registerKernel } from '@tensorflow/tfjs-core';

/** What is known of a tensor without its numbers. */
export interface TensorSpec {
  readonly shape: readonly number[];
  readonly dtype: DataType;
}

/** The ways in which a backend runs our kernels; the shape-only backend mimics one of them. */
export type Lowering = 'native' | 'wasm' | 'webgpu' | 'cpu';

/** tfjs's registry name of the backend that runs each lowering. */
export const registryNames: Record<Lowering, string> = {
  native: 'tensorflow',
  wasm: 'wasm',
  webgpu: 'webgpu',
  cpu: 'cpu',
};

export interface KernelCall {
  readonly inputs: readonly TensorSpec[];
  readonly attributes: NamedAttrMap;
}

export interface KernelDeclaration {
  readonly name: string;
  /** Names of the inputs, in the order in which specs are passed. A trailing `*` takes any number (Concat). */
  readonly inputs: readonly string[];
  /** Shapes and dtypes of the outputs. */
  outputs(call: KernelCall): TensorSpec[];
  /** Floating-point operations; a multiply-add counts 2, every other element operation 1. */
  flops(call: KernelCall): bigint;
  /** Bytes read from and written to memory; by default every input once and every output once. */
  bytes?(call: KernelCall): { read: bigint; written: bigint };
  /** Index of the input whose memory the output shares under a lowering, or undefined where the output is new memory. */
  alias?(call: KernelCall, lowering: Lowering): number | undefined;
  /** Our own implementation per backend; a backend that is not named here runs the kernel that tfjs registers. */
  readonly own?: Partial<Record<Lowering, KernelFunc>>;
}

export const bytesPerElement: Record<DataType, number> = {
  float32: 4,
  int32: 4,
  bool: 1,
  complex64: 8,
  string: 0,
};

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

/** Bytes that a tensor of this spec occupies on the native backend's account (bool takes one byte). */
export function bytesOf(spec: TensorSpec): bigint {
  return BigInt(sizeOf(spec.shape)) * BigInt(bytesPerElement[spec.dtype]);
}

const declarations = new Map<string, KernelDeclaration>();
const followers = new Set<(declaration: KernelDeclaration) => void>();

/**
 * Adds a kernel to the vocabulary and hands our own implementations to tfjs. Throws where the name is taken: a kernel is declared once.
 */
export function declareKernel(declaration: KernelDeclaration): KernelDeclaration {
  if (declarations.has(declaration.name)) throw new Error(`Kernel ${declaration.name} is declared twice.`);
  declarations.set(declaration.name, declaration);
  for (const [lowering, kernelFunc] of Object.entries(declaration.own ?? {})) {
    registerKernel({ kernelName: declaration.name, backendName: registryNames[lowering as Lowering], kernelFunc });
  }
  for (const follow of followers) follow(declaration);
  return declaration;
}

/** Calls `follow` with every kernel declared so far and with each that is declared later, until the returned function is called. */
export function followDeclarations(follow: (declaration: KernelDeclaration) => void): () => void {
  for (const declaration of declarations.values()) follow(declaration);
  followers.add(follow);
  return () => followers.delete(follow);
}

/** Whether a lowering has the kernel. Where we implement it, only those lowerings do; a kernel that we leave to tfjs is on all. */
export function runsOn({ own }: KernelDeclaration, lowering: Lowering): boolean {
  return own === undefined || own[lowering] !== undefined;
}

/** The declaration of a kernel, or undefined where the models may not run it. */
export function findDeclaration(name: string): KernelDeclaration | undefined {
  return declarations.get(name);
}

/** All declared kernels, in the order of their declaration. */
export function allDeclarations(): readonly KernelDeclaration[] {
  return [...declarations.values()];
}
