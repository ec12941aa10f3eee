// A tfjs backend that holds no numbers: data ids with sizes, and an account of the memory that a real backend would hold.
import { type BackendValues, DataStorage, type DataType, engine, KernelBackend } from '@tensorflow/tfjs-core';
import { bytesOf, type Lowering, type TensorSpec } from '../../kernels/declaration.ts';
import type { ShapesOnly } from '../../kernels/upload.ts';
import { UserError } from '../../terms/user-error.ts';

/** tfjs's `DataId`, which it does not export: an object that is nothing but itself. */
type DataId = object;

/** The lowerings that can be mimicked. */
export const metaLowerings = ['native', 'wasm', 'cpu'] as const satisfies readonly Lowering[];
export type MetaLowering = (typeof metaLowerings)[number];

/** Memory that one or several data ids share. */
interface Buffer {
  readonly bytes: bigint;
  ids: number;
}

interface Entry {
  readonly buffer: Buffer;
  references: number;
}

/** Unique memory: a buffer counts once, however many tensors and data ids share it. */
export interface MetaMemory {
  readonly buffers: number;
  readonly bytes: bigint;
  /** The most bytes that were alive at once since the backend was made or `restartPeak` was called. */
  readonly peakBytes: bigint;
}

export class MetaBackend extends KernelBackend implements ShapesOnly {
  readonly shapesOnly = true;
  /** The backend whose kernels, handles and aliases are mimicked; tensors keep what they were born with. */
  lowering: MetaLowering;
  private readonly entries: DataStorage<Entry>;
  private buffers = 0;
  private bytes = 0n;
  private peakBytes = 0n;

  constructor(lowering: MetaLowering) {
    super();
    this.lowering = lowering;
    this.entries = new DataStorage(this, engine());
  }

  /** A data id of its own over new memory. */
  allocate(spec: TensorSpec): DataId {
    const dataId = {};
    this.enter(dataId, this.newBuffer(spec), 1);
    return dataId;
  }

  /** A data id of its own over the memory of another. */
  share(dataId: DataId): DataId {
    const view = {};
    this.enter(view, this.entries.get(dataId).buffer, 1);
    return view;
  }

  /** What lives now, and the most that lived. */
  uniqueMemory(): MetaMemory {
    const { buffers, bytes, peakBytes } = this;
    return { buffers, bytes, peakBytes };
  }

  /** The peak is counted anew from what lives now. */
  restartPeak(): void {
    this.peakBytes = this.bytes;
  }

  private newBuffer(spec: TensorSpec): Buffer {
    const buffer = { bytes: bytesOf(spec), ids: 0 };
    this.buffers++;
    this.bytes += buffer.bytes;
    if (this.bytes > this.peakBytes) this.peakBytes = this.bytes;
    return buffer;
  }

  private enter(dataId: DataId, buffer: Buffer, references: number): void {
    buffer.ids++;
    this.entries.set(dataId, { buffer, references });
  }

  override write(_values: BackendValues, shape: number[], dtype: DataType): DataId {
    return this.allocate({ shape, dtype });
  }

  /** Takes a tensor over from another backend. */
  override move(dataId: DataId, _: BackendValues, shape: number[], dtype: DataType, references: number): void {
    this.enter(dataId, this.newBuffer({ shape, dtype }), references);
  }

  override refCount(dataId: DataId): number {
    return this.entries.has(dataId) ? this.entries.get(dataId).references : 0;
  }

  override incRef(dataId: DataId): void {
    this.entries.get(dataId).references++;
  }

  override disposeData(dataId: DataId, force = false): boolean {
    if (!this.entries.has(dataId)) return true;
    const entry = this.entries.get(dataId);
    entry.references--;
    if (!force && entry.references > 0) return false;
    this.entries.delete(dataId);
    entry.buffer.ids--;
    if (entry.buffer.ids === 0) {
      this.buffers--;
      this.bytes -= entry.buffer.bytes;
    }
    return true;
  }

  override numDataIds(): number {
    return this.entries.numDataIds();
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: false };
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  /** Nothing is computed, so there is nothing to time. */
  override timerAvailable(): boolean {
    return false;
  }

  override readSync(): never {
    throw noNumbers();
  }

  override async read(): Promise<never> {
    throw noNumbers();
  }

  override readToGPU(): never {
    throw noNumbers();
  }

  override dispose(): void {}
}

const noNumbers = () =>
  new UserError(
    'The meta backend knows shapes and no numbers, so no value can be read from it: run this on a backend that computes ' +
      '(native, webgpu, wasm or cpu), or ask the formulas with yarn predict.',
  );
