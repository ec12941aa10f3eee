// Safetensors: what is written is read back bit by bit, and a header that lies is refused with the tensor's name and the numbers.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryStorage } from '../../src/formats/memory-storage.ts';
import {
  openSafetensors,
  type ReadableType,
  type TensorData,
  writeSafetensors,
} from '../../src/formats/safetensors.ts';
import { nodeStorage } from '../../src/node/storage.ts';
import { UserError } from '../../src/terms/user-error.ts';

const make: Record<ReadableType, (bytes: Uint8Array<ArrayBuffer>) => TensorData> = {
  F64: (bytes) => new Float64Array(bytes.buffer),
  F32: (bytes) => new Float32Array(bytes.buffer),
  F16: (bytes) => new Uint16Array(bytes.buffer),
  BF16: (bytes) => new Uint16Array(bytes.buffer),
  I64: (bytes) => new BigInt64Array(bytes.buffer),
  I32: (bytes) => new Int32Array(bytes.buffer),
  I8: (bytes) => new Int8Array(bytes.buffer),
  U8: (bytes) => bytes,
};
const bits = (data: TensorData) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

const tensor = fc
  .record({
    name: fc.string({ minLength: 1 }).filter((name) => name !== '__metadata__'),
    dtype: fc.constantFrom(...(Object.keys(make) as ReadableType[])),
    shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
    seed: fc.uint8Array({ minLength: 8 * 64, maxLength: 8 * 64 }),
  })
  .map(({ name, dtype, shape, seed }) => {
    const elements = shape.reduce((product, extent) => product * extent, 1);
    const { BYTES_PER_ELEMENT } = make[dtype](new Uint8Array(8));
    return { name, dtype, shape, values: make[dtype](seed.slice(0, elements * BYTES_PER_ELEMENT)) };
  });

test('any tensors are read back bit by bit, aligned, with their metadata', async () => {
  const tensors = fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 6 });
  const metadata = fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true });
  await fc.assert(
    fc.asyncProperty(tensors, metadata, async (list, texts) => {
      const storage = new MemoryStorage();
      const sources = list.map(({ values, ...rest }) => ({ ...rest, data: () => values }));
      await writeSafetensors(storage, 'file', sources, texts);
      const file = await openSafetensors(storage, 'file');
      expect(Object.entries(file.metadata).sort()).toEqual(Object.entries(texts).sort());
      expect(file.tensors.size).toBe(list.length);
      const header = await storage.readRange('file', 0, 8);
      expect(new DataView(header.buffer).getBigUint64(0, true) % 8n).toBe(0n);
      for (const { name, dtype, shape, values } of list) {
        const entry = file.tensors.get(name)!;
        expect({ dtype: entry.dtype, shape: entry.shape }).toEqual({ dtype, shape });
        expect(entry.begin % values.BYTES_PER_ELEMENT).toBe(0);
        expect(bits(await file.read(name))).toEqual(bits(values));
      }
    }),
    { numRuns: 60 },
  );
});

describe('sixteen-bit numbers widen to float32', () => {
  const read = async (dtype: 'F16' | 'BF16', words: number[]) => {
    const storage = new MemoryStorage();
    const source = { name: 'x', dtype, shape: [words.length], data: () => Uint16Array.from(words) };
    await writeSafetensors(storage, 'file', [source]);
    return [...(await (await openSafetensors(storage, 'file')).readFloat32('x'))];
  };

  test('float16: every finite value is sign · 2^(e-15) · (1 + f/1024), or f · 2^-24 without exponent', async () => {
    const words = Array.from({ length: 2 ** 16 }, (_, word) => word);
    const wide = await read('F16', words);
    for (const word of words) {
      const sign = word & 0x8000 ? -1 : 1;
      const exponent = (word >> 10) & 31;
      const fraction = word & 1023;
      const finite = exponent === 0 ? fraction * 2 ** -24 : 2 ** (exponent - 15) * (1 + fraction / 1024);
      const expected = exponent < 31 ? sign * finite : fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
      if (!Object.is(wide[word], expected)) expect.fail(`float16 ${word}: ${wide[word]} instead of ${expected}`);
    }
  });

  test('bfloat16: the upper half of a float32', async () => {
    const values = await read('BF16', [0x3f80, 0xc020, 0x0000, 0x8000, 0x7f80, 0x0001]);
    expect(values).toEqual([1, -2.5, 0, -0, Number.POSITIVE_INFINITY, 2 ** -133]);
  });
});

/** A file with this header text, or with this claimed length, and `dataSize` zero bytes of data. */
async function openHostile(header: unknown, dataSize: number, claimed?: bigint) {
  const text = typeof header === 'string' ? header : JSON.stringify(header);
  const json = new TextEncoder().encode(text);
  const bytes = new Uint8Array(8 + json.length + dataSize);
  new DataView(bytes.buffer).setBigUint64(0, claimed ?? BigInt(json.length), true);
  bytes.set(json, 8);
  const storage = new MemoryStorage();
  await storage.write('bad.safetensors', bytes);
  return openSafetensors(storage, 'bad.safetensors');
}
const entry = (begin: number, end: number, shape = [(end - begin) / 4], dtype = 'F32') => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe('headers that lie', () => {
  const cases: [string, unknown, number, string, bigint?][] = [
    ['longer than the file', {}, 0, 'promise a header of 1000000 bytes, but only 2 bytes follow', 1_000_000n],
    ['absurdly long', {}, 0, 'promise a header of 18446744073709551615 bytes', 2n ** 64n - 1n],
    ['no JSON', '{"a":', 0, 'its header is not JSON text'],
    ['an array', [], 0, 'its header is not a JSON object'],
    ['no dtype', { w: { shape: [], data_offsets: [0, 4] } }, 4, "entry for tensor 'w' has no valid dtype"],
    ['no tensor', { w: 7 }, 4, "entry for tensor 'w' has no valid dtype, shape, data_offsets"],
    ['negative extent', { w: entry(0, 4, [-1]) }, 4, "entry for tensor 'w' has no valid shape.0"],
    ['unknown dtype', { w: entry(0, 4, [1], 'F31') }, 4, "tensor 'w' has the unknown dtype 'F31'; known are F64, F32"],
    ['inherited name as dtype', { w: entry(0, 4, [1], 'toString') }, 4, "the unknown dtype 'toString'"],
    ['wrong size', { w: entry(0, 8, [3]) }, 8, "tensor 'w' of shape [3] in F32 needs 12 bytes"],
    ['reversed', { w: entry(8, 4, [1]) }, 8, 'data_offsets [8, 4] hold -4'],
    ['overflowing shape', { w: entry(0, 4, [2 ** 50, 2 ** 50]) }, 4, "tensor 'w' of shape"],
    [
      'overlap',
      { a: entry(0, 8), b: entry(4, 12) },
      12,
      "'b' begins at data byte 4, inside tensor 'a', which ends at 8",
    ],
    ['hole', { a: entry(0, 4), b: entry(8, 12) }, 12, "data bytes 4 to 8, before tensor 'b', belong to no tensor"],
    ['beyond the end', { w: entry(0, 40) }, 36, "tensor 'w' ends at data byte 40, but the file has only 36 bytes"],
    ['bytes left over', { w: entry(0, 4) }, 9, 'its tensors end at data byte 4, but the file has 9 bytes of data'],
    ['same name twice', `{"a":${JSON.stringify(entry(0, 4))},"a":${JSON.stringify(entry(4, 8))}}`, 8, 'before tensor'],
    ['metadata not texts', { __metadata__: { a: 1 } }, 0, "'__metadata__' in its header must hold texts by name"],
  ];
  test.each(cases)('%s', async (_name, header, dataSize, sentence, claimed) => {
    const opened = openHostile(header, dataSize, claimed);
    await expect(opened).rejects.toThrow(UserError);
    await expect(opened).rejects.toThrow(sentence);
  });

  test('random damage gives a UserError, or a file whose every tensor can be read', async () => {
    const good = await nodeStorage.read('test/fixtures/gpt2-tiny/model.safetensors');
    const edit = fc.record({ at: fc.nat({ max: 2600 }), value: fc.integer({ min: 0, max: 255 }) });
    await fc.assert(
      fc.asyncProperty(edit, fc.nat({ max: good.length }), async ({ at, value }, cut) => {
        const storage = new MemoryStorage();
        const bytes = good.slice(0, cut % 3 === 0 ? cut : good.length);
        if (at < bytes.length) bytes[at] = value;
        await storage.write('file', bytes);
        const outcome = await openSafetensors(storage, 'file').catch((error: Error) => error);
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(UserError);
        else for (const name of outcome.tensors.keys()) expect(await outcome.read(name)).toBeDefined();
      }),
      { numRuns: 200 },
    );
  });

  test('a file shorter than its length field', async () => {
    const storage = new MemoryStorage();
    await storage.write('empty', new Uint8Array(3));
    await expect(openSafetensors(storage, 'empty')).rejects.toThrow('it has 3 bytes and needs at least 8');
  });
});

test('a wrong name, dtype or data is refused', async () => {
  const storage = new MemoryStorage();
  const ids = { name: 'ids', dtype: 'I64' as const, shape: [2], data: () => BigInt64Array.of(5n, -7n) };
  const far = { name: 'far', dtype: 'I64' as const, shape: [1], data: () => BigInt64Array.of(2n ** 31n) };
  await writeSafetensors(storage, 'file', [ids, far]);
  const file = await openSafetensors(storage, 'file');
  expect([...(await file.readInt32('ids'))]).toEqual([5, -7]);
  await expect(file.readInt32('far')).rejects.toThrow("tensor 'far' holds 2147483648, which does not fit into 32 bits");
  await expect(file.readFloat32('ids')).rejects.toThrow("tensor 'ids' has dtype I64, but only F32, F16, BF16, F64");
  await expect(file.read('idz')).rejects.toThrow("Unknown tensor in 'file' 'idz': did you mean ids");
  const short = { name: 'w', shape: [3], data: () => new Float32Array(2) };
  await expect(writeSafetensors(storage, 'file', [short])).rejects.toThrow("tensor 'w' of shape [3] in F32");
  await expect(writeSafetensors(storage, 'file', [ids, ids])).rejects.toThrow("the name 'ids' is used twice");
});

test('a file is written and read one tensor at a time', async () => {
  const storage = new MemoryStorage();
  const shape = [64, 64];
  const tensors = Array.from({ length: 8 }, (_, i) => ({
    name: `w${i}`,
    shape,
    data: async () => new Float32Array(64 * 64).fill(i),
  }));
  await writeSafetensors(storage, 'file', tensors);
  const file = await openSafetensors(storage, 'file');
  for (let i = 0; i < 8; i++) expect((await file.readFloat32(`w${i}`))[77]).toBe(i);
  expect(storage.longestRead).toBe(64 * 64 * 4);
});

test("Hugging Face's own files are read", async () => {
  const file = await openSafetensors(nodeStorage, 'test/fixtures/llama3-tiny/expected.safetensors');
  expect(file.tensors.get('logits')?.shape).toEqual([3, 24, 101]);
  expect((await file.readFloat32('loss'))[0]).toBeCloseTo(4.8949055671691895, 7);
  expect((await file.readInt32('input_ids')).slice(0, 6)).toEqual(Int32Array.of(28, 72, 91, 29, 52, 59));
});
