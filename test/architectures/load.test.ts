// Weights by name: every one is needed, in its shape, once; and nothing is left of a model that could not be loaded.
import { expect, test } from 'vitest';
import { transformerOf, transformerOfHuggingFace } from '../../src/architectures/load.ts';
import { weightShapes } from '../../src/cards/weights.ts';
import type { NamedTensor } from '../../src/formats/hugging-face-names.ts';
import { elementsOf } from '../../src/formats/safetensors-header.ts';
import { nodeStorage } from '../../src/node/storage.ts';
import { UserError } from '../../src/terms/user-error.ts';
import { leavesNothing, onFastBackend } from '../support/backend.ts';
import { variants } from '../support/models.ts';

const card = variants.gpt!;

/** Values that say which weight and which element they are. */
const tensors = (): NamedTensor[] =>
  weightShapes(card).map(({ name, shape }, weight) => ({
    name,
    shape,
    data: Float32Array.from({ length: elementsOf(shape) }, (_, i) => weight + i / 4096),
  }));

onFastBackend(() => {
  test('every weight has its values, in whatever order they come', async () => {
    await leavesNothing(async () => {
      const model = await transformerOf(card, tensors().reverse(), 'file');
      const expected = new Map(tensors().map(({ name, data }) => [name, data]));
      for (const { name, variable } of model.namedWeights()) expect(variable.dataSync()).toEqual(expected.get(name));
      model.dispose();
    });
  });

  test('a Hugging Face folder becomes its card’s model', async () => {
    await leavesNothing(async () => {
      const model = await transformerOfHuggingFace(nodeStorage, 'test/fixtures/mqa-tiny');
      expect(model.card).toMatchObject({ kvHeads: 1, heads: 5, vocabulary: 89 });
      model.dispose();
    });
  });

  const change = (name: string, into: (tensor: NamedTensor) => NamedTensor[]) =>
    tensors().flatMap((tensor) => (tensor.name === name ? into(tensor) : [tensor]));
  test.each([
    ['a missing one', change('norm.scale', () => []), /^'file': tensor 'norm\.scale' of shape \[16\] is missing\.$/],
    ['all missing', [], /^'file': tensor 'embedding\.token' of shape \[23,16\] is missing, and \d+ more\.$/],
    [
      'one of another shape',
      change('blocks.0.mlp.up.weight', (tensor) => [{ ...tensor, shape: [24, 16] }]),
      /^'file': tensor 'blocks\.0\.mlp\.up\.weight' has shape \[24,16\], but the model has \[16,24\]\.$/,
    ],
    [
      'one too many',
      change('norm.scale', (t) => [t, { ...t, name: 'norm.scales' }]),
      /^Unknown tensor in 'file' 'norm\.scales': did you mean norm\.scale/,
    ],
    ['one given twice', change('norm.scale', (t) => [t, t]), /^'file': tensor 'norm\.scale' is there twice\.$/],
  ])('%s is refused', async (_, changed, sentence) => {
    await leavesNothing(async () => {
      const error = await transformerOf(card, changed, 'file').catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(UserError);
      expect((error as UserError).message).toMatch(sentence);
    });
  });
});
