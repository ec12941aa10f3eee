// The LayersModel is the same model: logits, summary, save and load, and who frees the weights.
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';
import { expect, it } from 'vitest';
import { Transformer } from '../../src/architectures/transformer.ts';
import type { ModelCard } from '../../src/cards/model-card.ts';
import { weightShapes, weightSize } from '../../src/cards/weights.ts';
import { alive, leavesNothing, onEveryBackend, onFastBackend } from '../support/backend.ts';
import { randomBatch, shippedCard, variants, withDropout } from '../support/models.ts';

const [batch, sequence] = [3, 5];

function logitsOf(model: Transformer): Float32Array {
  const { inputs } = randomBatch(model.card, batch, sequence);
  return tf.tidy(() => model.logits({ ids: tf.tensor1d(inputs, 'int32'), batch, sequence }).dataSync<'float32'>());
}

function predictionsOf(model: LayersModel, card: ModelCard): Float32Array {
  const { inputs } = randomBatch(card, batch, sequence);
  return tf.tidy(() => {
    const logits = model.predict(tf.tensor2d(inputs, [batch, sequence], 'int32')) as tf.Tensor;
    expect(logits.shape).toEqual([batch, sequence, card.vocabulary]);
    return logits.dataSync<'float32'>();
  });
}

/** Through a file as it would be: topology as JSON text, weights as bytes. */
async function saveAndLoad(model: LayersModel): Promise<LayersModel> {
  let topology = '';
  let artifacts: tf.io.ModelArtifacts = {};
  await model.save({
    save: async (saved) => {
      topology = JSON.stringify(saved.modelTopology);
      artifacts = saved;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    },
  });
  return loadLayersModel({ load: async () => ({ ...artifacts, modelTopology: JSON.parse(topology) }) });
}

onEveryBackend(() => {
  it.each(Object.entries(variants))('%s: predicts what the blocks compute, also after save and load', async (_, card) =>
    leavesNothing(async () => {
      const model = new Transformer(withDropout(card), 3);
      const layers = model.layersModel();
      const logits = logitsOf(model);
      expect(Math.max(...logits.map(Math.abs))).toBeGreaterThan(0.01);
      expect(predictionsOf(layers, card)).toEqual(logits);
      const loaded = await saveAndLoad(layers);
      expect(predictionsOf(loaded, card)).toEqual(logits);
      loaded.dispose();
      layers.dispose();
      model.dispose();
    }),
  );
});

onFastBackend(() => {
  it.each(['gpt-debug', 'llama3-debug', 'mqa-debug'])('%s: the summary counts the parameters of the card', (name) => {
    const card = shippedCard(name);
    const model = new Transformer(card);
    const layers = model.layersModel();
    const lines: string[] = [];
    layers.summary(undefined, undefined, (line: string) => lines.push(line));
    const parameters = weightShapes(card).reduce((sum, weight) => sum + weightSize(weight), 0n);
    expect(lines.join('\n')).toContain(`Total params: ${parameters}\n`);
    expect(lines.join('\n')).toContain('blocks.1 (Block)');
    layers.dispose();
    model.dispose();
  });

  it('keeps names and text of the card through save and load', async () => {
    const card = shippedCard('gpt-debug');
    const model = new Transformer(card, 1);
    const layers = model.layersModel();
    const loaded = await saveAndLoad(layers);
    expect(loaded.layers.map(({ name }) => name)).toEqual(layers.layers.map(({ name }) => name));
    const cardOf = (index: number) => JSON.parse((loaded.layers[index]!.getConfig().card as { name: string }).name);
    expect(cardOf(1)).toEqual(card);
    for (const each of [loaded, layers, model]) each.dispose();
  });

  it('frees the weights when the last of model and LayersModels is disposed, in any order', () => {
    const before = alive();
    const first = new Transformer(variants.gpt!, 1);
    first.dispose();
    expect(alive()).toEqual(before);

    const model = new Transformer(variants.gpt!, 1);
    const weights = alive();
    const [one, two] = [model.layersModel(), model.layersModel()];
    one.dispose();
    model.dispose();
    expect(alive()).toEqual(weights);
    two.dispose();
    expect(alive()).toEqual(before);
  });

  it('refuses a saved model whose card is damaged', async () => {
    const model = new Transformer(variants.gpt!, 1);
    const layers = model.layersModel();
    const original = layers.layers[1]!.getConfig.bind(layers.layers[1]);
    layers.layers[1]!.getConfig = () => ({ ...original(), card: { name: '{"layers": 0}' } });
    await expect(saveAndLoad(layers)).rejects.toThrow(/layers/);
    layers.dispose();
    model.dispose();
  });
});
