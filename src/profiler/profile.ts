// Profiles any tfjs code: every kernel with its FLOPs, bytes, time and scope, every buffer with its birth, purpose and death.
import { getBackend, memory, type Tensor } from '@tensorflow/tfjs-core';
import { mark } from '../engine/categories.ts';
import type { Clock } from '../engine/probe.ts';
import type { Lowering } from '../kernels/declaration.ts';
import type { MemoryCategory } from '../terms/vocabulary.ts';
import type { Profile, TensorMemory } from './events.ts';
import { Hooks } from './hooks.ts';
import { Recorder } from './recorder.ts';

/** A tensor that lives before the profile begins, with what it is for. */
export interface Resident {
  readonly tensor: Tensor;
  readonly category: MemoryCategory;
  readonly owner: string;
}

export interface ProfileOptions {
  /** Lists kernels without a declaration in the profile instead of failing: for code that is not ours. */
  readonly allowUnknown?: boolean;
  /**
   * What lives before the profile begins and is no tf.Variable. Buffers that are not named here count from the beginning, too, but
   * only if a kernel reads them.
   */
  readonly residents?: readonly Resident[];
  /** Times kernels; without it all times are 0. */
  readonly now?: Clock;
  /** Bytes that the process holds; asked once, at the end. */
  readonly processBytes?: () => number;
  /** The lowering that the backend follows, where its name does not say so: decides which results are views. */
  readonly lowering?: Lowering;
}

/** The hooks that are set now; profiles inside profiles share them. */
const active = new Map<string, { hooks: Hooks; users: number }>();

/** A profile that is being recorded, for code that cannot be put into one function. */
export class Recording {
  private readonly backend = getBackend();
  private readonly recorder: Recorder;
  private readonly hooks: Hooks;
  private readonly begin: number;
  private readonly before: TensorMemory;
  private isStopped = false;

  constructor(private readonly options: ProfileOptions = {}) {
    this.recorder = new Recorder(options.allowUnknown ?? false);
    const entry = active.get(this.backend) ?? { hooks: new Hooks(this.backend, options.lowering), users: 0 };
    active.set(this.backend, entry);
    entry.users++;
    this.hooks = entry.hooks;
    for (const buffer of this.hooks.buffers.live) this.recorder.found(buffer);
    if (options.now) this.hooks.clock = options.now;
    this.hooks.listen(this.recorder);
    for (const { tensor, category, owner } of options.residents ?? []) mark(tensor, category, owner);
    this.before = tensorMemory();
    this.begin = options.now?.() ?? 0;
  }

  /** Takes the hooks off again; may be called twice. */
  stop(): void {
    if (this.isStopped) return;
    this.isStopped = true;
    const entry = active.get(this.backend)!;
    entry.users--;
    if (entry.users === 0) active.delete(this.backend);
    this.hooks.unlisten(this.recorder);
  }

  /** Stops, and returns what was recorded. */
  finish<T>(value: T): Profile<T> {
    const { options, begin, backend, before } = this;
    const wallMs = (options.now?.() ?? 0) - begin;
    this.stop();
    return {
      ...{ value, backend, before, wallMs },
      after: tensorMemory(),
      ...this.recorder.finish(begin),
      ...(options.processBytes && { processBytes: options.processBytes() }),
    };
  }
}

/**
 * Runs `body` and accounts for every kernel that it runs on the current backend and every buffer that lives meanwhile. May be nested;
 * afterwards nothing of the hooks is left, also when `body` throws. What `body` does not run through tfjs's kernels is not seen.
 * @throws UserError at the first kernel without a declaration, unless `allowUnknown`; and whatever `body` throws
 */
export function profileSync<T>(body: () => T, options: ProfileOptions = {}): Profile<T> {
  const recording = new Recording(options);
  try {
    return recording.finish(body());
  } finally {
    recording.stop();
  }
}

/** `profileSync` for functions that return promises. What other code runs while `body` waits is recorded as well. */
export async function profile<T>(body: () => T | Promise<T>, options: ProfileOptions = {}): Promise<Profile<T>> {
  const recording = new Recording(options);
  try {
    return recording.finish(await body());
  } finally {
    recording.stop();
  }
}

function tensorMemory(): TensorMemory {
  const { numBytes, numDataBuffers, numTensors } = memory();
  return { bytes: numBytes, buffers: numDataBuffers, tensors: numTensors };
}
