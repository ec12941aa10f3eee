// What a profile consists of: kernel runs, and births, deaths and changes of purpose of buffers, in the order in which they happened.
import type { NamedAttrMap } from '@tensorflow/tfjs-core';
import type { Scope } from '../engine/scope.ts';
import type { TensorSpec } from '../kernels/declaration.ts';
import type { MemoryCategory } from '../terms/vocabulary.ts';

/** One run of a kernel. Kernels that run inside it are part of it. */
export interface KernelRun {
  readonly kind: 'kernel';
  readonly name: string;
  /** phase, module path and term */
  readonly scope: Scope;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly attributes: NamedAttrMap;
  /** By the kernel's declaration; 0 for one that has none. A multiply-add is 2. */
  readonly flops: bigint;
  /** Bytes by the kernel's declaration; every input and output once where it has none. */
  readonly read: bigint;
  readonly written: bigint;
  readonly declared: boolean;
  /** Since the profile began, and how long; 0 without a clock. On a GPU: handing the kernel over. */
  readonly startMs: number;
  readonly milliseconds: number;
  /** Bytes of tensors that the kernel made for itself and had released when it returned, at their most; they have no births. */
  readonly workspace: number;
}

/** A piece of memory that lived before the profile began, whenever it was first met, or that is born in it. */
export interface BufferBirth {
  readonly kind: 'birth';
  /** counts from 1 in the order of births; buffers that were there before have numbers below 1 */
  readonly buffer: number;
  readonly bytes: number;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly category: MemoryCategory;
  /** A weight's name, or the module path in which it was made. */
  readonly owner: string;
  /** The scope in which it was born. */
  readonly scope: Scope;
}

export interface BufferDeath {
  readonly kind: 'death';
  readonly buffer: number;
}

/** The code that knows says what a buffer is for: the tape keeps it, it is a weight's gradient, a variable took it over. */
export interface BufferChange {
  readonly kind: 'change';
  readonly buffer: number;
  readonly category: MemoryCategory;
  readonly owner: string;
  readonly scope: Scope;
}

export type ProfileEvent = KernelRun | BufferBirth | BufferDeath | BufferChange;

/** What tfjs says of its memory: handles, each with all its bytes. */
export interface TensorMemory {
  readonly bytes: number;
  readonly buffers: number;
  readonly tensors: number;
}

/** A finished profile. */
export interface Profile<T = unknown> {
  /** what the profiled function returned */
  readonly value: T;
  /** tfjs's name of the backend */
  readonly backend: string;
  /** buffers that lived before, as far as the profile met them or was told of them */
  readonly residents: readonly BufferBirth[];
  readonly events: readonly ProfileEvent[];
  /** kernels without a declaration, with their runs; only with `allowUnknown` */
  readonly unknown: readonly { readonly name: string; readonly runs: number }[];
  /** of the whole function; 0 without a clock */
  readonly wallMs: number;
  readonly before: TensorMemory;
  readonly after: TensorMemory;
  /** What the process held after, as the caller's `processBytes` says. */
  readonly processBytes?: number;
}
