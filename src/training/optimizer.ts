// The optimizer step over all weights: global norm, clip, update one weight after the other; owns the state.
import { keep, type Tensor, tidy, type Variable } from '@tensorflow/tfjs-core';
import { mark } from '../engine/categories.ts';
import { withScope } from '../engine/scope.ts';
import { square } from '../kernels/elementwise.ts';
import { fill } from '../kernels/fill.ts';
import { sum } from '../kernels/reduce.ts';
import { concat, reshape } from '../kernels/shape.ts';
import type { NamedWeight } from '../layers/card-layer.ts';
import { adamw, adamwFactors } from '../ops/adamw.ts';
import { sgd } from '../ops/sgd.ts';

export const OPTIMIZERS = ['adamw', 'sgd'] as const;
export type OptimizerKind = (typeof OPTIMIZERS)[number];

export interface OptimizerSettings {
  readonly kind: OptimizerKind;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** on matrices and embeddings; vectors (biases, norms) do not decay */
  readonly weightDecay: number;
  /** of SGD */
  readonly momentum: number;
}

/** The names of the state tensors that each weight has. */
export const stateNames: Record<OptimizerKind, readonly string[]> = { adamw: ['first', 'second'], sgd: ['velocity'] };

export interface GradientNorms {
  readonly total: number;
  /** in the order of the gradients */
  readonly each: Float32Array;
}

/** The root of the sum of squares over all gradients, and of each. Reads from the backend once. */
export async function gradientNorms(gradients: readonly Tensor[], names: readonly string[]): Promise<GradientNorms> {
  const squares = sumsOfSquares(gradients, names);
  try {
    return normsOf(await squares.data<'float32'>());
  } finally {
    squares.dispose();
  }
}

/** `gradientNorms` for backends that can be read synchronously: all but WebGPU. */
export function gradientNormsSync(gradients: readonly Tensor[], names: readonly string[]): GradientNorms {
  const squares = sumsOfSquares(gradients, names);
  const norms = normsOf(squares.dataSync<'float32'>());
  squares.dispose();
  return norms;
}

/** [gradients]: the sum of squares of each. */
function sumsOfSquares(gradients: readonly Tensor[], names: readonly string[]): Tensor {
  return tidy(() => {
    const sums = gradients.map((gradient, i) =>
      withScope({ phase: 'optimizer', module: names[i]!, term: 'optimizer.clip' }, () =>
        tidy(() =>
          reshape(
            sum(
              square(gradient),
              gradient.shape.map((_, axis) => axis),
            ),
            [1],
          ),
        ),
      ),
    );
    return withScope({ phase: 'optimizer', module: 'optimizer', term: 'optimizer.clip' }, () => concat(sums, 0));
  });
}

function normsOf(squares: Float32Array): GradientNorms {
  let total = 0;
  for (const value of squares) total += value;
  return { total: Math.sqrt(total), each: squares.map(Math.sqrt) };
}

export class Optimizer {
  readonly settings: OptimizerSettings;
  /** updates made so far */
  step = 0;
  private readonly weights: readonly NamedWeight[];
  private readonly state: Map<string, Tensor[]>;

  /** State starts as zeros, on the backend. */
  constructor(weights: readonly NamedWeight[], settings: OptimizerSettings) {
    this.weights = weights;
    this.settings = settings;
    const zeros = ({ name, shape }: NamedWeight) =>
      stateNames[settings.kind].map(() => asState(fill([...shape], 0), name));
    this.state = new Map(weights.map((weight) => [weight.name, zeros(weight)]));
  }

  /**
   * One update of every weight. Disposes the gradients, each as soon as it was used.
   * @param gradients in the order of the weights
   * @param gradientScale what all gradients are multiplied by: the clip, 1 over the accumulated micro-batches
   */
  apply(gradients: readonly Tensor[], learningRate: number, gradientScale = 1): void {
    this.step++;
    const term = `optimizer.${this.settings.kind}`;
    this.weights.forEach((weight, i) => {
      const gradient = gradients[i]!;
      withScope({ phase: 'optimizer', module: weight.name, term }, () =>
        this.update(weight, gradient, learningRate, gradientScale),
      );
      gradient.dispose();
    });
  }

  private update(weight: NamedWeight, gradient: Tensor, learningRate: number, gradientScale: number): void {
    const old = this.state.get(weight.name)!;
    const { settings } = this;
    let updated: Tensor[];
    if (settings.kind === 'adamw') {
      const factors = adamwFactors({ ...settings, learningRate }, this.step, weight.decay, gradientScale);
      updated = adamw({ weight: weight.variable, gradient, first: old[0]!, second: old[1]! }, factors);
    } else {
      const decay = weight.decay ? settings.weightDecay : 0;
      const factors = { learningRate, momentum: settings.momentum, decay, gradientScale };
      updated = sgd(weight.variable, gradient, old[0]!, factors);
    }
    const [newWeight, ...newState] = updated;
    assign(weight.variable, newWeight!);
    for (const tensor of old) tensor.dispose();
    this.state.set(
      weight.name,
      newState.map((tensor) => asState(tensor, weight.name)),
    );
  }

  /** The state as named tensors: `blocks.0.mlp.up.weight.first` … in the order of the weights. */
  stateTensors(): { name: string; tensor: Tensor }[] {
    const names = stateNames[this.settings.kind];
    return [...this.state].flatMap(([weight, tensors]) =>
      tensors.map((tensor, i) => ({ name: `${weight}.${names[i]}`, tensor })),
    );
  }

  /** Replaces one state tensor by name; the old one is disposed, the new one is owned from now on. */
  setState(name: string, tensor: Tensor): void {
    for (const [weight, tensors] of this.state) {
      const index = stateNames[this.settings.kind].findIndex((part) => name === `${weight}.${part}`);
      if (index < 0) continue;
      tensors[index]!.dispose();
      tensors[index] = asState(tensor, weight);
      return;
    }
    throw new Error(`The optimizer has no state '${name}'.`);
  }

  dispose(): void {
    for (const tensors of this.state.values()) for (const tensor of tensors) tensor.dispose();
    this.state.clear();
  }
}

/** A tensor that outlives every tidy, as state of the weight of that name. */
const asState = (tensor: Tensor, weight: string): Tensor => mark(keep(tensor), 'optimizer', weight);

/** Gives a variable the memory of a tensor, which is disposed: no copy. */
export function assign(variable: Variable, tensor: Tensor): void {
  variable.assign(tensor as never);
  tensor.dispose();
}
