// Self-attention with its projections: one fused product for queries, keys and values, one for the output.
import { serialization, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { weightShapes } from '../cards/weights.ts';
import { attention } from '../ops/attention.ts';
import { linear } from '../ops/linear.ts';
import { CardLayer, type CardLayerOptions, callBatched, only } from './card-layer.ts';
import type { Pass } from './pass.ts';

export class Attention extends CardLayer {
  static className = 'Attention';

  constructor(options: CardLayerOptions) {
    super(
      options,
      weightShapes(options.card).filter(({ name }) => name.startsWith(`${options.path}.`)),
    );
  }

  /** [batch·sequence, hidden] → [batch·sequence, hidden] */
  forward(x: Tensor, { batch, sequence, constants, dropout: seed, keep }: Pass): Tensor {
    const { heads, kvHeads, headSize, dropout } = this.card;
    const { mask, rotary } = constants;
    const drop = seed && dropout.attention > 0 ? { dropout: { rate: dropout.attention, seed } } : {};
    return this.within(() =>
      tidy(() => {
        const qkv = linear('attention.qkv', x, this.weight('qkv.weight'), this.optionalWeight('qkv.bias'));
        const settings = { batch, sequence, heads, kvHeads, headSize, mask, keep, ...(rotary && { rotary }), ...drop };
        const mixed = attention(qkv, settings);
        const { weight, bias } = {
          weight: this.weight('projection.weight'),
          bias: this.optionalWeight('projection.bias'),
        };
        return linear('attention.projection', mixed, weight, bias);
      }),
    );
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return callBatched(this.card, only(inputs), (x, pass) => this.forward(x, pass));
  }
}

serialization.registerClass(Attention);
