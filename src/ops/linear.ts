// A linear layer: y = x·W + b, with the two matrix products of its gradient.
import type { Tensor } from '@tensorflow/tfjs-core';
import { differentiable } from '../engine/differentiable.ts';
import { inTerm } from '../engine/scope.ts';
import { add } from '../kernels/elementwise.ts';
import { matMul } from '../kernels/matmul.ts';
import { sum } from '../kernels/reduce.ts';
import type { ForwardTerm } from '../terms/vocabulary.ts';

/**
 * x·W + b. Saves x only: weights outlive the backward pass.
 * @param x [rows, in]
 * @param weight [in, out], or [out, in] where `transposed` says so (a tied head multiplies by the embedding's rows)
 * @param bias [out] or none
 * @returns [rows, out]
 */
export function linear(term: ForwardTerm, x: Tensor, weight: Tensor, bias?: Tensor, transposed = false): Tensor {
  return differentiable(bias ? [x, weight, bias] : [x, weight], {
    term,
    forward: (save) => {
      const product = matMul(x, weight, false, transposed);
      const y = bias ? add(product, bias) : product;
      save(x);
      return y;
    },
    backward: (dy, [x]) => {
      const dx = matMul(dy, weight, false, !transposed);
      return inTerm(`${term}/dw`, () => {
        // ∂L/∂W = xᵀ·dy is [in, out]; its transpose is dyᵀ·x.
        const dw = transposed ? matMul(dy, x!, true, false) : matMul(x!, dy, true, false);
        return bias ? [dx, dw, sum(dy, 0)] : [dx, dw];
      });
    },
  });
}
