// The heart of training: loss and gradients of one batch, in micro-batches if asked, and the update.
import { dispose, type Tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';
import type { Transformer } from '../architectures/transformer.ts';
import type { Batch } from '../data/batches.ts';
import { type ValueAndGradients, valueAndGradients } from '../engine/backward.ts';
import { belongingOf, mark } from '../engine/categories.ts';
import type { DropoutSeed } from '../engine/random-kernels.ts';
import { withScope } from '../engine/scope.ts';
import { add } from '../kernels/elementwise.ts';
import type { AttentionSettings } from '../ops/attention.ts';

export interface StepOptions {
  readonly dropoutSeed?: number;
  readonly step?: number;
  readonly keep?: AttentionSettings['keep'];
}

/** What a forward and backward pass over micro-batches leaves on the backend; the caller disposes all of it. */
export interface Accumulated {
  /** of each micro-batch, a scalar */
  readonly losses: Tensor[];
  /** the sum (not the mean) over the micro-batches, in the order of `model.namedWeights()` */
  readonly gradients: Tensor[];
}

/**
 * Forward and backward over micro-batches of equal size, gradients added up. Dividing the gradients by the number of micro-batches
 * gives those of the big batch. Nothing is read from the backend.
 */
export function forwardBackward(
  model: Transformer,
  microBatches: readonly Batch[],
  options: StepOptions = {},
): Accumulated {
  const losses: Tensor[] = [];
  let total: Tensor[] = [];
  try {
    microBatches.forEach((batch, index) => {
      const { value, gradients } = lossAndGradients(model, batch, options, index);
      losses.push(value);
      total = total.length === 0 ? gradients : addAll(total, gradients);
    });
  } catch (error) {
    dispose([...losses, ...total]);
    throw error;
  }
  return { losses, gradients: total };
}

/** The mean of losses, read from the backend; disposes them. Asynchronous, because WebGPU has no other way. */
export async function readLosses(losses: readonly Tensor[]): Promise<number> {
  try {
    const values = await Promise.all(losses.map((loss) => loss.data()));
    return values.reduce((sum, value) => sum + value[0]!, 0) / losses.length;
  } finally {
    dispose([...losses]);
  }
}

/** `forwardBackward` with the mean loss as a number, for backends that can be read synchronously: all but WebGPU. */
export function accumulate(
  model: Transformer,
  microBatches: readonly Batch[],
  options: StepOptions = {},
): { loss: number; gradients: Tensor[] } {
  const { losses, gradients } = forwardBackward(model, microBatches, options);
  const loss = losses.reduce((sum, value) => sum + value.dataSync()[0]!, 0) / losses.length;
  dispose(losses);
  return { loss, gradients };
}

/** Steps of dropout's counter for each step of training: more micro-batches would draw the masks of the next step. */
export const MOST_MICRO_BATCHES = 4096;

function lossAndGradients(model: Transformer, batch: Batch, options: StepOptions, index: number): ValueAndGradients {
  const { dropoutSeed, step = 0, keep } = options;
  // A micro-batch drops other elements than the one before it: its number is part of the seed's counter.
  const seed: DropoutSeed | undefined =
    dropoutSeed === undefined ? undefined : { seed: dropoutSeed, step: step * MOST_MICRO_BATCHES + index };
  const ids = mark(tensor1d(batch.inputs, 'int32'), 'batch', 'ids');
  const labels = mark(tensor1d(batch.labels, 'int32'), 'batch', 'labels');
  try {
    const tokens = { ids, batch: batch.rows, sequence: batch.length };
    const pass = { ...(seed && { dropout: seed }), ...(keep && { keep }) };
    return valueAndGradients(() => model.loss(tokens, labels, pass), model.variables());
  } finally {
    dispose([ids, labels]);
  }
}

function addAll(total: Tensor[], more: Tensor[]): Tensor[] {
  return total.map((sum, i) => {
    const next = withScope({ phase: 'backward', module: 'accumulation', term: 'tape.accumulate' }, () =>
      add(sum, more[i]!),
    );
    mark(next, 'gradients', belongingOf(sum)?.owner ?? 'accumulation');
    sum.dispose();
    more[i]!.dispose();
    return next;
  });
}

/** The mean loss of one batch without a gradient, as a scalar that the caller disposes. */
export function batchLoss(model: Transformer, { inputs, labels, rows, length }: Batch): Tensor {
  return tidy(() => {
    const ids = mark(tensor1d(inputs, 'int32'), 'batch', 'ids');
    const tokens = { ids, batch: rows, sequence: length };
    return model.loss(tokens, mark(tensor1d(labels, 'int32'), 'batch', 'labels'));
  });
}

/** `batchLoss` as a number, for backends that can be read synchronously: all but WebGPU. */
export function evaluateBatch(model: Transformer, batch: Batch): number {
  return tidy(() => batchLoss(model, batch).dataSync()[0]!);
}
