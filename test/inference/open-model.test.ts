// What a path can mean: a run, its checkpoints, one of them, a Hugging Face folder; and what is refused.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ModelCard } from '../../src/cards/model-card.ts';
import { ByteTokenizer } from '../../src/data/tokenizers/byte.ts';
import { CharTokenizer } from '../../src/data/tokenizers/char.ts';
import { MemoryStorage } from '../../src/formats/memory-storage.ts';
import type { Storage } from '../../src/formats/storage.ts';
import { type OpenModel, openModel } from '../../src/inference/open-model.ts';
import { nodeStorage } from '../../src/node/storage.ts';
import { UserError } from '../../src/terms/user-error.ts';
import { alive, leavesNothing, onFastBackend } from '../support/backend.ts';
import { variants } from '../support/models.ts';
import { writeRun } from '../support/runs.ts';

const card: ModelCard = { ...variants.llama3!, vocabulary: 4 };
const tokenizer = new CharTokenizer(['a', 'b', 'ü'], true);

/** What is known of an opened model, which is released. */
function known({ model, ...rest }: OpenModel) {
  model.dispose();
  return { ...rest, tokenizer: rest.tokenizer?.name };
}

onFastBackend(() => {
  const storage = new MemoryStorage();
  beforeAll(async () => {
    await writeRun(storage, '/runs/a', card, tokenizer, [10, 20]);
    await writeRun(storage, '/runs/bare', card);
    // A run's own settings may lie beside its checkpoints; that makes it no Hugging Face folder.
    await storage.write('/runs/a/config.json', new TextEncoder().encode('{"steps": 20}'));
  });

  test.each([
    ['/runs/a', 20],
    ['/runs/a/', 20],
    ['/runs/a/checkpoints', 20],
    ['/runs/a/checkpoints/step-000010', 10],
  ])('%s', async (path, step) => {
    await leavesNothing(async () => {
      const expected = { path: `/runs/a/checkpoints/step-0000${step}`, step, tokenizer: 'char' };
      expect(known(await openModel(storage, path))).toEqual(expected);
    });
  });

  test('the weights are the checkpoint’s', async () => {
    const [late, early] = [
      await openModel(storage, '/runs/a'),
      await openModel(storage, '/runs/a/checkpoints/step-000010'),
    ];
    const values = ({ model }: OpenModel) => model.namedWeights()[0]!.variable.dataSync();
    expect(values(late)).not.toEqual(values(early));
    expect(late.model.card).toEqual(card);
    late.model.dispose();
    early.model.dispose();
  });

  test('without a tokenizer', async () => {
    expect(known(await openModel(storage, '/runs/bare'))).toMatchObject({ step: 1, tokenizer: undefined });
  });

  describe('a Hugging Face folder', () => {
    const folder = 'test/fixtures/llama3-tiny';
    async function copy(tokenizerJson: unknown): Promise<Storage> {
      const storage = new MemoryStorage();
      await storage.makeFolder('/hf');
      for (const file of ['config.json', 'model.safetensors']) {
        await storage.write(`/hf/${file}`, await nodeStorage.read(`${folder}/${file}`));
      }
      await storage.write('/hf/tokenizer.json', new TextEncoder().encode(JSON.stringify(tokenizerJson)));
      return storage;
    }

    test('has no step, and no tokenizer that we read', async () => {
      expect(known(await openModel(nodeStorage, folder))).toEqual({ path: folder, tokenizer: undefined });
      const theirs = await copy({ version: '1.0', model: { type: 'BPE' } });
      expect(known(await openModel(theirs, '/hf'))).toEqual({ path: '/hf', tokenizer: undefined });
      expect(known(await openModel(await copy(tokenizer.toJSON()), '/hf')).tokenizer).toBe('char');
    });

    test('with the tokenizer of another model is refused, and nothing stays alive', async () => {
      const foreign = await copy(new ByteTokenizer().toJSON());
      const sentence = "The tokenizer byte has 257 tokens, more than the model's 101: it is another model's.";
      await leavesNothing(async () => {
        await expect(openModel(foreign, '/hf')).rejects.toThrow(sentence);
      });
    });
  });

  describe('refused', () => {
    let before: ReturnType<typeof alive>;
    beforeAll(() => {
      before = alive();
    });
    afterAll(() => expect(alive()).toEqual(before));
    const refuse = async (path: string, sentence: string) => {
      await expect(openModel(storage, path)).rejects.toThrow(UserError);
      await expect(openModel(storage, path)).rejects.toThrow(sentence);
    };

    test('a path where nothing is', () => refuse('/runs/none', "There is no checkpoint '/runs/none'"));
    test('a folder of something else', () => refuse('/runs', "'/runs' holds no checkpoint"));
    test('a damaged checkpoint; the last good one is named', async () => {
      await writeRun(storage, '/runs/hurt', card, tokenizer, [1, 2]);
      await storage.write('/runs/hurt/checkpoints/step-000002/weights.safetensors', new Uint8Array(9));
      await refuse('/runs/hurt', "The last good one is '/runs/hurt/checkpoints/step-000001'");
    });
    test('a damaged tokenizer', async () => {
      await writeRun(storage, '/runs/odd', card, tokenizer);
      await storage.write('/runs/odd/tokenizer.json', new TextEncoder().encode('{"kind": "char"}'));
      await refuse('/runs/odd', 'The saved tokenizer is damaged');
    });
  });
});
