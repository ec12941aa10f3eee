// The validation loss: the mean over fixed windows, weighted by their tokens, so that any batch size gives the same number.
import type { Transformer } from '../architectures/transformer.ts';
import { type Batch, evaluationBatches } from '../data/batches.ts';
import type { TokenArray } from '../data/corpus-cache.ts';
import { batchLoss, readLosses } from './step.ts';

export interface EvaluationOptions {
  readonly batch: number;
  readonly sequence: number;
  /** at most so many windows, spread over the split; all of it where left out */
  readonly windows?: number;
  /** lets other work happen between two batches: signals, drawing */
  readonly breathe?: () => Promise<void>;
  /** ends the evaluation early with what was measured so far */
  readonly cancelled?: () => boolean;
}

/** Mean negative log-likelihood in nats per token over the evaluation windows of `tokens`. */
export async function evaluate(model: Transformer, tokens: TokenArray, options: EvaluationOptions): Promise<number> {
  let nats = 0;
  let count = 0;
  for (const batch of evaluationBatches(tokens, options.batch, options.sequence, options.windows)) {
    const size = tokensIn(batch);
    nats += (await readLosses([batchLoss(model, batch)])) * size;
    count += size;
    await options.breathe?.();
    if (options.cancelled?.()) break;
  }
  return nats / count;
}

const tokensIn = ({ rows, length }: Batch): number => rows * length;
