// Reads a growing sequence of tokens and gives the logits after its last one. This one reads the whole sequence again each time.
import { tensor1d, tidy } from '@tensorflow/tfjs-core';
import type { Transformer } from '../architectures/transformer.ts';
import { mark } from '../engine/categories.ts';
import { withScope } from '../engine/scope.ts';
import { slice } from '../kernels/shape.ts';

/** What generation needs of a model: one sequence, read piece by piece. */
export interface Decoder {
  /** Tokens that it can read in all. */
  readonly context: number;
  /** Ids run from 0 to vocabulary − 1. */
  readonly vocabulary: number;
  /**
   * Reads more tokens behind those it has read: the prompt first, then one token at a time.
   * @returns the logits of the token that comes next, [vocabulary]
   */
  read(ids: readonly number[]): Promise<Float32Array>;
  /** Releases what it holds of the sequence; the model stays its owner's. */
  dispose(): void;
}

/** A decoder without a cache: every `read` is a forward pass over all tokens so far. Holds no tensors between reads. */
export function uncachedDecoder(model: Transformer): Decoder {
  const { context, vocabulary } = model.card;
  const sequence: number[] = [];
  return {
    context,
    vocabulary,
    async read(ids) {
      sequence.push(...ids);
      const length = sequence.length;
      if (length > context) throw new RangeError(`A decoder of ${context} tokens was given ${length}.`);
      const last = tidy(() => {
        const ids = mark(tensor1d(sequence, 'int32'), 'batch', 'ids');
        const logits = model.logits({ ids, batch: 1, sequence: length });
        // Only one row is copied from the backend, not the whole [sequence, vocabulary].
        return withScope({ phase: 'sample', module: 'head', term: 'head.logits' }, () =>
          slice(logits, [length - 1, 0], [1, vocabulary]),
        );
      });
      try {
        return await last.data<'float32'>();
      } finally {
        last.dispose();
      }
    },
    dispose() {
      sequence.length = 0;
    },
  };
}
