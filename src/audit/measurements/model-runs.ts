// Small runs of the model code for measurements: passes over made-up tokens, and what they keep for the backward pass.
import { type Tensor, tensor1d, tidy, type Variable, variable } from '@tensorflow/tfjs-core';
import { Transformer } from '../../architectures/transformer.ts';
import type { ModelCard } from '../../cards/model-card.ts';
import { valueAndGradients } from '../../engine/backward.ts';
import { randomNormal } from '../../engine/random-kernels.ts';
import { Attention } from '../../layers/attention.ts';
import { Mlp } from '../../layers/mlp.ts';
import { Norm } from '../../layers/norm.ts';
import { disposeConstants, makeConstants } from '../../layers/pass.ts';
import { dropout } from '../../ops/dropout.ts';
import { residual } from '../../ops/residual.ts';
import type { Shape } from '../../theory/letters.ts';
import type { AttentionKeeps } from '../../theory/training-memory.ts';

/** Token ids 0, 1, 2 … of one batch; the caller disposes them. */
const countingIds = ({ vocabulary }: ModelCard, { batch, sequence }: Shape) =>
  tensor1d(Int32Array.from({ length: batch * sequence }, (_, at) => at % vocabulary));

/** A model with a batch, to be run any number of times; `run` makes one forward and backward pass. */
export function readyToRun(card: ModelCard, shape: Shape, keep: AttentionKeeps = 'nothing-quadratic') {
  const model = new Transformer(card, 1);
  const ids = countingIds(card, shape);
  const run = (onSaved?: (saved: readonly Tensor[]) => void) => {
    const options = { keep, dropout: { seed: 1, step: 0 } };
    const loss = () => model.loss({ ids, ...shape }, ids, options);
    const { value, gradients } = valueAndGradients(loss, model.variables(), onSaved);
    for (const tensor of [value, ...gradients]) tensor.dispose();
  };
  const dispose = () => {
    ids.dispose();
    model.dispose();
  };
  return { run, dispose };
}

/** One forward and backward pass. */
export function forwardBackward(card: ModelCard, shape: Shape, keep: AttentionKeeps = 'nothing-quadratic'): void {
  const { run, dispose } = readyToRun(card, shape, keep);
  try {
    run();
  } finally {
    dispose();
  }
}

/** Bytes of the distinct buffers among saved tensors. Only where a view shares the dataId of its memory (not on native). */
function distinctBytes(saved: readonly Tensor[], except: readonly Tensor[] = []): number {
  const buffers = new Map<object, number>();
  for (const { dataId, size, dtype } of saved) buffers.set(dataId, size * (dtype === 'bool' ? 1 : 4));
  for (const { dataId } of except) buffers.delete(dataId);
  return [...buffers.values()].reduce((total, bytes) => total + bytes, 0);
}

/** What a whole model keeps between its passes. */
export function savedByModel(card: ModelCard, shape: Shape, keep: AttentionKeeps): number {
  const { run, dispose } = readyToRun(card, shape, keep);
  let bytes = 0;
  try {
    run((saved) => {
      bytes = distinctBytes(saved);
    });
  } finally {
    dispose();
  }
  return bytes;
}

/** The parts of a block that the documents count one by one. */
export const BLOCK_PARTS = ['attention', 'mlp', 'norm', 'residual'] as const;
export type BlockPart = (typeof BLOCK_PARTS)[number];

/** What one part of a block keeps, alone, with the dropout that follows it. */
export function savedByPart(part: BlockPart, card: ModelCard, shape: Shape, keep: AttentionKeeps): number {
  const constants = makeConstants(card, shape.sequence);
  const pass = { ...shape, constants, keep, dropout: { seed: 1, step: 0 } };
  const options = (name: string) => ({ card, path: `blocks.0.${name}`, seed: 1 });
  const rows = shape.batch * shape.sequence;
  const x: Variable = tidy(() => variable(randomNormal([rows, card.hidden], 1, 1, 'x')));
  const drop = (y: Tensor) => dropout('dropout.residual', y, card.dropout.residual, pass.dropout);
  const attention = new Attention(options('attention'));
  const mlp = new Mlp(options('mlp'));
  const norm = new Norm(options('norm1'));
  const forward: Record<BlockPart, () => Tensor> = {
    attention: () => drop(attention.forward(x, pass)),
    mlp: () => drop(mlp.forward(x)),
    norm: () => norm.forward(x),
    residual: () => residual(x, x),
  };
  let bytes = 0;
  const { value, gradients } = valueAndGradients(forward[part], [x], (saved) => {
    bytes = distinctBytes(saved);
  });
  for (const tensor of [value, x, ...gradients]) tensor.dispose();
  for (const layer of [attention, mlp, norm]) layer.dispose();
  disposeConstants(constants);
  return bytes;
}
