// Reads and writes safetensors files, one tensor in memory at a time.
// Format: https://huggingface.co/docs/safetensors. Numbers are little-endian, as on every machine that JavaScript runs on.
import { widenBfloat16, widenFloat16 } from '../numbers/half-precision.ts';
import { UserError, unknownName } from '../terms/user-error.ts';
import {
  BYTES_PER_ELEMENT,
  elementsOf,
  headerLength,
  parseHeader,
  type TensorEntry,
  type TensorType,
} from './safetensors-header.ts';
import type { Storage } from './storage.ts';

export type { TensorEntry, TensorType } from './safetensors-header.ts';

/** The array that holds each type; F16 and BF16 as raw bits. */
const ARRAYS = {
  F64: Float64Array<ArrayBuffer>,
  F32: Float32Array<ArrayBuffer>,
  F16: Uint16Array<ArrayBuffer>,
  BF16: Uint16Array<ArrayBuffer>,
  I64: BigInt64Array<ArrayBuffer>,
  I32: Int32Array<ArrayBuffer>,
  I8: Int8Array<ArrayBuffer>,
  U8: Uint8Array<ArrayBuffer>,
} as const;

/** The types whose values can be read and written; the others of the format are only skipped over. */
export type ReadableType = keyof typeof ARRAYS;
export type TensorData = InstanceType<(typeof ARRAYS)[ReadableType]>;

/** A safetensors file whose header has been read and checked; its tensors are read when asked for. */
export interface SafetensorsFile {
  readonly path: string;
  /** By name, in the order of their data. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
  /** The elements as stored; F16 and BF16 as raw bits. */
  read(name: string): Promise<TensorData>;
  /** The elements of a floating-point tensor as float32: F16 and BF16 exactly, F64 rounded. */
  readFloat32(name: string): Promise<Float32Array<ArrayBuffer>>;
  /** The elements of an I32 tensor, or of an I64 tensor whose values fit. */
  readInt32(name: string): Promise<Int32Array<ArrayBuffer>>;
}

/**
 * Opens a file and checks its header; reads no tensor yet.
 * @throws UserError where the file is missing, cut off, or its header does not describe it exactly
 */
export async function openSafetensors(storage: Storage, path: string): Promise<SafetensorsFile> {
  const fileSize = await storage.size(path);
  if (fileSize < 8) {
    throw new UserError(`'${path}' is not a sound safetensors file: it has ${fileSize} bytes and needs at least 8.`);
  }
  const length = headerLength(path, await storage.readRange(path, 0, 8), fileSize);
  const dataStart = 8 + length;
  const { tensors, metadata } = parseHeader(path, await storage.readRange(path, 8, length), fileSize - dataStart);

  async function read(name: string): Promise<TensorData> {
    const entry = tensors.get(name);
    if (entry === undefined) throw unknownName(`tensor in '${path}'`, name, [...tensors.keys()]);
    const { dtype, begin, end } = entry;
    if (!isReadable(dtype)) throw wrongType(path, entry, Object.keys(ARRAYS));
    const bytes = await storage.readRange(path, dataStart + begin, end - begin);
    return new ARRAYS[dtype](bytes.buffer);
  }

  async function readFloat32(name: string): Promise<Float32Array<ArrayBuffer>> {
    const data = await read(name);
    const entry = tensors.get(name)!;
    if (data instanceof Float32Array) return data;
    if (data instanceof Float64Array) return Float32Array.from(data);
    if (entry.dtype === 'F16') return widenFloat16(data as Uint16Array);
    if (entry.dtype === 'BF16') return widenBfloat16(data as Uint16Array);
    throw wrongType(path, entry, ['F32', 'F16', 'BF16', 'F64']);
  }

  async function readInt32(name: string): Promise<Int32Array<ArrayBuffer>> {
    const data = await read(name);
    if (data instanceof Int32Array) return data;
    if (!(data instanceof BigInt64Array)) throw wrongType(path, tensors.get(name)!, ['I32', 'I64']);
    const tooLarge = data.find((value) => BigInt.asIntN(32, value) !== value);
    if (tooLarge !== undefined) {
      throw new UserError(`'${path}': tensor '${name}' holds ${tooLarge}, which does not fit into 32 bits.`);
    }
    return Int32Array.from(data, Number);
  }

  return { path, tensors, metadata, read, readFloat32, readInt32 };
}

/** A tensor to be written: its data is asked for when its turn has come, and can be dropped afterwards. */
export interface TensorSource {
  name: string;
  /** F32 where it is left out. */
  dtype?: ReadableType;
  shape: readonly number[];
  data(): TensorData | Promise<TensorData>;
}

/**
 * Writes a file atomically; one tensor is in memory at a time. Wider types come first, so that every tensor is aligned to its
 * element size; tensors of equal width keep their order.
 * @param metadata texts for the header's `__metadata__`
 */
export async function writeSafetensors(
  storage: Storage,
  path: string,
  tensors: readonly TensorSource[],
  metadata: Record<string, string> = {},
): Promise<void> {
  const ordered = [...tensors].sort((a, b) => bytesPerElement(b) - bytesPerElement(a));
  await storage.write(path, safetensorsChunks(ordered, metadata));
}

async function* safetensorsChunks(
  tensors: readonly TensorSource[],
  metadata: Record<string, string>,
): AsyncGenerator<Uint8Array> {
  yield headerBytes(tensors, metadata);
  for (const tensor of tensors) {
    const { name, dtype = 'F32', shape } = tensor;
    const data = await tensor.data();
    if (!(data instanceof ARRAYS[dtype]) || data.length !== elementsOf(shape)) {
      throw new Error(
        `writeSafetensors: tensor '${name}' of shape [${shape}] in ${dtype} was given a ${data.constructor.name} of ${data.length} elements`,
      );
    }
    yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
}

/** The length and the JSON, padded with spaces so that the data begins at a multiple of eight. */
function headerBytes(tensors: readonly TensorSource[], metadata: Record<string, string>): Uint8Array {
  const names = new Set<string>();
  const entries: [string, unknown][] = Object.keys(metadata).length > 0 ? [['__metadata__', metadata]] : [];
  let begin = 0;
  for (const tensor of tensors) {
    const { name, dtype = 'F32', shape } = tensor;
    if (names.has(name) || name === '__metadata__') {
      throw new Error(`writeSafetensors: the name '${name}' is used twice or reserved`);
    }
    names.add(name);
    const end = begin + elementsOf(shape) * bytesPerElement(tensor);
    entries.push([name, { dtype, shape, data_offsets: [begin, end] }]);
    begin = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const padded = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  padded.set(json, 8);
  new DataView(padded.buffer).setBigUint64(0, BigInt(padded.length - 8), true);
  return padded;
}

const bytesPerElement = ({ dtype = 'F32' }: TensorSource): number => BYTES_PER_ELEMENT[dtype];

function isReadable(dtype: TensorType): dtype is ReadableType {
  return Object.hasOwn(ARRAYS, dtype);
}

function wrongType(path: string, { name, dtype }: TensorEntry, wanted: string[]): UserError {
  return new UserError(
    `'${path}': tensor '${name}' has dtype ${dtype}, but only ${wanted.join(', ')} can be used here.`,
  );
}
