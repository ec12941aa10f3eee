// A norm with its scale and, for a layer norm, its shift.
import { serialization, type Tensor } from '@tensorflow/tfjs-core';
import { weightShapes } from '../cards/weights.ts';
import { layerNorm } from '../ops/layer-norm.ts';
import { rmsNorm } from '../ops/rms-norm.ts';
import { CardLayer, type CardLayerOptions, callBatched, only } from './card-layer.ts';

export class Norm extends CardLayer {
  static className = 'Norm';

  constructor(options: CardLayerOptions) {
    super(
      options,
      weightShapes(options.card).filter(({ name }) =>
        [`${options.path}.scale`, `${options.path}.shift`].includes(name),
      ),
    );
  }

  /** [rows, hidden] → [rows, hidden] */
  forward(x: Tensor): Tensor {
    const { kind, epsilon } = this.card.norm;
    return this.within(() =>
      kind === 'rms'
        ? rmsNorm(x, this.weight('scale'), epsilon)
        : layerNorm(x, this.weight('scale'), this.optionalWeight('shift'), epsilon),
    );
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return callBatched(this.card, only(inputs), (x) => this.forward(x));
  }
}

serialization.registerClass(Norm);
