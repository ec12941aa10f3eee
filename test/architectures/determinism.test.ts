// What a seed decides: initial weights on every backend, masks of every dropout, and with them whole steps; evaluation draws nothing.
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { Transformer } from '../../src/architectures/transformer.ts';
import type { ModelCard } from '../../src/cards/model-card.ts';
import { observeKernels } from '../../src/engine/kernel-events.ts';
import { normalArray } from '../../src/engine/random.ts';
import { gradientNormsSync, Optimizer } from '../../src/training/optimizer.ts';
import { accumulate, evaluateBatch } from '../../src/training/step.ts';
import { onEveryBackend, onFastBackend } from '../support/backend.ts';
import { adamwSettings, randomBatch, shippedCard, variants, withDropout } from '../support/models.ts';

function weightsOf(card: ModelCard, seed?: number): Map<string, Float32Array> {
  const model = new Transformer(card, seed);
  const weights = new Map(model.namedWeights().map(({ name, variable }) => [name, variable.dataSync<'float32'>()]));
  model.dispose();
  return weights;
}

const deviation = (values: Float32Array) =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

/** Losses of some steps of training with dropout, and a weight at the end. */
function train(card: ModelCard, seed: number): { losses: number[]; weight: Float32Array } {
  const model = new Transformer(card, seed);
  const optimizer = new Optimizer(model.namedWeights(), adamwSettings);
  const names = model.namedWeights().map(({ name }) => name);
  const losses = [1, 2, 3].map((step) => {
    const { loss, gradients } = accumulate(model, [randomBatch(card, 4, 8, step)], { dropoutSeed: seed, step });
    optimizer.apply(gradients, 0.01, Math.min(1, 1 / gradientNormsSync(gradients, names).total));
    return loss;
  });
  const weight = model.variables()[0]!.dataSync<'float32'>();
  model.dispose();
  optimizer.dispose();
  return { losses, weight };
}

/** Streams and counters of the masks that are drawn while `body` runs. */
function masksOf(body: () => void): { stream: string; step: number; seed: number; rate: number }[] {
  const masks: { stream: string; step: number; seed: number; rate: number }[] = [];
  const stop = observeKernels(tf.getBackend(), ({ name, attributes }) => {
    const { stream, step, seed, rate } = attributes as { stream: string; step: number; seed: number; rate: number };
    if (name === 'SeededDropoutMask') masks.push({ stream, step, seed, rate });
  });
  try {
    body();
  } finally {
    stop();
  }
  return masks;
}

onEveryBackend(() => {
  it('a seed names the same initial weights on every backend', () => {
    const weights = weightsOf(variants.gpt!, 7);
    expect(weights.get('embedding.token')).toEqual(normalArray(7, 'embedding.token', 23 * 16, 0.02));
    // Residual scaling of 2 layers: two branches each.
    const down = normalArray(7, 'blocks.1.mlp.down.weight', 24 * 16, 0.02 / Math.sqrt(4));
    expect(weights.get('blocks.1.mlp.down.weight')).toEqual(down);
  });

  it('a seed and a step decide losses and weights of training bit for bit', () => {
    const card = withDropout(variants.llama3!);
    const first = train(card, 3);
    expect(train(card, 3)).toEqual(first);
    expect(train(card, 4).losses).not.toEqual(first.losses);
  });
});

describe('initial weights', () => {
  onFastBackend(() => {
    const large = ['hidden=128', 'vocabulary=512', 'layers=3'];
    it.each([
      ['gpt-debug', true],
      ['llama3-debug', true],
      ['gpt-debug', false],
    ])('%s: residual scaling %s', (name, scaling) => {
      const card = shippedCard(
        name,
        ...large,
        `initialization.residualScaling=${scaling}`,
        'initialization.deviation=0.05',
      );
      const weights = weightsOf(card, 1);
      for (const [weight, values] of weights) {
        if (weight.endsWith('.scale')) expect(new Set(values), weight).toEqual(new Set([1]));
        else if (/\.(bias|shift)$/.test(weight)) expect(new Set(values), weight).toEqual(new Set([0]));
        else {
          const onResidual = weight.endsWith('attention.projection.weight') || weight.endsWith('mlp.down.weight');
          const expected = scaling && onResidual ? 0.05 / Math.sqrt(6) : 0.05;
          const error = Math.abs(deviation(values) / expected - 1);
          // Five deviations of the estimate: over a hundred weights are tried here, and one beyond four of them is no surprise.
          expect(error, weight).toBeLessThan(5 / Math.sqrt(2 * values.length));
        }
      }
    });

    it('differ between weights and between seeds', () => {
      const weights = weightsOf(shippedCard('gpt-debug'), 1);
      const heads = [...weights]
        .filter(([, { length }]) => length > 1000)
        .map(([, values]) => values.slice(0, 8).join());
      expect(heads.length).toBeGreaterThan(8);
      expect(new Set(heads).size).toBe(heads.length);
      const other = weightsOf(shippedCard('gpt-debug'), 2);
      expect(other.get('embedding.token')).not.toEqual(weights.get('embedding.token'));
    });

    it('without a seed are zeros and ones, to be loaded', () => {
      for (const [name, values] of weightsOf(variants.gpt!)) {
        expect(new Set(values), name).toEqual(new Set([name.endsWith('.scale') ? 1 : 0]));
      }
    });
  });
});

describe('dropout', () => {
  onFastBackend(() => {
    const card = { ...variants.gpt!, dropout: { embedding: 0.1, attention: 0.2, residual: 0.3 } };
    const batch = randomBatch(card, 2, 5);
    const lossAt = (model: Transformer, dropoutSeed: number, step: number, batches = [batch]) => {
      const { loss, gradients } = accumulate(model, batches, { dropoutSeed, step });
      tf.dispose(gradients);
      return loss;
    };

    it('draws one mask for each place of each layer, with its rate', () => {
      const model = new Transformer(card, 1);
      const masks = masksOf(() => lossAt(model, 9, 2));
      const expected = [0, 1].flatMap((n) => [
        [`blocks.${n}.attention/dropout.attention`, 0.2],
        [`blocks.${n}.attention/dropout.residual`, 0.3],
        [`blocks.${n}.mlp/dropout.residual`, 0.3],
      ]);
      expect(masks.map(({ stream, rate }) => [stream, rate])).toEqual([
        ['embedding/dropout.embedding', 0.1],
        ...expected,
      ]);
      expect(new Set(masks.map(({ seed }) => seed))).toEqual(new Set([9]));
      model.dispose();
    });

    it('counts steps and micro-batches apart', () => {
      const model = new Transformer(card, 1);
      const steps = [1, 2].map((step) => masksOf(() => lossAt(model, 9, step, [batch, batch, batch])));
      const counters = steps.flat().map(({ stream, step }) => `${stream} ${step}`);
      expect(counters).toHaveLength(2 * 3 * 7);
      expect(new Set(counters).size).toBe(counters.length);
      model.dispose();
    });

    it('replays for a seed and step, and drops otherwise for another', () => {
      const model = new Transformer(card, 1);
      const loss = lossAt(model, 9, 2);
      expect(lossAt(model, 9, 2)).toBe(loss);
      expect(lossAt(model, 9, 3)).not.toBe(loss);
      expect(lossAt(model, 8, 2)).not.toBe(loss);
      model.dispose();
    });

    it('never happens in evaluation, in a pass without a seed, or in the LayersModel', () => {
      const [model, plain] = [new Transformer(card, 1), new Transformer(variants.gpt!, 1)];
      const layers = model.layersModel();
      let evaluated = 0;
      const masks = masksOf(() => {
        evaluated = evaluateBatch(model, batch);
        tf.dispose(accumulate(model, [batch]).gradients);
        tf.tidy(() => layers.predict(tf.tensor2d(batch.inputs, [2, 5], 'int32')));
      });
      expect(masks).toEqual([]);
      expect(evaluated).toBe(evaluateBatch(plain, batch));
      expect(evaluated).not.toBe(lossAt(model, 9, 2));
      for (const each of [layers, model, plain]) each.dispose();
    });

    it('leaves the mean loss about where it was', () => {
      const model = new Transformer({ ...card, initialization: { ...card.initialization, deviation: 0.2 } }, 1);
      const losses = Array.from({ length: 40 }, (_, step) => lossAt(model, 1, step));
      const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
      const spread = Math.sqrt(losses.reduce((sum, loss) => sum + (loss - mean) ** 2, 0) / losses.length);
      expect(spread).toBeGreaterThan(0);
      expect(Math.abs(mean / evaluateBatch(model, batch) - 1)).toBeLessThan(0.1);
      model.dispose();
    });
  });
});
