// The loss: mean negative log-likelihood of the labels, with a gradient that needs no one-hot matrix.
import type { Tensor } from '@tensorflow/tfjs-core';
import { scalar } from '../engine/constants.ts';
import { differentiable } from '../engine/differentiable.ts';
import { crossEntropyWithGradient } from '../kernels/cross-entropy.ts';
import { multiply } from '../kernels/elementwise.ts';
import { mean } from '../kernels/reduce.ts';

/**
 * −mean over rows of ln softmax(logits)[label]. Saves softmax − onehot, which the forward pass has at hand; the logits may go.
 * @param logits [rows, vocabulary]
 * @param labels [rows] int32
 * @returns a scalar
 */
export function crossEntropy(logits: Tensor, labels: Tensor): Tensor {
  const rows = logits.shape[0]!;
  return differentiable([logits], {
    term: 'loss.cross-entropy',
    forward: (save) => {
      const { losses, gradient } = crossEntropyWithGradient(logits, labels);
      const loss = mean(losses, 0);
      save(gradient);
      return loss;
    },
    backward: (dy, [gradient]) => [multiply(gradient!, multiply(dy, scalar(1 / rows)))],
  });
}
