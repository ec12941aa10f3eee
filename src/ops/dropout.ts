// Dropout (Srivastava et al. 2014), inverted, with a seeded mask: the same seed, step and stream drop the same elements again.
import type { Tensor } from '@tensorflow/tfjs-core';
import { scalar } from '../engine/constants.ts';
import { differentiable } from '../engine/differentiable.ts';
import { type DropoutSeed, dropoutMask, keepProbability } from '../engine/random-kernels.ts';
import { currentScope } from '../engine/scope.ts';
import { multiply } from '../kernels/elementwise.ts';
import { cast } from '../kernels/shape.ts';

/** x with the masked elements set to zero and the others divided by the probability of keeping them. */
export function applyMask(x: Tensor, mask: Tensor, rate: number): Tensor {
  return multiply(multiply(x, cast(mask, 'float32')), scalar(1 / keepProbability(rate)));
}

/**
 * Dropout on `x`, or `x` itself where the rate is 0 or no seed is given (evaluation). Saves the mask, one byte an element.
 * The mask's stream is the module path, so that layers drop independently.
 */
export function dropout(
  term: 'dropout.embedding' | 'dropout.residual',
  x: Tensor,
  rate: number,
  seed: DropoutSeed | undefined,
): Tensor {
  if (rate === 0 || !seed) return x;
  return differentiable([x], {
    term,
    forward: (save) => {
      const mask = dropoutMask(x.shape, rate, seed, `${currentScope().module}/${term}`);
      const y = applyMask(x, mask, rate);
      save(mask);
      return y;
    },
    backward: (dy, [mask]) => [applyMask(dy, mask!, rate)],
  });
}
