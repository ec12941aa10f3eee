// Golden folders are read whole, and differences are measured the way their README says.
import { describe, expect, test } from 'vitest';
import { gradientErrors, largestDifference, openGolden, relativeError } from '../../src/formats/golden.ts';
import { fromHuggingFace, huggingFaceMappings } from '../../src/formats/hugging-face-names.ts';
import { MemoryStorage } from '../../src/formats/memory-storage.ts';
import { openSafetensors, type TensorSource, writeSafetensors } from '../../src/formats/safetensors.ts';
import { nodeStorage } from '../../src/node/storage.ts';
import { UserError } from '../../src/terms/user-error.ts';

const goldens = ['gpt2-tiny', 'llama3-tiny', 'llama3-tiny-config4', 'mqa-tiny'];

describe.each(goldens)('%s', (name) => {
  test('has a batch, expectations, and gradients that differ from themselves by nothing', async () => {
    const golden = await openGolden(nodeStorage, `test/fixtures/${name}`);
    expect([golden.batch, golden.sequence]).toEqual([3, 24]);
    // Labels are shifted: each is the next input, so all but the last column repeat the inputs.
    for (let row = 0; row < 3; row++) {
      const start = row * 24;
      expect(golden.labels.slice(start, start + 23)).toEqual(golden.inputIds.slice(start + 1, start + 24));
    }
    expect(golden.expected.adamw.losses).toHaveLength(10);
    expect((await golden.logits()).length).toBe(3 * 24 * golden.card.vocabulary);
    for (const mapping of huggingFaceMappings(golden.kind, golden.card)) {
      const read = async (part: { name: string }) => Float32Array.from(await golden.gradient(part.name));
      const ours = await fromHuggingFace(mapping, read);
      const same = await gradientErrors(golden, mapping, ours);
      expect(same).toEqual(mapping.parts.map((part) => ({ name: part.name, error: 0 })));
      ours[0]! += 1;
      const [first] = await gradientErrors(golden, mapping, ours);
      const reference = await golden.gradient(first!.name);
      expect(first!.error).toBeCloseTo(1 / Math.max(...reference.map(Math.abs)), 3);
    }
  });
});

test('differences', () => {
  const of = (...values: number[]) => Float32Array.from(values);
  expect(largestDifference(of(1, 2, 3), of(1, 4, 2))).toBe(2);
  expect(relativeError(of(1, 2, 3), of(1, 4, -8))).toBe(11 / 8);
  expect(relativeError(of(0, 0), of(0, 0))).toBe(0);
  expect(relativeError(of(1, 0), of(0, 0))).toBe(Number.POSITIVE_INFINITY);
  expect(relativeError(of(Number.NaN, 0), of(1, 1))).toBe(Number.POSITIVE_INFINITY);
  expect(largestDifference(of(1), of(1, 1))).toBe(Number.POSITIVE_INFINITY);
});

describe('a folder that does not fit is refused', () => {
  const source = 'test/fixtures/gpt2-tiny';
  /** A copy of a golden folder, with some of its expected tensors changed or left out. */
  async function copy(change: (tensor: TensorSource) => TensorSource | null): Promise<MemoryStorage> {
    const storage = new MemoryStorage();
    await storage.makeFolder('g');
    for (const file of ['config.json', 'expected.json']) {
      await storage.write(`g/${file}`, await nodeStorage.read(`${source}/${file}`));
    }
    const file = await openSafetensors(nodeStorage, `${source}/expected.safetensors`);
    const tensors = [...file.tensors.values()]
      .map(({ name, dtype, shape }) =>
        change({ name, dtype: dtype as 'F32' | 'I32', shape, data: () => file.read(name) }),
      )
      .filter((tensor) => tensor !== null);
    await writeSafetensors(storage, 'g/expected.safetensors', tensors);
    return storage;
  }
  const refuse = async (storage: MemoryStorage, sentence: string) => {
    await expect(openGolden(storage, 'g')).rejects.toThrow(UserError);
    await expect(openGolden(storage, 'g')).rejects.toThrow(sentence);
  };
  const changed = (name: string, into: Partial<TensorSource> | null) =>
    copy((tensor) => (tensor.name === name ? into && { ...tensor, ...into } : tensor));

  test('an unchanged copy is accepted', async () => {
    expect((await openGolden(await copy((tensor) => tensor), 'g')).batch).toBe(3);
  });

  test('tensors', async () => {
    await refuse(await changed('labels', null), "tensor 'labels' is missing; expected is [3,24]");
    await refuse(await changed('input_ids', null), "tensor 'input_ids' is missing; expected is [?,?]");
    await refuse(await changed('labels', { shape: [24, 3] }), "tensor 'labels' has shape [24,3]; expected is [3,24]");
    const gradient = 'grad.transformer.wte.weight';
    await refuse(await changed(gradient, null), `tensor '${gradient}' is missing; expected is [97,48]`);
    const outside = await changed('labels', { data: () => new Int32Array(72).fill(97) });
    await refuse(outside, "tensor 'labels' holds 97, outside the vocabulary of 97 tokens");
  });

  test('files', async () => {
    const storage = await copy((tensor) => tensor);
    const write = (text: string) => storage.write('g/expected.json', new TextEncoder().encode(text));
    await write('{"parameters": 5}');
    await refuse(storage, "'g/expected.json': 'loss' is missing");
    await write('');
    await refuse(storage, "'g/expected.json' is not JSON text");
    await storage.remove('g');
    await refuse(storage, "Cannot read 'g/config.json'");
  });
});
