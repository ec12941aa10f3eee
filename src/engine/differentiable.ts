// How an op with a gradient of its own meets tfjs's tape: scopes are captured in forward and entered again in backward.
import { customGrad, engine, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { TermId } from '../terms/vocabulary.ts';
import { currentScope, withScope } from './scope.ts';

/** Keeps tensors for the gradient. Called at most once, as the last thing that can fail: what was kept before a failure would leak. */
export type Save = (...tensors: Tensor[]) => void;

export interface Rule {
  /** The term that the op's kernels belong to unless the op names finer ones itself. */
  readonly term: TermId;
  /** Computes the output. Runs in a tidy: intermediate tensors are disposed. */
  forward(save: Save): Tensor;
  /** The gradients of all inputs, in their order, from the output's gradient and the saved tensors. */
  backward(dy: Tensor, saved: Tensor[]): Tensor[];
}

/**
 * Runs an op so that the tape, where one is being recorded, knows its gradient. Without a tape nothing is saved.
 * @param inputs every tensor that wants a gradient; integer inputs (ids, labels) are passed by closure instead
 */
export function differentiable(inputs: Tensor[], rule: Rule): Tensor {
  return withScope({ term: rule.term }, () => {
    if (!isRecording()) return tidy(() => rule.forward(() => {}));
    const scope = currentScope();
    const op = customGrad((...args: unknown[]) => {
      const save = args.at(-1) as (tensors: Tensor[]) => void;
      return {
        value: rule.forward((...tensors) => save(tensors)),
        gradFunc: (dy: Tensor, saved: Tensor[]) =>
          withScope({ ...scope, phase: 'backward', term: `${scope.term}/dx` }, () => rule.backward(dy, saved)),
      };
    });
    return op(...inputs);
  });
}

/** Whether tfjs records a tape, so that tensors saved now will be released by a backward pass. */
function isRecording(): boolean {
  const { gradientDepth, kernelDepth } = engine().state;
  return gradientDepth > 0 && kernelDepth === 0;
}
