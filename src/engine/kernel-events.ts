// One event per kernel run, taken below tfjs's public API by wrapping the backend's registered kernels; no cost when nobody listens.
import type { DataType, NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';
import { findDeclaration, type TensorSpec } from '../kernels/declaration.ts';
import { currentScope, isComplete, type Scope } from './scope.ts';
import { wrapKernels } from './wrap-kernels.ts';

export interface KernelEvent {
  readonly name: string;
  readonly scope: Scope;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly attributes: NamedAttrMap;
}

const spec = ({ shape, dtype }: { shape: number[]; dtype: DataType }): TensorSpec => ({ shape: [...shape], dtype });

/**
 * Calls `listener` after every kernel that runs on a backend, until the returned function is called. Kernels that run inside
 * another kernel belong to it and make no event of their own.
 * @param backendName tfjs's registry name, `tf.getBackend()`
 */
export function observeKernels(backendName: string, listener: (event: KernelEvent) => void): () => void {
  let depth = 0;
  return wrapKernels(backendName, ({ name, call, run }) => {
    depth++;
    let result: TensorInfo | TensorInfo[];
    try {
      result = run();
    } finally {
      depth--;
    }
    if (depth === 0) {
      listener({
        name,
        scope: currentScope(),
        inputs: Object.values(call.inputs)
          .flat()
          .filter((input) => input !== undefined)
          .map(spec),
        outputs: [result].flat().map(spec),
        attributes: (call.attrs ?? {}) as NamedAttrMap,
      });
    }
    return result;
  });
}

/** Thrown by `strictly` for a kernel that the books could not account for. */
export class UnaccountedKernelError extends Error {
  override readonly name = 'UnaccountedKernelError';
}

/**
 * Runs `body` and fails at the first kernel that is not declared, whose outputs differ from its declaration, or that runs outside
 * every scope. This is what the tests of the models run in.
 */
export function strictly<T>(backendName: string, body: () => T): T {
  const stop = observeKernels(backendName, check);
  try {
    return body();
  } finally {
    stop();
  }
}

function check({ name, scope, inputs, outputs, attributes }: KernelEvent): void {
  const declaration = findDeclaration(name);
  if (!declaration) throw new UnaccountedKernelError(`Kernel ${name} is not declared in src/kernels.`);
  if (!isComplete(scope)) {
    const where = `phase '${scope.phase}', module '${scope.module}', term '${scope.term}'`;
    throw new UnaccountedKernelError(`Kernel ${name} ran outside a scope: ${where}.`);
  }
  const declared = declaration.outputs({ inputs, attributes });
  const text = (specs: readonly TensorSpec[]) => specs.map(({ shape, dtype }) => `${dtype}[${shape}]`).join(', ');
  if (text(declared) !== text(outputs)) {
    throw new UnaccountedKernelError(
      `Kernel ${name} returned ${text(outputs)} where its declaration says ${text(declared)}.`,
    );
  }
}
