// What memory is for, said by the code that knows: batches, constants, optimizer state and gradients are marked where they are made.
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { MemoryCategory } from '../terms/vocabulary.ts';

/** What a piece of memory is for, and whose it is. */
export interface Belonging {
  readonly category: MemoryCategory;
  /** A weight's name, a module path, or a word: `blocks.0.mlp.up.weight`, `labels`. */
  readonly owner: string;
}

type Listener = (tensor: TensorInfo, belonging: Belonging) => void;

// Keyed by dataId, and kept without a profiler: one that begins later asks for what lives already.
const known = new WeakMap<object, Belonging>();
const listeners = new Set<Listener>();

/** Says what a tensor's memory is for, from now until it is released or marked again. Returns the tensor. */
export function mark<T extends TensorInfo>(tensor: T, category: MemoryCategory, owner: string): T {
  const belonging = { category, owner };
  known.set(tensor.dataId, belonging);
  for (const listener of listeners) listener(tensor, belonging);
  return tensor;
}

/** What the memory of a tensor was marked as, if it was. */
export const belongingOf = ({ dataId }: TensorInfo): Belonging | undefined => known.get(dataId);

/** Calls `listener` at every mark until the returned function is called. */
export function onMark(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
