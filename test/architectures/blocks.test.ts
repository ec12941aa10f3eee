// Whole models of every variant on every backend: logits and gradients against float64, and what architecture promises.
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { Transformer } from '../../src/architectures/transformer.ts';
import type { ModelCard } from '../../src/cards/model-card.ts';
import type { Batch } from '../../src/data/batches.ts';
import { normalArray } from '../../src/engine/random.ts';
import { assign } from '../../src/training/optimizer.ts';
import { accumulate, evaluateBatch } from '../../src/training/step.ts';
import { alive, leavesNothing, onEveryBackend, onFastBackend } from '../support/backend.ts';
import { close } from '../support/check-op.ts';
import { randomBatch, variants } from '../support/models.ts';
import * as reference from '../support/reference-model.ts';

/** Numbers for every weight, larger than initial ones, so that every part of the model matters. */
function randomize(model: Transformer): Map<string, Float32Array> {
  const values = new Map<string, Float32Array>();
  for (const { name, shape, variable } of model.namedWeights()) {
    const numbers = normalArray(3, name, variable.size, 0.3);
    values.set(name, name.endsWith('.scale') ? numbers.map((value) => 1 + value) : numbers);
    assign(variable, tf.tensor(values.get(name)!, [...shape]));
  }
  return values;
}

const float64 = (values: Map<string, Float32Array>): reference.Weights =>
  new Map([...values].map(([name, numbers]) => [name, Float64Array.from(numbers)]));

function logitsOf(model: Transformer, { inputs, rows, length }: Batch): Float32Array {
  const data = tf.tidy(
    () => model.logits({ ids: tf.tensor1d(inputs, 'int32'), batch: rows, sequence: length }).dataSync() as never,
  );
  return data as Float32Array;
}

/** Gradients by name; the model's step, read and disposed. */
function gradientsOf(model: Transformer, batches: Batch[]): { loss: number; gradients: Map<string, Float32Array> } {
  const { loss, gradients } = accumulate(model, batches);
  const names = model.namedWeights().map(({ name }) => name);
  const read = new Map(names.map((name, i) => [name, gradients[i]!.dataSync<'float32'>()]));
  tf.dispose(gradients);
  return { loss, gradients: read };
}

const slice = ({ inputs, labels, length }: Batch, from: number, to: number): Batch => ({
  inputs: inputs.slice(from * length, to * length),
  labels: labels.slice(from * length, to * length),
  ...{ rows: to - from, length },
});

onEveryBackend(() => {
  it.each(Object.entries(variants))('%s: logits, loss and every gradient against float64', (_, card) => {
    const model = new Transformer(card);
    const values = randomize(model);
    const weights = float64(values);
    const batch = randomBatch(card, 2, 6);
    close(logitsOf(model, batch), reference.logits(card, weights, batch), 1e-5, 'logits');
    const { loss, gradients } = gradientsOf(model, [batch]);
    expect(Math.abs(loss / reference.loss(card, weights, batch) - 1)).toBeLessThan(2e-6);
    expect([...gradients.keys()]).toEqual([...values.keys()]);
    for (const [name, gradient] of gradients) {
      const direction = normalArray(4, name, gradient.length, 1);
      const along = gradient.reduce((sum, value, i) => sum + value * direction[i]!, 0);
      const size = Math.hypot(...gradient);
      expect(size, name).toBeGreaterThan(0);
      const error = Math.abs(along - reference.slope(card, weights, batch, name, direction));
      expect(error / size, name).toBeLessThan(2e-5);
    }
    model.dispose();
  });

  it.each(['gpt', 'llama3', 'post-norm, sinusoidal, relu'])('%s: accumulated gradients equal the big batch’s', (name) =>
    leavesNothing(() => {
      const model = new Transformer(variants[name]!);
      randomize(model);
      const batch = randomBatch(model.card, 6, 5);
      const big = gradientsOf(model, [batch]);
      const parts = gradientsOf(model, [slice(batch, 0, 2), slice(batch, 2, 4), slice(batch, 4, 6)]);
      expect(Math.abs(parts.loss / big.loss - 1)).toBeLessThan(1e-6);
      for (const [weight, gradient] of big.gradients) {
        const mean = parts.gradients.get(weight)!.map((value) => value / 3);
        close(mean, gradient, 5e-6, weight);
      }
      model.dispose();
    }),
  );
});

onFastBackend(() => {
  it.each(Object.entries(variants))('%s: logits do not depend on later tokens', (_, card) => {
    const model = new Transformer(card);
    randomize(model);
    const batch = randomBatch(card, 2, 7);
    const changed = { ...batch, inputs: batch.inputs.map((id, i) => (i % 7 < 4 ? id : (id + 1) % card.vocabulary)) };
    const [before, after] = [logitsOf(model, batch), logitsOf(model, changed)];
    for (let row = 0; row < 14; row++) {
      const at = (values: Float32Array) => values.slice(row * card.vocabulary, (row + 1) * card.vocabulary);
      if (row % 7 < 4) expect(at(after)).toEqual(at(before));
      else expect(at(after)).not.toEqual(at(before));
    }
    model.dispose();
  });

  it('a tied table’s gradient is the sum of the embedding’s and the head’s', () => {
    const card = variants.llama3!;
    const [tied, untied] = [new Transformer(card), new Transformer({ ...card, tied: false })];
    const values = randomize(tied);
    for (const { name, shape, variable } of untied.namedWeights()) {
      assign(variable, tf.tensor(values.get(name === 'head.weight' ? 'embedding.token' : name)!, [...shape]));
    }
    const batch = randomBatch(card, 2, 6);
    const [one, two] = [gradientsOf(tied, [batch]), gradientsOf(untied, [batch])];
    expect(two.loss).toBe(one.loss);
    const head = two.gradients.get('head.weight')!;
    const sum = two.gradients.get('embedding.token')!.map((value, i) => value + head[i]!);
    close(one.gradients.get('embedding.token')!, sum, 1e-6, 'sum');
    close(one.gradients.get('blocks.0.mlp.up.weight')!, two.gradients.get('blocks.0.mlp.up.weight')!, 1e-7, 'others');
    tied.dispose();
    untied.dispose();
  });

  it.each([1, 2])('%i key/value heads equal 4 whose weights are repeated', (kvHeads) => {
    const grouped: ModelCard = { ...variants.mqa!, kvHeads };
    const full: ModelCard = { ...grouped, kvHeads: 4 };
    const [few, many] = [new Transformer(grouped), new Transformer(full)];
    const values = randomize(few);
    const { headSize } = grouped;
    const columns = (4 + 2 * kvHeads) * headSize;
    /** Column of the grouped qkv that a column of the full one repeats: slots are 4 q, then 4 k, then 4 v. */
    const source = (column: number) => {
      const [slot, within] = [Math.floor(column / headSize), column % headSize];
      const shared = Math.floor((slot % 4) / (4 / kvHeads));
      const from = slot < 4 ? slot : slot < 8 ? 4 + shared : 4 + kvHeads + shared;
      return from * headSize + within;
    };
    for (const { name, shape, variable } of many.namedWeights()) {
      const numbers = values.get(name)!;
      const repeated = name.includes('.qkv.')
        ? Float32Array.from({ length: variable.size }, (_, i) => {
            const [row, column] = [Math.floor(i / (12 * headSize)), i % (12 * headSize)];
            return numbers[row * columns + source(column)]!;
          })
        : numbers;
      assign(variable, tf.tensor(repeated, [...shape]));
    }
    const batch = randomBatch(grouped, 2, 6);
    close(logitsOf(few, batch), logitsOf(many, batch), 2e-6, 'logits');
    few.dispose();
    many.dispose();
  });

  it('keeping probabilities or not gives bit-equal losses and gradients', () => {
    const model = new Transformer({ ...variants.llama3!, dropout: { embedding: 0.1, attention: 0.2, residual: 0.1 } });
    randomize(model);
    const batch = randomBatch(model.card, 2, 9);
    const step = (keep: 'probabilities' | 'nothing-quadratic') => {
      const { loss, gradients } = accumulate(model, [batch], { dropoutSeed: 5, step: 2, keep });
      const numbers = gradients.map((gradient) => gradient.dataSync());
      tf.dispose(gradients);
      return { loss, numbers };
    };
    expect(step('nothing-quadratic')).toEqual(step('probabilities'));
    model.dispose();
  });

  it('keeps constants for two sequence lengths, frees the oldest, and survives a failing batch', () =>
    leavesNothing(() => {
      const model = new Transformer(variants.llama3!, 1);
      const evaluate = (length: number) => evaluateBatch(model, randomBatch(model.card, 2, length));
      const first = evaluate(3);
      tf.dispose(accumulate(model, [randomBatch(model.card, 2, 3)]).gradients);
      evaluate(4);
      const two = alive();
      for (const length of [5, 6, 3, 4]) evaluate(length);
      expect(alive()).toEqual(two);
      expect(evaluate(3)).toBe(first);
      const wrong = { ...randomBatch(model.card, 2, 3), rows: 5 };
      expect(() => accumulate(model, [randomBatch(model.card, 2, 3), wrong])).toThrow();
      expect(alive()).toEqual(two);
      model.dispose();
    }));
});
