// Stochastic gradient descent with momentum for one weight, decay added to the gradient as PyTorch's SGD has it.
import { scalar as makeScalar, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { add, multiply, sub } from '../kernels/elementwise.ts';

export interface SgdFactors {
  readonly learningRate: number;
  readonly momentum: number;
  /** 0 for weights that do not decay */
  readonly decay: number;
  readonly gradientScale: number;
}

/** u ← μ·u + (g + decay·w), w ← w − lr·u. Returns [weight, velocity] as new tensors. */
export function sgd(weight: Tensor, gradient: Tensor, velocity: Tensor, factors: SgdFactors): Tensor[] {
  return tidy(() => {
    const times = (x: Tensor, factor: number) => (factor === 1 ? x : multiply(x, makeScalar(factor)));
    const scaled = times(gradient, factors.gradientScale);
    const decayed = factors.decay === 0 ? scaled : add(scaled, times(weight, factors.decay));
    const newVelocity = add(times(velocity, factors.momentum), decayed);
    return [sub(weight, times(newVelocity, factors.learningRate)), newVelocity];
  });
}
