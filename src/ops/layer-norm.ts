// Layer normalisation over the hidden index (Ba, Kiros and Hinton 2016): zero mean and unit variance per row, then scale and shift.
import type { Tensor } from '@tensorflow/tfjs-core';
import { scalar } from '../engine/constants.ts';
import { differentiable } from '../engine/differentiable.ts';
import { inTerm } from '../engine/scope.ts';
import { add, multiply, rsqrt, square, sub } from '../kernels/elementwise.ts';
import { mean, sum } from '../kernels/reduce.ts';

/**
 * (x − mean) / sqrt(variance + ε) · scale + shift, mean and (biased) variance over the last axis.
 * Saves the normalised rows and one number a row.
 * @param x [rows, hidden]
 * @param scale [hidden]
 * @param shift [hidden] or none
 * @returns [rows, hidden]
 */
export function layerNorm(x: Tensor, scale: Tensor, shift: Tensor | undefined, epsilon: number): Tensor {
  return differentiable(shift ? [x, scale, shift] : [x, scale], {
    term: 'norm.layer',
    forward: (save) => {
      const centred = sub(x, mean(x, 1, true));
      const inverse = rsqrt(add(mean(square(centred), 1, true), scalar(epsilon))); // [rows, 1]
      const normal = multiply(centred, inverse);
      const scaled = multiply(normal, scale);
      const y = shift ? add(scaled, shift) : scaled;
      save(normal, inverse);
      return y;
    },
    backward: (dy, [normal, inverse]) => {
      const [dscale, dshift] = inTerm('norm.layer/dw', () => [sum(multiply(dy, normal!), 0), shift && sum(dy, 0)]);
      const g = multiply(dy, scale);
      const along = multiply(normal!, mean(multiply(g, normal!), 1, true));
      const dx = multiply(sub(sub(g, mean(g, 1, true)), along), inverse!);
      return dshift ? [dx, dscale!, dshift] : [dx, dscale!];
    },
  });
}
