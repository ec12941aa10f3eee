// The base of our tf.layers: a layer whose weights are those that a model card lists under the layer's module path.

import { type serialization, type Tensor, tidy, type Variable } from '@tensorflow/tfjs-core';
import { layers, type Shape, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { type ModelCard, resolveModelCard } from '../cards/model-card.ts';
import type { WeightShape } from '../cards/weights.ts';
import { randomNormal } from '../engine/random-kernels.ts';
import { inModule } from '../engine/scope.ts';
import { fill } from '../kernels/fill.ts';
import { reshape } from '../kernels/shape.ts';
import { makeConstants, type Pass } from './pass.ts';

export interface CardLayerOptions {
  readonly card: ModelCard;
  /** Our module path, `blocks.3.attention`; tf.layers' own names grow suffixes and are never used. */
  readonly path: string;
  /** Seeds the initial weights. Left out: zeros and ones, for weights that are loaded next. */
  readonly seed?: number;
}

/** A weight with the name that files, reports and optimizers know it by. */
export interface NamedWeight extends WeightShape {
  readonly variable: Variable;
}

export abstract class CardLayer extends layers.Layer {
  protected readonly card: ModelCard;
  protected readonly path: string;
  private readonly seed: number | undefined;
  private readonly named = new Map<string, NamedWeight>();

  /** @param shapes the weights that this layer owns */
  constructor({ card, path, seed }: CardLayerOptions, shapes: readonly WeightShape[]) {
    super({ name: path });
    this.card = card;
    this.path = path;
    this.seed = seed;
    tidy(() => {
      for (const shape of shapes) this.createWeight(shape);
    });
    this.built = true;
    // tf.layers counts the models that use a layer and frees its weights after the last; who made the layer counts too.
    this._refCount = 1;
  }

  private createWeight(shape: WeightShape): void {
    const initializer = { apply: () => initialValue(this.card, shape, this.seed) };
    const { name } = shape;
    const weight = this.addWeight(name, [...shape.shape], 'float32', initializer as never);
    this.named.set(name, { ...shape, variable: weight.read() as Variable });
  }

  /** This layer's weights, in the card's order. */
  namedWeights(): NamedWeight[] {
    return [...this.named.values()];
  }

  /** The weight `path.name`. */
  protected weight(name: string): Variable {
    return this.named.get(`${this.path}.${name}`)!.variable;
  }

  /** The weight `path.name`, or undefined where the card has none (biases, shifts). */
  protected optionalWeight(name: string): Variable | undefined {
    return this.named.get(`${this.path}.${name}`)?.variable;
  }

  /** Runs `body` as work of this layer. */
  protected within<T>(body: () => T): T {
    return inModule(this.path, body);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    return inputShape;
  }

  /** The card travels as text under `name`, the one key whose text tf.layers does not rewrite from camelCase to snake_case. */
  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), card: { name: JSON.stringify(this.card) }, path: this.path };
  }

  /** The layer that `getConfig` described, its weights zeros and ones; it belongs to the model that is being loaded. */
  static override fromConfig<T extends serialization.Serializable>(
    cls: serialization.SerializableConstructor<T>,
    config: serialization.ConfigDict,
  ): T {
    const { card, path } = config as { card: { name: string }; path: string };
    const layer = new cls({ card: resolveModelCard(JSON.parse(card.name)), path } as never);
    (layer as unknown as CardLayer)._refCount = null;
    return layer;
  }
}

/** Zeros for shifts and biases, ones for scales, and normal numbers for matrices: N(0, deviation²), as GPT-2 and LLaMA start. */
function initialValue(
  { initialization, layers: depth }: ModelCard,
  { name, shape }: WeightShape,
  seed?: number,
): Tensor {
  if (name.endsWith('.scale')) return fill([...shape], 1);
  if (shape.length === 1 || seed === undefined) return fill([...shape], 0);
  // GPT-2 divides by √(2L): 2L branches add up in the residual stream (Radford et al. 2019, section 2.3).
  const onResidual = /\.(projection|down)\.weight$/.test(name) && initialization.residualScaling;
  const deviation = initialization.deviation / (onResidual ? Math.sqrt(2 * depth) : 1);
  return randomNormal([...shape], deviation, seed, name);
}

/** Runs a layer on a batched input [batch, sequence, …] as `tf.layers` calls it: evaluation, constants made on the spot. */
export function callBatched(card: ModelCard, input: Tensor, run: (rows: Tensor, pass: Pass) => Tensor): Tensor {
  const [batch, sequence, ...rest] = input.shape as [number, number, ...number[]];
  return tidy(() => {
    const pass: Pass = { batch, sequence, constants: makeConstants(card, sequence), keep: 'nothing-quadratic' };
    const rows = run(reshape(input, [batch * sequence, ...rest]), pass);
    return reshape(rows, [batch, sequence, ...rows.shape.slice(1)]);
  });
}

/** tf.layers hands over one tensor or a list of one. */
export const only = <T extends Tensor | SymbolicTensor>(inputs: T | T[]): T =>
  Array.isArray(inputs) ? inputs[0]! : inputs;
