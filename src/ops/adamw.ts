// AdamW (Loshchilov and Hutter 2019) for one weight: decoupled decay, bias-corrected moments, one weight's temporaries at a time.
import { scalar as makeScalar, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { type AdamWFactors, adamwKernel, adamwUpdate } from '../kernels/adamw.ts';
import { add, divide, multiply, sqrt, square, sub } from '../kernels/elementwise.ts';
import { canRun } from '../kernels/run.ts';

export interface AdamWSettings {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

/**
 * The numbers of update `step` (counted from 1), as PyTorch's AdamW has them:
 * w ← w·(1 − lr·decay) − lr/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + ε).
 */
export function adamwFactors(settings: AdamWSettings, step: number, decays: boolean, gradientScale = 1): AdamWFactors {
  const { learningRate, beta1, beta2, epsilon, weightDecay } = settings;
  return {
    beta1,
    beta2,
    epsilon,
    keep: decays ? 1 - learningRate * weightDecay : 1,
    stepSize: learningRate / (1 - beta1 ** step),
    secondScale: 1 / Math.sqrt(1 - beta2 ** step),
    gradientScale,
  };
}

export interface AdamWTensors {
  readonly weight: Tensor;
  readonly gradient: Tensor;
  /** running mean of gradients */
  readonly first: Tensor;
  /** running mean of squared gradients */
  readonly second: Tensor;
}

/** The weight and both moments after one update, as new tensors of the same shape: [weight, first, second]. */
export function adamw(tensors: AdamWTensors, factors: AdamWFactors): Tensor[] {
  if (canRun(adamwKernel)) return adamwUpdate({ ...tensors }, factors);
  return tidy(() => {
    const { beta1, beta2, epsilon, keep, stepSize, secondScale, gradientScale } = factors;
    const times = (x: Tensor, factor: number) => (factor === 1 ? x : multiply(x, makeScalar(factor)));
    const gradient = times(tensors.gradient, gradientScale);
    const first = add(tensors.first, times(sub(gradient, tensors.first), 1 - beta1));
    const second = add(times(tensors.second, beta2), times(square(gradient), 1 - beta2));
    const denominator = add(times(sqrt(second), secondScale), makeScalar(epsilon));
    const change = times(divide(first, denominator), stepSize);
    return [sub(times(tensors.weight, keep), change), first, second];
  });
}
