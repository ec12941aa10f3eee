// Layers own the weights that their card lists, compute batched what they compute in rows, and describe themselves.
import * as tf from '@tensorflow/tfjs-core';
import type { layers } from '@tensorflow/tfjs-layers';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Block } from '../../src/architectures/block.ts';
import { Transformer } from '../../src/architectures/transformer.ts';
import type { ModelCard } from '../../src/cards/model-card.ts';
import { weightShapes } from '../../src/cards/weights.ts';
import { normalArray } from '../../src/engine/random.ts';
import { Attention } from '../../src/layers/attention.ts';
import type { CardLayer, CardLayerOptions } from '../../src/layers/card-layer.ts';
import { Embedding } from '../../src/layers/embedding.ts';
import { Head } from '../../src/layers/head.ts';
import { Mlp } from '../../src/layers/mlp.ts';
import { Norm } from '../../src/layers/norm.ts';
import { disposeConstants, makeConstants, type Pass } from '../../src/layers/pass.ts';
import { leavesNothing, onFastBackend } from '../support/backend.ts';
import { anyCard } from '../support/cards.ts';
import { variants } from '../support/models.ts';

const [batch, sequence] = [2, 5];
const at = (card: ModelCard, path: string): CardLayerOptions => ({ card, path, seed: 1 });

/** Runs `body` with the constants of a pass. */
function withPass(card: ModelCard, body: (pass: Pass) => void): void {
  const constants = makeConstants(card, sequence);
  body({ batch, sequence, constants, keep: 'nothing-quadratic' });
  disposeConstants(constants);
}

const hiddenRows = ({ hidden }: ModelCard) =>
  tf.tensor2d(normalArray(2, 'x', batch * sequence * hidden, 1), [batch * sequence, hidden]);

/** A layer that maps rows to rows, called in rows and as tf.layers calls it. */
const rowLayers: Record<string, (card: ModelCard) => CardLayer & { forward(x: tf.Tensor, pass: Pass): tf.Tensor }> = {
  Norm: (card) => new Norm(at(card, 'blocks.0.norm1')),
  Attention: (card) => new Attention(at(card, 'blocks.0.attention')),
  Mlp: (card) => new Mlp(at(card, 'blocks.0.mlp')),
  Block: (card) => new Block(at(card, 'blocks.0')),
};

onFastBackend(() => {
  it('a model’s weights are those of its card: names, order, shapes, groups', () =>
    leavesNothing(() => {
      fc.assert(
        fc.property(anyCard, (card) => {
          const model = new Transformer(card);
          const weights = model.namedWeights().map(({ variable, ...weight }) => {
            expect(variable.shape, weight.name).toEqual(weight.shape);
            return weight;
          });
          expect(weights).toEqual(weightShapes(card));
          expect(model.variables()).toEqual(model.namedWeights().map(({ variable }) => variable));
          model.dispose();
        }),
        { numRuns: 12, seed: 5 },
      );
    }));

  it.each(Object.keys(rowLayers))('%s: called batched and eagerly, equals its rows', (name) =>
    leavesNothing(() => {
      for (const card of [variants.gpt!, variants.llama3!, variants['parallel with one norm, untied']!]) {
        const layer = rowLayers[name]!(card);
        withPass(card, (pass) =>
          tf.tidy(() => {
            const x = hiddenRows(card);
            const rows = layer.forward(x, pass);
            const batched = layer.apply(tf.reshape(x, [batch, sequence, card.hidden])) as tf.Tensor;
            expect(batched.shape).toEqual([batch, sequence, card.hidden]);
            expect(batched.dataSync()).toEqual(rows.dataSync());
            expect(rows.dataSync()).not.toEqual(x.dataSync());
            expect(layer.computeOutputShape([null, null, card.hidden])).toEqual([null, null, card.hidden]);
          }),
        );
        layer.dispose();
      }
    }),
  );

  it.each([true, false])('embedding and head, tied: %s', (tied) =>
    leavesNothing(() => {
      const card = { ...variants.gpt!, tied };
      const [embedding, head] = [new Embedding(at(card, 'embedding')), new Head(at(card, 'head'))];
      withPass(card, (pass) =>
        tf.tidy(() => {
          const ids = tf.tensor2d(
            [
              [1, 2, 3, 4, 5],
              [22, 0, 1, 2, 3],
            ],
            [batch, sequence],
            'int32',
          );
          const rows = embedding.forward(tf.reshape(ids, [10]), pass);
          const [batched, table] = embedding.apply(ids) as tf.Tensor[];
          expect(batched!.shape).toEqual([batch, sequence, card.hidden]);
          expect(batched!.dataSync()).toEqual(rows.dataSync());
          expect(table!.dataSync()).toEqual(embedding.table.dataSync());
          const logits = head.apply([batched!, table!]) as tf.Tensor;
          expect(logits.shape).toEqual([batch, sequence, card.vocabulary]);
          expect(logits.dataSync()).toEqual(head.forward(rows, embedding.table).dataSync());
          const shapes = embedding.computeOutputShape([null, null]);
          expect(shapes).toEqual([
            [null, null, card.hidden],
            [card.vocabulary, card.hidden],
          ]);
          expect(head.computeOutputShape(shapes)).toEqual([null, null, card.vocabulary]);
        }),
      );
      expect(head.namedWeights().map(({ name }) => name)).toEqual(tied ? [] : ['head.weight']);
      embedding.dispose();
      head.dispose();
    }),
  );

  it('weights have tf.layers’ variables, trainable, under the card’s names', () => {
    const block = new Block(at(variants.gpt!, 'blocks.1'));
    const variables = block.trainableWeights as (layers.Layer['weights'][number] & { originalName: string })[];
    const names = block.namedWeights().map(({ name }) => name);
    expect(names[0]).toBe('blocks.1.norm1.scale');
    expect(variables.map(({ originalName }) => originalName)).toEqual(names);
    expect(block.weights).toEqual(variables);
    expect(block.countParams()).toBe(block.namedWeights().reduce((sum, { variable }) => sum + variable.size, 0));
    block.dispose();
  });

  it('constants: what the positions of a card need, no more', () =>
    leavesNothing(() => {
      const kinds = {
        gpt: ['mask'],
        llama3: ['mask', 'rotary'],
        'post-norm, sinusoidal, relu': ['mask', 'sinusoidal'],
      };
      for (const [name, keys] of Object.entries(kinds)) {
        const constants = makeConstants(variants[name]!, 3);
        expect(Object.keys(constants).sort()).toEqual(keys);
        const above = -1e9;
        expect([...constants.mask.dataSync()]).toEqual([0, above, above, 0, 0, above, 0, 0, 0]);
        disposeConstants(constants);
      }
    }));
});
