// Root-mean-square normalisation (Zhang and Sennrich 2019): no mean is subtracted and nothing is shifted.
import type { Tensor } from '@tensorflow/tfjs-core';
import { scalar } from '../engine/constants.ts';
import { differentiable } from '../engine/differentiable.ts';
import { inTerm } from '../engine/scope.ts';
import { add, multiply, rsqrt, square, sub } from '../kernels/elementwise.ts';
import { mean, sum } from '../kernels/reduce.ts';

/**
 * x / sqrt(mean(x²) + ε) · scale, the mean over the last axis. Saves the normalised rows and one number a row.
 * @param x [rows, hidden]
 * @param scale [hidden]
 * @returns [rows, hidden]
 */
export function rmsNorm(x: Tensor, scale: Tensor, epsilon: number): Tensor {
  return differentiable([x, scale], {
    term: 'norm.rms',
    forward: (save) => {
      const inverse = rsqrt(add(mean(square(x), 1, true), scalar(epsilon))); // [rows, 1]
      const normal = multiply(x, inverse);
      const y = multiply(normal, scale);
      save(normal, inverse);
      return y;
    },
    backward: (dy, [normal, inverse]) => {
      const dscale = inTerm('norm.rms/dw', () => sum(multiply(dy, normal!), 0));
      const g = multiply(dy, scale);
      const along = multiply(normal!, mean(multiply(g, normal!), 1, true));
      return [multiply(sub(g, along), inverse!), dscale];
    },
  });
}
