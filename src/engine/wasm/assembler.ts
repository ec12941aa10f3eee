// The bytes of a WebAssembly module: types, imports, functions, exports (WebAssembly core specification, chapter 5).

export type Type = 'i32' | 'f32' | 'v128';

const typeBytes: Record<Type, number> = { i32: 0x7f, f32: 0x7d, v128: 0x7b };

/** An unsigned integer in LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  do {
    const rest = Math.floor(value / 128);
    bytes.push((value % 128) + (rest > 0 ? 128 : 0));
    value = rest;
  } while (value > 0);
  return bytes;
}

/** A signed 32-bit integer in LEB128. */
export function signed(value: number): number[] {
  const bytes: number[] = [];
  for (;;) {
    const low = value & 0x7f;
    value >>= 7;
    const last = (value === 0 && (low & 0x40) === 0) || (value === -1 && (low & 0x40) !== 0);
    bytes.push(last ? low : low | 0x80);
    if (last) return bytes;
  }
}

/** The four little-endian bytes of a float32. */
export function float(value: number): number[] {
  return [...new Uint8Array(Float32Array.of(value).buffer)];
}

export interface AssembledFunction {
  name: string;
  parameters: Type[];
  locals: Type[];
  code: number[];
}

const vector = (items: number[][]): number[] => [...unsigned(items.length), ...items.flat()];
const text = (value: string): number[] => {
  const bytes = [...new TextEncoder().encode(value)];
  return [...unsigned(bytes.length), ...bytes];
};
const section = (id: number, content: number[]): number[] => [id, ...unsigned(content.length), ...content];

/**
 * A module whose functions return nothing, are all exported, and work on the memory imported as `backend.memory`. The imported
 * global `backend.scratch` is the address of a working area that belongs to this instance alone.
 */
export function assemble(functions: readonly AssembledFunction[], sharedMemory: boolean): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters }) => [0x60, ...vector(parameters.map((type) => [typeBytes[type]])), 0]);
  // A shared memory must state its maximum: the 65536 pages that 32-bit addresses reach.
  const limits = sharedMemory ? [3, 1, ...unsigned(65536)] : [0, 1];
  const imports = [
    [...text('backend'), ...text('memory'), 0x02, ...limits],
    [...text('backend'), ...text('scratch'), 0x03, typeBytes.i32, 0],
  ];
  const bodies = functions.map(({ locals, code }) => {
    const body = [...vector(locals.map((type) => [1, typeBytes[type]])), ...code, 0x0b];
    return [...unsigned(body.length), ...body];
  });
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(types)),
    ...section(2, vector(imports)),
    ...section(3, vector(functions.map((_, index) => unsigned(index)))),
    ...section(7, vector(functions.map(({ name }, index) => [...text(name), 0, ...unsigned(index)]))),
    ...section(10, vector(bodies)),
  ]);
}
