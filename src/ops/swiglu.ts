// SwiGLU (Shazeer 2020): silu(gate) · up, the gated activation of LLaMA's MLP.
import type { Tensor } from '@tensorflow/tfjs-core';
import { scalar } from '../engine/constants.ts';
import { differentiable } from '../engine/differentiable.ts';
import { add, multiply, sigmoid, sub } from '../kernels/elementwise.ts';

/**
 * gate·σ(gate)·up. Saves gate and up; σ is computed again in backward.
 * @param gate [rows, width]
 * @param up [rows, width]
 * @returns [rows, width]
 */
export function swiglu(gate: Tensor, up: Tensor): Tensor {
  return differentiable([gate, up], {
    term: 'mlp.activation',
    forward: (save) => {
      const y = multiply(multiply(gate, sigmoid(gate)), up);
      save(gate, up);
      return y;
    },
    backward: (dy, [gate, up]) => {
      const s = sigmoid(gate!);
      const silu = multiply(gate!, s);
      // silu′ = σ + silu·(1 − σ)
      const slope = add(s, multiply(silu, sub(scalar(1), s)));
      return [multiply(multiply(dy, up!), slope), multiply(dy, silu)];
    },
  });
}
