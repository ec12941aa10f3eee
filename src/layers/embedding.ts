// Token embedding and positions: ids become rows of the hidden size.
import { serialization, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { Shape } from '@tensorflow/tfjs-layers';
import { weightShapes } from '../cards/weights.ts';
import { dropout } from '../ops/dropout.ts';
import { fixedPositions, positionEmbedding, tokenEmbedding } from '../ops/embedding.ts';
import { CardLayer, type CardLayerOptions, callBatched, only } from './card-layer.ts';
import type { Pass } from './pass.ts';

export class Embedding extends CardLayer {
  /** tf.layers has an Embedding of its own, and finds classes by this name when it loads a model. */
  static className = 'TokenEmbedding';

  constructor(options: CardLayerOptions) {
    super(
      options,
      weightShapes(options.card).filter(({ name }) => name.startsWith('embedding.')),
    );
  }

  /** The token table [vocabulary, hidden]; a tied head multiplies by it. */
  get table(): Tensor {
    return this.weight('token');
  }

  /** @param ids [batch·sequence] int32 → [batch·sequence, hidden] */
  forward(ids: Tensor, { sequence, constants, dropout: seed }: Pass): Tensor {
    return this.within(() =>
      tidy(() => {
        const tokens = tokenEmbedding(this.table, ids);
        const learned = this.optionalWeight('position');
        let x = tokens;
        if (learned) x = positionEmbedding(tokens, learned, sequence, 0);
        if (constants.sinusoidal) x = fixedPositions(tokens, constants.sinusoidal);
        return dropout('dropout.embedding', x, this.card.dropout.embedding, seed);
      }),
    );
  }

  /** [batch, sequence] → the rows [batch, sequence, hidden], and the table for a tied head. */
  override call(inputs: Tensor | Tensor[]): Tensor[] {
    return [callBatched(this.card, only(inputs), (ids, pass) => this.forward(ids, pass)), this.table.clone()];
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape[] {
    const { hidden, vocabulary } = this.card;
    return [
      [...(inputShape as Shape), hidden],
      [vocabulary, hidden],
    ];
  }
}

serialization.registerClass(Embedding);
