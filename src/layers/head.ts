// The head: hidden rows to logits, by a matrix of its own or, tied, by the token table.
import { serialization, type Tensor } from '@tensorflow/tfjs-core';
import type { Shape } from '@tensorflow/tfjs-layers';
import { weightShapes } from '../cards/weights.ts';
import { linear } from '../ops/linear.ts';
import { CardLayer, type CardLayerOptions, callBatched } from './card-layer.ts';

export class Head extends CardLayer {
  static className = 'Head';

  constructor(options: CardLayerOptions) {
    super(
      options,
      weightShapes(options.card).filter(({ name }) => name.startsWith('head.')),
    );
  }

  /**
   * @param x [rows, hidden]
   * @param table the token table [vocabulary, hidden], used where head and embedding are tied
   * @returns logits [rows, vocabulary]
   */
  forward(x: Tensor, table: Tensor): Tensor {
    const matrix = this.card.tied ? table : this.weight('weight');
    return this.within(() => linear('head.logits', x, matrix, this.optionalWeight('bias'), true));
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const [x, table] = inputs as [Tensor, Tensor];
    return callBatched(this.card, x, (rows) => this.forward(rows, table));
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [rows] = inputShape as Shape[];
    return [...rows!.slice(0, -1), this.card.vocabulary];
  }
}

serialization.registerClass(Head);
