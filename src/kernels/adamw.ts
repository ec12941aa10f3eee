// One AdamW update of one weight as a single kernel, on the backends where a loop of ours is faster than a dozen passes.
import type { NamedAttrMap, Tensor, TypedArray } from '@tensorflow/tfjs-core';
import { declareKernel, sizeOf, type TensorSpec } from './declaration.ts';
import { hostKernel } from './host.ts';
import { runAll } from './run.ts';

/** The numbers of one update, all biases corrected; see `ops/adamw.ts`. */
export interface AdamWFactors {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** 1 − learningRate·weightDecay: what is left of the weight before the step */
  readonly keep: number;
  /** learningRate / (1 − beta1^t) */
  readonly stepSize: number;
  /** 1 / √(1 − beta2^t) */
  readonly secondScale: number;
  /** what the gradient is multiplied by first: the clip */
  readonly gradientScale: number;
}

function update(inputs: TypedArray[], outputs: TypedArray[], attributes: NamedAttrMap): void {
  const [weight, gradient, first, second] = inputs as [TypedArray, TypedArray, TypedArray, TypedArray];
  const [newWeight, newFirst, newSecond] = outputs as [TypedArray, TypedArray, TypedArray];
  const { beta1, beta2, epsilon, keep, stepSize, secondScale, gradientScale } = attributes as unknown as AdamWFactors;
  for (let i = 0; i < weight.length; i++) {
    const g = gradient[i]! * gradientScale;
    const m = first[i]! + (g - first[i]!) * (1 - beta1);
    const v = second[i]! * beta2 + g * g * (1 - beta2);
    newFirst[i] = m;
    newSecond[i] = v;
    newWeight[i] = weight[i]! * keep - (stepSize * m) / (Math.sqrt(v) * secondScale + epsilon);
  }
}

const names = ['weight', 'gradient', 'first', 'second'] as const;

export const adamwKernel = declareKernel({
  name: 'AdamW',
  inputs: names,
  outputs: ({ inputs: [weight] }): TensorSpec[] => [weight!, weight!, weight!],
  // Scale; three for the first moment, four for the second; seven for the weight.
  flops: ({ inputs: [weight] }) => 15n * BigInt(sizeOf(weight!.shape)),
  own: hostKernel(
    names,
    ([weight]) => [0, 1, 2].map(() => ({ shape: [...weight!.shape], dtype: 'float32' as const })),
    update,
  ),
});

/** The new weight and moments; the old ones stay as they are. All tensors have one shape. */
export function adamwUpdate(
  inputs: { weight: Tensor; gradient: Tensor; first: Tensor; second: Tensor },
  factors: AdamWFactors,
): Tensor[] {
  return runAll(adamwKernel, inputs, factors as unknown as NamedAttrMap);
}
