// Weights under Hugging Face's names become ours and go back bit by bit; a folder that does not fit its config is refused.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ModelCardJson, resolveModelCard } from '../../src/cards/model-card.ts';
import { weightShapes } from '../../src/cards/weights.ts';
import {
  type HuggingFaceKind,
  type HuggingFaceModel,
  readHuggingFaceConfig,
} from '../../src/formats/hugging-face-config.ts';
import {
  fromHuggingFace,
  huggingFaceMappings,
  type NamedTensor,
  toHuggingFace,
} from '../../src/formats/hugging-face-names.ts';
import { loadHuggingFaceWeights } from '../../src/formats/hugging-face-weights.ts';
import { MemoryStorage } from '../../src/formats/memory-storage.ts';
import { openSafetensors, writeSafetensors } from '../../src/formats/safetensors.ts';
import { nodeStorage } from '../../src/node/storage.ts';
import { UserError } from '../../src/terms/user-error.ts';

const goldens = ['gpt2-tiny', 'llama3-tiny', 'llama3-tiny-config4', 'mqa-tiny'];
const elements = (shape: readonly number[]) => shape.reduce((product, extent) => product * extent, 1);

/** Values that say where they stand, so that a wrong place is a wrong value. */
const numbered = (shape: readonly number[], start = 0) =>
  Float32Array.from({ length: elements(shape) }, (_, i) => start + i);

const base: ModelCardJson = {
  layers: 1,
  hidden: 6,
  heads: 2,
  vocabulary: 5,
  context: 4,
  tied: true,
  mlp: { kind: 'gelu-tanh', width: 8 },
  norm: { kind: 'layer' },
  positions: { kind: 'learned' },
  bias: { qkv: true, projection: true, mlp: true },
};
const llama: ModelCardJson = {
  ...base,
  mlp: { kind: 'swiglu', width: 8 },
  norm: { kind: 'rms' },
  positions: { kind: 'rope' },
  bias: {},
  headSize: 4,
};
const model = (kind: HuggingFaceKind, json: ModelCardJson): HuggingFaceModel => ({
  kind,
  card: resolveModelCard(json),
});

async function collect(storage: MemoryStorage | typeof nodeStorage, folder: string, of: HuggingFaceModel) {
  const weights: NamedTensor[] = [];
  for await (const weight of loadHuggingFaceWeights(storage, folder, of)) weights.push(weight);
  return weights;
}

describe.each(goldens)('golden %s', (name) => {
  const folder = `test/fixtures/${name}`;

  test('gives every weight of the card, and goes back to the very same tensors', async () => {
    const golden = await readHuggingFaceConfig(nodeStorage, folder);
    const weights = await collect(nodeStorage, folder, golden);
    expect(weights.map((weight) => [weight.name, weight.shape])).toEqual(
      weightShapes(golden.card).map((weight) => [weight.name, weight.shape]),
    );
    const file = await openSafetensors(nodeStorage, `${folder}/model.safetensors`);
    const mappings = huggingFaceMappings(golden.kind, golden.card);
    const returned = weights.flatMap((weight, i) => toHuggingFace(mappings[i]!, weight.data));
    expect(returned.map((tensor) => tensor.name).sort()).toEqual([...file.tensors.keys()].sort());
    for (const tensor of returned) expect(tensor.data).toEqual(await file.readFloat32(tensor.name));
  });

  test('names a gradient for every tensor of expected.safetensors', async () => {
    const { kind, card } = await readHuggingFaceConfig(nodeStorage, folder);
    const file = await openSafetensors(nodeStorage, `${folder}/expected.safetensors`);
    const parts = huggingFaceMappings(kind, card).flatMap((mapping) => mapping.parts);
    const gradients = [...file.tensors.values()].filter((entry) => entry.name.startsWith('grad.'));
    const shapes = (list: readonly { name: string; shape: readonly number[] }[]) =>
      Object.fromEntries(list.map((entry) => [entry.name.replace(/^grad\./, ''), entry.shape]));
    expect(shapes(parts)).toEqual(shapes(gradients));
  });
});

describe('where each number goes', () => {
  const mappingOf = (of: HuggingFaceModel, name: string) =>
    huggingFaceMappings(of.kind, of.card).find((mapping) => mapping.name === name)!;

  test("GPT-2's Conv1D is ours as it is", async () => {
    const mapping = mappingOf(model('gpt2', base), 'blocks.0.mlp.up.weight');
    const data = numbered([6, 8]);
    expect(await fromHuggingFace(mapping, () => data)).toBe(data);
  });

  test("GPT-BigCode's Linear is transposed", async () => {
    const mapping = mappingOf(model('gpt_bigcode', { ...base, kvHeads: 1 }), 'blocks.0.attention.qkv.weight');
    expect(mapping).toMatchObject({
      shape: [6, 12],
      parts: [{ name: 'transformer.h.0.attn.c_attn.weight', shape: [12, 6], transposed: true }],
    });
    const ours = await fromHuggingFace(mapping, (part) => numbered(part.shape));
    for (let i = 0; i < 6; i++) for (let o = 0; o < 12; o++) expect(ours[i * 12 + o]).toBe(o * 6 + i);
  });

  test("LLaMA's q, k and v stand side by side", async () => {
    const mapping = mappingOf(model('llama', { ...llama, kvHeads: 1 }), 'blocks.0.attention.qkv.weight');
    const starts: Record<string, number> = { q_proj: 1000, k_proj: 2000, v_proj: 3000 };
    const ours = await fromHuggingFace(mapping, (part) => numbered(part.shape, starts[part.name.split('.')[4]!]));
    // Row 2 of ours [6, 8 + 4 + 4]: column 2 of q [8, 6], of k [4, 6], of v [4, 6].
    const row = [...ours.slice(2 * 16, 3 * 16)];
    const column = (start: number, rows: number) => Array.from({ length: rows }, (_, o) => start + o * 6 + 2);
    expect(row).toEqual([...column(1000, 8), ...column(2000, 4), ...column(3000, 4)]);
  });

  test('GPT-BigCode without multi-query attention stores q, k, v head by head', async () => {
    const mapping = mappingOf(model('gpt_bigcode', base), 'blocks.0.attention.qkv.bias');
    const ours = await fromHuggingFace(mapping, () => numbered([18]));
    // Two heads of three: their rows are q0 k0 v0 q1 k1 v1, ours q0 q1 k0 k1 v0 v1.
    expect([...ours]).toEqual([0, 1, 2, 9, 10, 11, 3, 4, 5, 12, 13, 14, 6, 7, 8, 15, 16, 17]);
  });
});

test('ours to Hugging Face and back is the identity, for any card of any kind', async () => {
  const cards = fc
    .record({
      kind: fc.constantFrom<HuggingFaceKind>('gpt2', 'gpt_bigcode', 'llama', 'mistral'),
      kvHeads: fc.integer({ min: 1, max: 3 }),
      group: fc.integer({ min: 1, max: 3 }),
      halfSize: fc.integer({ min: 1, max: 3 }),
      width: fc.integer({ min: 1, max: 9 }),
      hidden: fc.integer({ min: 1, max: 12 }),
      tied: fc.boolean(),
      bias: fc.boolean(),
    })
    .map(({ kind, kvHeads, group, halfSize, width, hidden, tied, bias }): HuggingFaceModel => {
      const isGpt = kind === 'gpt2' || kind === 'gpt_bigcode';
      const heads = kvHeads * group;
      const biases = { qkv: bias, projection: bias, mlp: bias };
      const sizes = { heads, kvHeads: kind === 'gpt2' ? heads : kvHeads, headSize: 2 * halfSize, hidden, tied };
      const mlp = { kind: isGpt ? ('relu' as const) : ('swiglu' as const), width };
      return model(kind, { ...(isGpt ? base : llama), ...sizes, mlp, bias: biases });
    });
  await fc.assert(
    fc.asyncProperty(cards, async ({ kind, card }) => {
      for (const mapping of huggingFaceMappings(kind, card)) {
        const ours = numbered(mapping.shape);
        const theirs = new Map(toHuggingFace(mapping, ours).map((tensor) => [tensor.name, tensor]));
        for (const part of mapping.parts) expect(theirs.get(part.name)?.data.length).toBe(elements(part.shape));
        expect(await fromHuggingFace(mapping, (part) => theirs.get(part.name)!.data)).toEqual(ours);
      }
    }),
    { numRuns: 60 },
  );
});

describe('folders', () => {
  const small = model('gpt2', base);
  const good = () =>
    huggingFaceMappings(small.kind, small.card).flatMap((mapping) => toHuggingFace(mapping, numbered(mapping.shape)));
  const save = async (tensors: NamedTensor[]) => {
    const storage = new MemoryStorage();
    await storage.makeFolder('m');
    const sources = tensors.map(({ name, shape, data }) => ({ name, shape, data: () => data }));
    await writeSafetensors(storage, 'm/model.safetensors', sources);
    return storage;
  };
  const load = async (tensors: NamedTensor[]) => collect(await save(tensors), 'm', small);
  const refused = async (tensors: NamedTensor[], sentence: string) => {
    const loading = load(tensors);
    await expect(loading).rejects.toThrow(UserError);
    await expect(loading).rejects.toThrow(sentence);
  };
  const wte = 'transformer.wte.weight';

  test('names without prefix, old buffers and a copied head are accepted', async () => {
    const bare = good().map((tensor) => ({ ...tensor, name: tensor.name.replace('transformer.', '') }));
    const mask = { name: 'h.0.attn.bias', shape: [1, 1, 4, 4], data: new Float32Array(16) };
    const head = { ...bare.find((tensor) => tensor.name === 'wte.weight')!, name: 'lm_head.weight' };
    expect(await load([...bare, mask, head])).toEqual(await load(good()));
  });

  test('a tied head that differs from the embedding is refused', async () => {
    const head = { name: 'lm_head.weight', shape: [5, 6], data: numbered([5, 6], 1) };
    await refused([...good(), head], "tensors 'lm_head.weight' and 'transformer.wte.weight' differ");
  });

  test('missing, unexpected and wrongly shaped tensors are refused by name and shape', async () => {
    const without = good().filter((tensor) => tensor.name !== wte);
    await refused(
      without,
      "tensor 'transformer.wte.weight' of shape [5,6] is missing; nearest there: 'transformer.wpe",
    );
    const extra = { name: 'transformer.h.1.ln_1.weight', shape: [6], data: new Float32Array(6) };
    await refused([...good(), extra], "tensor 'transformer.h.1.ln_1.weight' of shape [6] is not expected");
    const turned = good().map((tensor) => (tensor.name === wte ? { ...tensor, shape: [6, 5] } : tensor));
    await refused(turned, "tensor 'transformer.wte.weight' has shape [6,5], but config.json asks for [5,6]");
  });

  test('nothing is yielded before everything was checked', async () => {
    const tensors = good();
    const storage = await save(tensors.slice(0, -1));
    await expect(loadHuggingFaceWeights(storage, 'm', small).next()).rejects.toThrow('is missing');
  });

  test('sixteen-bit weights become float32', async () => {
    const storage = new MemoryStorage();
    await storage.makeFolder('m');
    const sources = good().map(({ name, shape }) => ({
      name,
      shape,
      dtype: 'BF16' as const,
      data: () => new Uint16Array(elements(shape)).fill(0x3fc0),
    }));
    await writeSafetensors(storage, 'm/model.safetensors', sources);
    for (const { data } of await collect(storage, 'm', small)) expect(data.every((value) => value === 1.5)).toBe(true);
  });

  test('shards are found through the index', async () => {
    const storage = new MemoryStorage();
    await storage.makeFolder('m');
    const tensors = good();
    const map: Record<string, string> = {};
    for (const [i, half] of [tensors.slice(0, 5), tensors.slice(5)].entries()) {
      const shard = `model-0000${i + 1}-of-00002.safetensors`;
      const sources = half.map(({ name, shape, data }) => ({ name, shape, data: () => data }));
      await writeSafetensors(storage, `m/${shard}`, sources);
      for (const { name } of half) map[name] = shard;
    }
    const writeIndex = (weightMap: object) =>
      storage.write(
        'm/model.safetensors.index.json',
        new TextEncoder().encode(JSON.stringify({ weight_map: weightMap })),
      );
    await writeIndex(map);
    expect(await collect(storage, 'm', small)).toEqual(await load(good()));
    await writeIndex({ ...map, [wte]: '../elsewhere.safetensors' });
    await expect(collect(storage, 'm', small)).rejects.toThrow('is not the name of a file beside it');
    await writeIndex({ ...map, other: 'model-00001-of-00002.safetensors' });
    await expect(collect(storage, 'm', small)).rejects.toThrow("places tensor 'other'");
  });

  test('a folder without weights', async () => {
    await expect(collect(new MemoryStorage(), 'm', small)).rejects.toThrow("'m' holds neither model.safetensors nor");
  });
});
