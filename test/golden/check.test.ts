// Golden folders on every backend: what PyTorch computed is what we compute, and a weight that is a little wrong is noticed.
import { describe, expect, test } from 'vitest';
import { openGolden } from '../../src/formats/golden.ts';
import { MemoryStorage } from '../../src/formats/memory-storage.ts';
import { openSafetensors, type TensorSource, writeSafetensors } from '../../src/formats/safetensors.ts';
import { checkGolden, tolerancesOn } from '../../src/golden/check.ts';
import { nodeStorage } from '../../src/node/storage.ts';
import { leavesNothing, onEveryBackend, onFastBackend } from '../support/backend.ts';

const folders = [
  ...['gpt2-tiny', 'llama3-tiny', 'llama3-tiny-config4', 'mqa-tiny'].map((name) => `test/fixtures/${name}`),
  // No size in these is a multiple of four; make.py made them.
  ...['llama3-odd', 'bigcode-odd'].map((name) => `test/golden/fixtures/${name}`),
];

test('the tolerances', () => {
  const native = { logits: 2e-5, loss: 2e-6, gradient: 1e-5, adamw: 1e-5 };
  expect(tolerancesOn('native')).toEqual(native);
  for (const [name, tolerance] of Object.entries(tolerancesOn('wasm'))) {
    expect(tolerance).toBeCloseTo(5 * native[name as keyof typeof native], 12);
  }
});

onEveryBackend((backend) => {
  test.each(folders)('%s is reproduced, and nothing stays alive', async (folder) => {
    await leavesNothing(async () => {
      const { failures, greedy, ...result } = await checkGolden(nodeStorage, folder, tolerancesOn(backend));
      expect(failures).toEqual([]);
      expect(greedy).toEqual({ reproduced: true, tokens: 16 });
      expect(result.parameters.found).toBe(BigInt(result.parameters.expected));
      expect(result.gradient.name).toMatch(/\.(weight|bias)$/);
    });
  });
});

onFastBackend((backend) => {
  const tolerances = tolerancesOn(backend);

  /** A copy of a golden folder with one number changed in one of its weights. */
  async function perturbed(folder: string, name: string, by: number): Promise<MemoryStorage> {
    const storage = new MemoryStorage();
    await storage.makeFolder('g');
    for (const file of ['config.json', 'expected.json', 'expected.safetensors']) {
      await storage.write(`g/${file}`, await nodeStorage.read(`${folder}/${file}`));
    }
    const file = await openSafetensors(nodeStorage, `${folder}/model.safetensors`);
    const tensors = [...file.tensors.values()].map(
      (tensor): TensorSource => ({
        name: tensor.name,
        shape: tensor.shape,
        data: async () => {
          const data = await file.readFloat32(tensor.name);
          if (tensor.name === name) data[data.length - 1]! += by;
          return data;
        },
      }),
    );
    await writeSafetensors(storage, 'g/model.safetensors', tensors);
    return storage;
  }

  describe('a weight that is off by 1e-3 fails its folder', () => {
    test.each([
      ['test/fixtures/gpt2-tiny', 'transformer.h.0.mlp.c_fc.weight'],
      ['test/fixtures/gpt2-tiny', 'transformer.h.1.attn.c_proj.bias'],
      ['test/fixtures/llama3-tiny', 'model.layers.1.self_attn.v_proj.weight'],
      ['test/fixtures/llama3-tiny', 'lm_head.weight'],
      ['test/fixtures/mqa-tiny', 'transformer.ln_f.weight'],
    ])('%s %s', async (folder, name) => {
      const storage = await perturbed(folder, name, 1e-3);
      const { failures } = await checkGolden(storage, 'g', tolerances);
      expect(failures.join()).toMatch(/logits off by \d\.\de-\d \(tolerance (2\.0e-5|1\.0e-4)\)/);
      expect(failures.join()).toMatch(/gradient of \S+ off by/);
    });
  });

  test('weights without a number fail every measure', async () => {
    const storage = await perturbed('test/fixtures/gpt2-tiny', 'transformer.ln_f.bias', Number.NaN);
    await leavesNothing(async () => {
      await expect(checkGolden(storage, 'g', tolerances)).rejects.toThrow('no finite logits');
    });
  });

  test('expectations that are off fail their own measure', async () => {
    const changed = async (change: (expected: Record<string, never>) => void) => {
      const storage = await perturbed('test/fixtures/mqa-tiny', '', 0);
      const expected = JSON.parse(new TextDecoder().decode(await storage.read('g/expected.json')));
      change(expected);
      await storage.write('g/expected.json', new TextEncoder().encode(JSON.stringify(expected)));
      return checkGolden(storage, 'g', tolerances);
    };
    const failuresOf = async (change: (expected: Record<string, never>) => void) => (await changed(change)).failures;
    const set = (path: string, key: string, add: number) => (expected: Record<string, never>) => {
      const at = path === '' ? expected : path.split('.').reduce((o: Record<string, never>, k) => o[k]!, expected);
      (at as Record<string, number>)[key]! += add;
    };
    expect(await failuresOf(() => {})).toEqual([]);
    expect(await failuresOf(set('', 'parameters', 1))).toEqual(['74428 parameters where 74429 are expected']);
    expect((await failuresOf(set('', 'loss', 1e-3))).join()).toMatch(/^loss off by 1\.0e-3/);
    expect((await failuresOf(set('adamw.losses', '6', 1e-3))).join()).toMatch(/^AdamW loss 7 off by 1\.0e-3/);
    expect((await failuresOf(set('adamw', 'weight_decay', 0.4))).join()).toMatch(/^AdamW loss \d+ off by/);
    expect(await failuresOf(set('greedy.tokens', '9', 1))).toEqual(['greedy token 4 of 16 differs']);
    expect((await changed((expected) => delete expected.greedy)).greedy).toBeNull();
  });

  test('tokens may also be given without the prompt before them', async () => {
    const { expected } = await openGolden(nodeStorage, 'test/fixtures/mqa-tiny');
    expect(expected.greedy!.tokens.slice(0, 6)).toEqual(expected.greedy!.prompt);
    const storage = await perturbed('test/fixtures/mqa-tiny', '', 0);
    const greedy = { ...expected.greedy, tokens: expected.greedy!.tokens.slice(6) };
    await storage.write('g/expected.json', new TextEncoder().encode(JSON.stringify({ ...expected, greedy })));
    expect((await checkGolden(storage, 'g', tolerances)).greedy).toEqual({ reproduced: true, tokens: 16 });
  });
});
