// The element-wise activations of an MLP: GELU (exact and by tanh) and ReLU. Each saves its input and computes the rest again.
import type { Tensor } from '@tensorflow/tfjs-core';
import { scalar } from '../engine/constants.ts';
import { differentiable } from '../engine/differentiable.ts';
import { add, erf, exp, multiply, relu as reluKernel, sign, square, sub, tanh } from '../kernels/elementwise.ts';

const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

/** tanh(√(2/π)·(x + 0.044715·x³)) and x². */
function tanhInside(x: Tensor): { t: Tensor; squared: Tensor } {
  const squared = square(x);
  const factor = add(multiply(squared, scalar(SQRT_2_OVER_PI * CUBIC)), scalar(SQRT_2_OVER_PI));
  return { t: tanh(multiply(factor, x)), squared };
}

/** GELU in the tanh form of Hendrycks and Gimpel (2016), as GPT-2 has it: 0.5·x·(1 + tanh(√(2/π)(x + 0.044715x³))). */
export function geluTanh(x: Tensor): Tensor {
  return differentiable([x], {
    term: 'mlp.activation',
    forward: (save) => {
      const y = multiply(multiply(x, scalar(0.5)), add(tanhInside(x).t, scalar(1)));
      save(x);
      return y;
    },
    backward: (dy, [x]) => {
      const { t, squared } = tanhInside(x!);
      // d/dx = 0.5(1 + t) + 0.5·x·(1 − t²)·√(2/π)(1 + 3·0.044715·x²)
      const inner = add(multiply(squared, scalar(1.5 * SQRT_2_OVER_PI * CUBIC)), scalar(0.5 * SQRT_2_OVER_PI));
      const slope = multiply(multiply(inner, x!), sub(scalar(1), square(t)));
      const half = add(multiply(t, scalar(0.5)), scalar(0.5));
      return [multiply(dy, add(half, slope))];
    },
  });
}

/** Exact GELU: x·Φ(x) = 0.5·x·(1 + erf(x/√2)). */
export function gelu(x: Tensor): Tensor {
  const probability = (x: Tensor) => multiply(add(erf(multiply(x, scalar(Math.SQRT1_2))), scalar(1)), scalar(0.5));
  return differentiable([x], {
    term: 'mlp.activation',
    forward: (save) => {
      const y = multiply(x, probability(x));
      save(x);
      return y;
    },
    backward: (dy, [x]) => {
      // d/dx = Φ(x) + x·φ(x), φ the normal density
      const density = multiply(exp(multiply(square(x!), scalar(-0.5))), scalar(1 / Math.sqrt(2 * Math.PI)));
      return [multiply(dy, add(probability(x!), multiply(x!, density)))];
    },
  });
}

/** max(x, 0). Saves its output, which is what the next layer saves anyway. */
export function relu(x: Tensor): Tensor {
  return differentiable([x], {
    term: 'mlp.activation',
    forward: (save) => {
      const y = reluKernel(x);
      save(y);
      return y;
    },
    backward: (dy, [y]) => [multiply(dy, sign(y!))],
  });
}
