// Which tensor handles are one piece of memory, what it is for, and whether it lives.
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { bytesPerElement } from '../kernels/declaration.ts';
import type { MemoryCategory } from '../terms/vocabulary.ts';

/** One piece of memory, under however many handles. A view keeps all of it alive. */
export interface Buffer {
  readonly bytes: number;
  readonly shape: readonly number[];
  readonly dtype: string;
  category: MemoryCategory;
  owner: string;
  /** dataIds that live on it: on native a Reshape has a dataId of its own over the memory of its input. */
  handles: number;
}

/** Bytes of a tensor, as a number: this is computed at every birth, and no tensor reaches 2^53. */
export function byteCount({ shape, dtype }: TensorInfo): number {
  let bytes = bytesPerElement[dtype];
  for (const length of shape) bytes *= length;
  return bytes;
}

/** All buffers that are known, by the dataIds of their handles. Handles that share a dataId are counted by the backend itself. */
export class Buffers {
  /** in the order of their births */
  readonly live = new Set<Buffer>();
  private readonly byDataId = new WeakMap<object, Buffer>();

  of({ dataId }: TensorInfo): Buffer | undefined {
    return this.byDataId.get(dataId);
  }

  /** A new buffer behind a tensor that had none. */
  add(tensor: TensorInfo, category: MemoryCategory, owner: string): Buffer {
    const { shape, dtype, dataId } = tensor;
    const buffer = { bytes: byteCount(tensor), shape, dtype, category, owner, handles: 1 };
    this.byDataId.set(dataId, buffer);
    this.live.add(buffer);
    return buffer;
  }

  /** Another dataId over the same memory. */
  join(tensor: TensorInfo, buffer: Buffer): void {
    this.byDataId.set(tensor.dataId, buffer);
    buffer.handles++;
  }

  /** Hears that a dataId is gone; returns the buffer if that was its last one. */
  release(dataId: object): Buffer | undefined {
    const buffer = this.byDataId.get(dataId);
    if (!buffer) return undefined;
    this.byDataId.delete(dataId);
    buffer.handles--;
    if (buffer.handles > 0) return undefined;
    this.live.delete(buffer);
    return buffer;
  }
}
