// The heart of training: loss and gradients of one batch, in micro-batches if asked, and the update.
import { type Tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';
import type { Transformer } from '../architectures/transformer.ts';
import type { Batch } from '../data/batches.ts';
import { valueAndGradients } from '../engine/backward.ts';
import type { DropoutSeed } from '../engine/random-kernels.ts';
import { withScope } from '../engine/scope.ts';
import { add } from '../kernels/elementwise.ts';
import type { AttentionSettings } from '../ops/attention.ts';

export interface StepOptions {
  readonly dropoutSeed?: number;
  readonly step?: number;
  readonly keep?: AttentionSettings['keep'];
}

/** The mean loss over all micro-batches, and the sum (not the mean) of their gradients. */
export interface Accumulated {
  readonly loss: number;
  /** in the order of `model.namedWeights()`; the caller disposes them */
  readonly gradients: Tensor[];
}

/**
 * Forward and backward over micro-batches of equal size, gradients added up. Dividing the gradients by the number of micro-batches
 * gives those of the big batch. Reads each loss from the backend.
 */
export function accumulate(model: Transformer, microBatches: readonly Batch[], options: StepOptions = {}): Accumulated {
  let total: Tensor[] = [];
  let lossSum = 0;
  try {
    microBatches.forEach((batch, index) => {
      const { loss, gradients } = lossAndGradients(model, batch, options, index);
      lossSum += loss;
      total = total.length === 0 ? gradients : addAll(total, gradients);
    });
  } catch (error) {
    for (const gradient of total) gradient.dispose();
    throw error;
  }
  return { loss: lossSum / microBatches.length, gradients: total };
}

function lossAndGradients(model: Transformer, batch: Batch, options: StepOptions, index: number): Accumulated {
  const { dropoutSeed, step = 0, keep } = options;
  // A micro-batch drops other elements than the one before it: its number is part of the seed's counter.
  const seed: DropoutSeed | undefined =
    dropoutSeed === undefined ? undefined : { seed: dropoutSeed, step: step * 4096 + index };
  const ids = tensor1d(batch.inputs, 'int32');
  const labels = tensor1d(batch.labels, 'int32');
  try {
    const tokens = { ids, batch: batch.rows, sequence: batch.length };
    const pass = { ...(seed && { dropout: seed }), ...(keep && { keep }) };
    const { value, gradients } = valueAndGradients(() => model.loss(tokens, labels, pass), model.variables());
    const loss = value.dataSync()[0]!;
    value.dispose();
    return { loss, gradients };
  } finally {
    ids.dispose();
    labels.dispose();
  }
}

function addAll(total: Tensor[], more: Tensor[]): Tensor[] {
  return total.map((sum, i) => {
    const next = withScope({ phase: 'backward', module: 'accumulation', term: 'tape.accumulate' }, () =>
      add(sum, more[i]!),
    );
    sum.dispose();
    more[i]!.dispose();
    return next;
  });
}

/** The mean loss of one batch without a gradient. */
export function evaluateBatch(model: Transformer, { inputs, labels, rows, length }: Batch): number {
  return tidy(() => {
    const tokens = { ids: tensor1d(inputs, 'int32'), batch: rows, sequence: length };
    return model.loss(tokens, tensor1d(labels, 'int32')).dataSync()[0]!;
  });
}
