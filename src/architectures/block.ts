// One transformer block. GPT, LLaMA-3 and MQA models differ in the card's fields, not in this figure.
import { serialization, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import { inModule } from '../engine/scope.ts';
import { Attention } from '../layers/attention.ts';
import { CardLayer, type CardLayerOptions, callBatched, type NamedWeight, only } from '../layers/card-layer.ts';
import { Mlp } from '../layers/mlp.ts';
import { Norm } from '../layers/norm.ts';
import type { Pass } from '../layers/pass.ts';
import { dropout } from '../ops/dropout.ts';
import { residual } from '../ops/residual.ts';

/**
 * The block that `blocks.N` of a model is. What makes the families:
 *
 * |            | GPT                | LLaMA-3                   | MQA (StarCoder)    |
 * |------------|--------------------|---------------------------|--------------------|
 * | norm       | layer norm         | RMS norm                  | layer norm         |
 * | positions  | learned, added once| rotary, inside attention  | learned            |
 * | attention  | kvHeads = heads    | kvHeads < heads (GQA)     | kvHeads = 1        |
 * | mlp        | GELU, 4·hidden     | SwiGLU, about 8/3·hidden  | GELU, 4·hidden     |
 * | biases     | everywhere         | nowhere                   | everywhere         |
 */
export class Block extends CardLayer {
  static className = 'Block';

  private readonly norm1: Norm;
  private readonly attention: Attention;
  private readonly norm2: Norm;
  private readonly mlp: Mlp;

  constructor(options: CardLayerOptions) {
    super(options, []);
    const part = (name: string): CardLayerOptions => ({ ...options, path: `${options.path}.${name}` });
    this.norm1 = new Norm(part('norm1'));
    this.attention = new Attention(part('attention'));
    // A parallel block may feed attention and MLP from one norm (Falcon-7B); Falcon-40B has two.
    this.norm2 = options.card.norm.perBlock === 2 ? new Norm(part('norm2')) : this.norm1;
    this.mlp = new Mlp(part('mlp'));
  }

  /** [batch·sequence, hidden] → [batch·sequence, hidden] */
  forward(x: Tensor, pass: Pass): Tensor {
    const { norm1, attention, norm2, mlp } = this;
    const drop = (branch: 'attention' | 'mlp', y: Tensor) => this.drop(branch, y, pass);
    const add = (x: Tensor, y: Tensor) => this.within(() => residual(x, y));
    return tidy(() => {
      if (this.card.layout === 'parallel') {
        const forAttention = norm1.forward(x);
        const forMlp = norm2 === norm1 ? forAttention : norm2.forward(x);
        const attended = add(x, drop('attention', attention.forward(forAttention, pass)));
        return add(attended, drop('mlp', mlp.forward(forMlp)));
      }
      if (this.card.norm.placement === 'post') {
        const y = norm1.forward(add(x, drop('attention', attention.forward(x, pass))));
        return norm2.forward(add(y, drop('mlp', mlp.forward(y))));
      }
      const y = tidy(() => add(x, drop('attention', attention.forward(norm1.forward(x), pass))));
      return add(y, drop('mlp', mlp.forward(norm2.forward(y))));
    });
  }

  /** Dropout on a branch before it joins the residual stream; each branch has a mask of its own. */
  private drop(branch: string, y: Tensor, { dropout: seed }: Pass): Tensor {
    return this.within(() => inModule(branch, () => dropout('dropout.residual', y, this.card.dropout.residual, seed)));
  }

  private get parts(): CardLayer[] {
    const { norm1, attention, norm2, mlp } = this;
    return norm1 === norm2 ? [norm1, attention, mlp] : [norm1, attention, norm2, mlp];
  }

  override namedWeights(): NamedWeight[] {
    return this.parts.flatMap((part) => part.namedWeights());
  }

  /** tf.layers does not look into layers of layers by itself. */
  override get trainableWeights(): LayerVariable[] {
    return this.parts.flatMap((part) => part.trainableWeights);
  }

  override get weights(): LayerVariable[] {
    return this.trainableWeights;
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return callBatched(this.card, only(inputs), (x, pass) => this.forward(x, pass));
  }
}

serialization.registerClass(Block);
