// The MLP of a block: up, activation, down; with SwiGLU a gate beside up.
import { serialization, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { weightShapes } from '../cards/weights.ts';
import { gelu, geluTanh, relu } from '../ops/activation.ts';
import { linear } from '../ops/linear.ts';
import { swiglu } from '../ops/swiglu.ts';
import { CardLayer, type CardLayerOptions, callBatched, only } from './card-layer.ts';

const activations = { gelu, 'gelu-tanh': geluTanh, relu };

export class Mlp extends CardLayer {
  static className = 'Mlp';

  constructor(options: CardLayerOptions) {
    super(
      options,
      weightShapes(options.card).filter(({ name }) => name.startsWith(`${options.path}.`)),
    );
  }

  private project(name: 'up' | 'gate' | 'down', x: Tensor): Tensor {
    return linear(`mlp.${name}`, x, this.weight(`${name}.weight`), this.optionalWeight(`${name}.bias`));
  }

  /** [rows, hidden] → [rows, hidden] */
  forward(x: Tensor): Tensor {
    const { kind } = this.card.mlp;
    return this.within(() =>
      tidy(() => {
        const up = this.project('up', x);
        const active = kind === 'swiglu' ? swiglu(this.project('gate', x), up) : activations[kind](up);
        return this.project('down', active);
      }),
    );
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return callBatched(this.card, only(inputs), (x) => this.forward(x));
  }
}

serialization.registerClass(Mlp);
