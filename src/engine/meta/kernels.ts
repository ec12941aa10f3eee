// The meta backend's kernels, each derived from its declaration: shapes in, shapes out, and memory shared as the lowering shares it.
import {
  type KernelFunc,
  type NamedAttrMap,
  registerKernel,
  type TensorInfo,
  unregisterKernel,
} from '@tensorflow/tfjs-core';
import { followDeclarations, type KernelDeclaration, runsOn } from '../../kernels/declaration.ts';
import type { MetaBackend, MetaLowering } from './backend.ts';

/** tfjs's registry name. */
export const META = 'meta';

/** Registers what the lowering runs, kernels that are declared later included, until the returned function takes it all back. */
export function registerMetaKernels(lowering: MetaLowering): () => void {
  const registered: string[] = [];
  const stop = followDeclarations((declaration) => {
    if (!runsOn(declaration, lowering)) return;
    registerKernel({ kernelName: declaration.name, backendName: META, kernelFunc: shapesOf(declaration, lowering) });
    registered.push(declaration.name);
  });
  return () => {
    stop();
    for (const kernelName of registered) unregisterKernel(kernelName, META);
  };
}

function shapesOf(declaration: KernelDeclaration, lowering: MetaLowering): KernelFunc {
  return ({ inputs: named, attrs, backend }) => {
    const meta = backend as MetaBackend;
    const inputs = orderedInputs(declaration, named as Readonly<Record<string, TensorInfo | undefined>>);
    const call = { inputs, attributes: (attrs ?? {}) as NamedAttrMap };
    const [first, ...more] = declaration.outputs(call);
    const alias = declaration.alias?.(call, lowering);
    const source = alias === undefined ? undefined : inputs[alias]!.dataId;
    const output = ({ shape, dtype }: typeof first & object, dataId: object): TensorInfo => ({
      dataId,
      shape: [...shape],
      dtype,
    });
    const result = output(first!, source ? aliasOf(meta, source, declaration.name, lowering) : meta.allocate(first!));
    return more.length === 0 ? result : [result, ...more.map((spec) => output(spec, meta.allocate(spec)))];
  };
}

/** The inputs as the declaration orders them. */
function orderedInputs(declaration: KernelDeclaration, named: Readonly<Record<string, TensorInfo | undefined>>) {
  const { name, inputs } = declaration;
  return inputs.flatMap((input) => {
    if (input === '*') return Object.values(named) as TensorInfo[];
    const tensor = named[input];
    if (!tensor) throw new Error(`Kernel ${name} was run without its input '${input}'.`);
    return [tensor];
  });
}

/**
 * The data id of an output that shares memory with an input. TensorFlow hands out a new handle each time, but for Identity, which
 * tfjs answers itself; wasm and cpu count one more reference on the same id, but for cpu's Slice, which is a view of the same array.
 */
function aliasOf(meta: MetaBackend, source: object, kernel: string, lowering: MetaLowering): object {
  if (lowering === 'native' ? kernel !== 'Identity' : kernel === 'Slice') return meta.share(source);
  meta.incRef(source);
  return source;
}
