// The header of a safetensors file: which tensors it says are where, and every way in which it can lie.
// Format: https://huggingface.co/docs/safetensors (8 bytes of header length, little-endian; JSON; data).
import { z } from 'zod';
import { UserError } from '../terms/user-error.ts';

/** Bytes per element of every type that the format names and that fills whole bytes. */
export const BYTES_PER_ELEMENT = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const;

export type TensorType = keyof typeof BYTES_PER_ELEMENT;

/** What a header says of one tensor; offsets count from the first byte after the header. */
export interface TensorEntry {
  name: string;
  dtype: TensorType;
  shape: number[];
  begin: number;
  end: number;
}

export interface Header {
  /** In the order of their data. */
  tensors: Map<string, TensorEntry>;
  metadata: Record<string, string>;
}

/** The longest header that the format's own library accepts, in bytes. */
export const LONGEST_HEADER = 100_000_000;

const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(z.int().min(0)),
  data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
});
const metadataSchema = z.record(z.string(), z.string());

/** How many elements a shape has; 1 for a scalar. */
export const elementsOf = (shape: readonly number[]): number =>
  shape.reduce((elements, extent) => elements * extent, 1);

/**
 * Checks the header's length, as the first eight bytes claim it, against the file.
 * @param path the file, for errors
 * @param prefix the first eight bytes
 * @param fileSize in bytes
 */
export function headerLength(path: string, prefix: Uint8Array<ArrayBuffer>, fileSize: number): number {
  const length = new DataView(prefix.buffer).getBigUint64(0, true);
  if (length > BigInt(fileSize - 8)) {
    throw damaged(path, `its first bytes promise a header of ${length} bytes, but only ${fileSize - 8} bytes follow`);
  }
  if (length > BigInt(LONGEST_HEADER)) {
    throw damaged(path, `its header of ${length} bytes is longer than the format's limit of ${LONGEST_HEADER}`);
  }
  return Number(length);
}

/**
 * Reads a header and checks that its tensors fill the data exactly: no overlap, no hole, no byte too few or too many.
 * @param path the file, for errors
 * @param bytes the JSON text
 * @param dataSize bytes that follow the header in the file
 * @throws UserError with the tensor's name and the numbers that do not fit
 */
export function parseHeader(path: string, bytes: Uint8Array, dataSize: number): Header {
  const { __metadata__: metadata, ...entries } = parseJson(path, bytes);
  const tensors = Object.entries(entries).map(([name, json]) => parseEntry(path, name, json));
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkCoverage(path, tensors, dataSize);
  const strings = metadataSchema.safeParse(metadata ?? {});
  if (!strings.success) throw damaged(path, `'__metadata__' in its header must hold texts by name`);
  return { tensors: new Map(tensors.map((entry) => [entry.name, entry])), metadata: strings.data };
}

function parseJson(path: string, bytes: Uint8Array): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw damaged(path, 'its header is not JSON text');
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw damaged(path, 'its header is not a JSON object');
  }
  return json as Record<string, unknown>;
}

function parseEntry(path: string, name: string, json: unknown): TensorEntry {
  const parsed = entrySchema.safeParse(json);
  if (!parsed.success) {
    const place = parsed.error.issues[0]!.path.join('.');
    throw damaged(
      path,
      `the header's entry for tensor '${name}' has no valid ${place || 'dtype, shape, data_offsets'}`,
    );
  }
  const { dtype, shape } = parsed.data;
  const [begin, end] = parsed.data.data_offsets;
  if (!isTensorType(dtype)) {
    const known = Object.keys(BYTES_PER_ELEMENT).join(', ');
    throw new UserError(`'${path}': tensor '${name}' has the unknown dtype '${dtype}'; known are ${known}.`);
  }
  const needed = elementsOf(shape) * BYTES_PER_ELEMENT[dtype];
  if (end - begin !== needed) {
    throw damaged(
      path,
      `tensor '${name}' of shape [${shape}] in ${dtype} needs ${needed} bytes, but its data_offsets [${begin}, ${end}] hold ${end - begin}`,
    );
  }
  return { name, dtype, shape, begin, end };
}

/** The tensors, sorted by where they begin, must follow each other without gaps and end where the file ends. */
function checkCoverage(path: string, tensors: TensorEntry[], dataSize: number): void {
  let covered = 0;
  let previous = 'the header';
  for (const { name, begin, end } of tensors) {
    if (begin < covered) {
      throw damaged(
        path,
        `tensor '${name}' begins at data byte ${begin}, inside ${previous}, which ends at ${covered}`,
      );
    }
    if (begin > covered) {
      throw damaged(path, `data bytes ${covered} to ${begin}, before tensor '${name}', belong to no tensor`);
    }
    if (end > dataSize) {
      throw damaged(path, `tensor '${name}' ends at data byte ${end}, but the file has only ${dataSize} bytes of data`);
    }
    covered = end;
    previous = `tensor '${name}'`;
  }
  if (covered < dataSize) {
    throw damaged(path, `its tensors end at data byte ${covered}, but the file has ${dataSize} bytes of data`);
  }
}

function isTensorType(dtype: string): dtype is TensorType {
  return Object.hasOwn(BYTES_PER_ELEMENT, dtype);
}

function damaged(path: string, reason: string): UserError {
  return new UserError(`'${path}' is not a sound safetensors file: ${reason}.`);
}
