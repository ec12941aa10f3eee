// What a kernel of ours works with: the tfjs wasm backend, its memory, and our own functions on it.

import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { util } from '@tensorflow/tfjs-core';
import { UserError } from '../../terms/user-error.ts';
import { assemble } from './assembler.ts';
import { matmulScratch } from './kernels/matmul-code.ts';
import { Program } from './language.ts';
import type { Platform } from './platform.ts';
import { type KernelFunction, ThreadPool } from './thread-pool.ts';

/** One file under kernels/: tfjs kernels that we replace or add, and the WebAssembly functions they call. */
export interface Override {
  /** Names of the tfjs kernels. */
  kernels: readonly string[];
  /** Adds the functions that the kernels call. */
  code?(program: Program): void;
  /** The new kernel; `stock` is the one that tfjs ships, for what the new one does not cover. */
  kernel(name: string, runtime: Runtime, stock: KernelFunc | undefined): KernelFunc;
}

/** Bytes of the working area of each thread, with room to align it to 64. Only the matrix product has one. */
const scratchBytes = matmulScratch + 64;
/** Floats below which a second thread costs more than it saves: about ten microseconds' work. */
const smallestShare = 16384;

// Relaxed SIMD: a function of two vectors that returns f32x4.relaxed_madd of them.
const relaxedProbe = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 123, 123, 1, 123, 3, 2, 1, 0, 10, 13, 1, 11, 0, 32, 0, 32, 1, 32, 0, 253,
  133, 2, 11,
];

export class Runtime {
  private readonly program: Program;
  private readonly module: WebAssembly.Module;
  private readonly pool: ThreadPool;
  private readonly scratches: number[] = [];

  constructor(
    readonly backend: BackendWasm,
    private readonly memory: WebAssembly.Memory,
    platform: Platform,
    overrides: readonly Override[],
  ) {
    this.program = new Program(WebAssembly.validate(Uint8Array.from(relaxedProbe)));
    for (const override of overrides) override.code?.(this.program);
    const shared = typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;
    this.module = new WebAssembly.Module(assemble(this.program.functions, shared));
    const instance = new WebAssembly.Instance(this.module, { backend: { memory, scratch: this.allocateScratch() } });
    this.pool = new ThreadPool(Object.values(instance.exports) as KernelFunction[], platform);
  }

  private allocateScratch(): number {
    const address = (this.backend.wasm as unknown as { _malloc(bytes: number): number })._malloc(scratchBytes) >>> 0;
    this.scratches.push(address);
    return (address + 63) & ~63;
  }

  /** Whether a·b + c is one instruction here. */
  get fused(): boolean {
    return this.program.fused;
  }

  get threads(): number {
    return this.pool.threads;
  }

  /** Adds worker threads up to `threads` in all. */
  async startThreads(threads: number): Promise<void> {
    const scratches = Array.from({ length: threads - 1 }, () => this.allocateScratch());
    await this.pool.start(this.module, this.memory, scratches);
  }

  stopThreads(): void {
    this.pool.stop();
  }

  /** Address of a tensor's first byte. */
  pointer(tensor: TensorInfo): number {
    return this.backend.dataIdMap.get(tensor.dataId).memoryOffset;
  }

  /**
   * A new tensor, not filled.
   * @throws Error where it has 2 GiB or more, which our loops do not count, or the memory (4 GiB at most) is full
   */
  output(shape: number[], dtype: 'float32' | 'int32' | 'bool' = 'float32'): TensorInfo {
    if (sizeOf(shape) >= 2 ** 29)
      throw new UserError(`A tensor of shape [${shape}] is too large for the wasm backend: it has 2 GiB or more.`);
    const tensor = this.backend.makeOutput(shape, dtype);
    if (this.pointer(tensor) === 0 && sizeOf(shape) > 0) {
      this.backend.disposeData(tensor.dataId);
      throw new UserError(`The memory of the wasm backend is full: there is no room for a tensor of shape [${shape}].`);
    }
    return tensor;
  }

  /** The same memory under another shape: it lives until both are disposed. */
  alias(tensor: TensorInfo, shape: number[] = tensor.shape): TensorInfo {
    this.backend.incRef(tensor.dataId);
    return { dataId: tensor.dataId, shape, dtype: tensor.dtype };
  }

  /**
   * Runs the WebAssembly function `name` on `values` over the work items 0 … total, shared out among the threads.
   * @param work floats (or something as costly) that one work item touches
   * @param multiple pieces are a multiple of so many items
   */
  run(name: string, values: readonly number[], total: number, work: number, multiple = 1): void {
    const smallest = Math.ceil(smallestShare / work);
    const grain = Math.max(smallest, Math.ceil(total / (this.threads * 4)));
    this.runItems(name, values, total, Math.ceil(grain / multiple) * multiple);
  }

  /** Runs as `run` does, in pieces of `grain` items. */
  runItems(name: string, values: readonly number[], total: number, grain: number): void {
    this.pool.run(this.program.indexOf(name), values, total, grain);
  }
}

/** Number of elements of a shape. */
export const sizeOf = (shape: readonly number[]): number => util.sizeFromShape(shape as number[]);
