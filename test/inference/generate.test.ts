// Generation: when it stops, what it refuses, that it replays, and that it leaves nothing behind.
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { transformerOfHuggingFace } from '../../src/architectures/load.ts';
import { Transformer } from '../../src/architectures/transformer.ts';
import { strictly } from '../../src/engine/kernel-events.ts';
import { openGolden } from '../../src/formats/golden.ts';
import { type Decoder, uncachedDecoder } from '../../src/inference/decoder.ts';
import { type GenerationSettings, generate } from '../../src/inference/generate.ts';
import { nodeStorage } from '../../src/node/storage.ts';
import { UserError } from '../../src/terms/user-error.ts';
import { alive, leavesNothing, onEveryBackend, onFastBackend } from '../support/backend.ts';
import { variants } from '../support/models.ts';

const greedy = { temperature: 0, seed: 0 };

/** Says after each token the one that is one higher, and remembers what it was asked. */
function counting(context = 100): Decoder & { reads: number[][]; disposed: number } {
  return {
    context,
    vocabulary: 50,
    reads: [],
    disposed: 0,
    async read(ids) {
      this.reads.push([...ids]);
      return Float32Array.from({ length: 50 }, (_, id) => (id === ids.at(-1)! + 1 ? 1 : 0));
    },
    dispose() {
      this.disposed++;
    },
  };
}

async function collect(decoder: Decoder, prompt: number[], settings: GenerationSettings) {
  const tokens = [];
  for await (const token of generate(decoder, prompt, settings)) tokens.push(token);
  return { ids: tokens.map(({ id }) => id), stops: tokens.flatMap(({ stop }) => stop ?? []) };
}

describe('generation', () => {
  test('reads the prompt once, then each new token but the last', async () => {
    const decoder = counting();
    expect(await collect(decoder, [3, 4], { ...greedy, tokens: 3 })).toEqual({ ids: [5, 6, 7], stops: ['tokens'] });
    expect(decoder.reads).toEqual([[3, 4], [5], [6]]);
    expect(decoder.disposed).toBe(1);
  });

  test('stops at the end token, which is the last', async () => {
    const settings = { ...greedy, tokens: 9, endToken: 6 };
    expect(await collect(counting(), [3], settings)).toEqual({ ids: [4, 5, 6], stops: ['end'] });
    expect((await collect(counting(), [3], { ...settings, endToken: null })).stops).toEqual(['tokens']);
  });

  test('stops when the context is full; the token after a full context is still known', async () => {
    const settings = { ...greedy, tokens: 9 };
    expect(await collect(counting(4), [3, 4], settings)).toEqual({ ids: [5, 6, 7], stops: ['context'] });
    expect(await collect(counting(2), [3, 4], settings)).toEqual({ ids: [5], stops: ['context'] });
  });

  test('takes only ids of the tokenizer, where it has fewer than the model', async () => {
    expect((await collect(counting(), [8], { ...greedy, tokens: 1, vocabulary: 9 })).ids).toEqual([0]);
  });

  test('lets other work happen between tokens', async () => {
    let turns = 0;
    await collect(counting(), [1], { ...greedy, tokens: 4, breathe: async () => void turns++ });
    expect(turns).toBe(3);
  });

  test('disposes the decoder when the caller stops early, and when it throws', async () => {
    const early = counting();
    for await (const { id } of generate(early, [1], { ...greedy, tokens: 9 })) if (id === 3) break;
    expect([early.reads.length, early.disposed]).toEqual([2, 1]);
    const throwing = { ...counting(), read: async () => Float32Array.of(Number.NaN) };
    await expect(collect(throwing, [1], { ...greedy, tokens: 1 })).rejects.toThrow('no finite logits');
    expect(throwing.disposed).toBe(1);
  });

  test.each([
    [[], 'The prompt is empty: generation needs at least one token to go on from.'],
    [[1, 50], "The prompt has token 50, but the model's tokens are 0 to 49."],
    [[-1], "The prompt has token -1, but the model's tokens are 0 to 49."],
    [[1.5], "The prompt has token 1.5, but the model's tokens are 0 to 49."],
    [[1, 2, 3, 4, 5], "The prompt has 5 tokens, more than the model's context of 4: shorten it to 4 at most."],
  ])('%j is refused', async (prompt, sentence) => {
    const run = () => collect(counting(4), prompt, { ...greedy, tokens: 1 });
    await expect(run()).rejects.toThrow(UserError);
    await expect(run()).rejects.toThrow(sentence);
  });
});

onEveryBackend(() => {
  test.each(['gpt2-tiny', 'llama3-tiny', 'mqa-tiny'])('%s: the greedy tokens are Hugging Face’s', async (name) => {
    const golden = await openGolden(nodeStorage, `test/fixtures/${name}`);
    const { prompt, tokens } = golden.expected.greedy!;
    const model = await transformerOfHuggingFace(nodeStorage, golden.folder, golden);
    const settings = { ...greedy, tokens: tokens.length - prompt.length };
    expect([...prompt, ...(await collect(uncachedDecoder(model), prompt, settings)).ids]).toEqual(tokens);
    model.dispose();
  });
});

onFastBackend(() => {
  const settings = { temperature: 1, seed: 5, tokens: 8 };

  test.each(Object.keys(variants))('%s: the same seed gives the same tokens, up to a full context', async (name) => {
    const model = new Transformer(variants[name]!, 3);
    const make = async (seed: number) => (await collect(uncachedDecoder(model), [1, 2], { ...settings, seed })).ids;
    expect(await make(5)).toEqual(await make(5));
    expect(await make(5)).not.toEqual(await make(6));
    const full = await collect(uncachedDecoder(model), [1, 2], { ...settings, tokens: 99 });
    expect(full.ids.length).toBe(model.card.context - 2 + 1);
    expect(full.stops).toEqual(['context']);
    model.dispose();
  });

  test('the logits are those of a forward pass over the whole sequence', async () => {
    const model = new Transformer(variants.llama3!, 3);
    const { vocabulary } = model.card;
    const decoder = uncachedDecoder(model);
    const sequence = [4, 1, 7, 7, 2];
    const all = tf.tidy(() =>
      model.logits({ ids: tf.tensor1d(sequence, 'int32'), batch: 1, sequence: 5 }).dataSync<'float32'>(),
    );
    const close = (logits: Float32Array, row: number) => {
      const expected = all.subarray(row * vocabulary, (row + 1) * vocabulary);
      for (const [id, value] of logits.entries()) expect(value).toBeCloseTo(expected[id]!, 5);
    };
    close(await decoder.read([4, 1, 7]), 2);
    close(await decoder.read([7]), 3);
    close(await decoder.read([2]), 4);
    model.dispose();
  });

  test('every kernel is declared and has a scope', async () => {
    const model = new Transformer(variants.gpt!, 3);
    expect((await strictly(tf.getBackend(), () => uncachedDecoder(model).read([1, 2, 3]))).length).toBe(23);
    model.dispose();
  });

  test('nothing stays alive: not per token, not of a generation that was stopped early, not of the model', async () => {
    await leavesNothing(async () => {
      const model = new Transformer(variants.llama3!, 3);
      const counts: number[] = [];
      for await (const { id } of generate(uncachedDecoder(model), [1], { ...settings, tokens: 8 })) {
        expect(id).toBeLessThan(model.card.vocabulary);
        counts.push(alive().tensors);
      }
      // The constants of two lengths are kept, so the count is steady from the second token on.
      expect(new Set(counts.slice(2)).size).toBe(1);
      for await (const _ of generate(uncachedDecoder(model), [1], settings)) break;
      model.dispose();
    });
  });
});
