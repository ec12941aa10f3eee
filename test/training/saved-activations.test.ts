// What really lives between forward and backward, against the documents' formula with its named adjustments: equal to the byte.
import { getBackend, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import { Transformer } from '../../src/architectures/transformer.ts';
import type { ModelCard } from '../../src/cards/model-card.ts';
import { useBackend } from '../../src/engine/backends.ts';
import { valueAndGradients } from '../../src/engine/backward.ts';
import { loadModelCard } from '../../src/node/cards.ts';
import { sum } from '../../src/terms/quantities.ts';
import { type AttentionKeeps, trainingMemory } from '../../src/theory/training-memory.ts';

await useBackend('cpu');
afterAll(() => expect(getBackend()).toBe('cpu'));

const shape = { batch: 2, sequence: 12 };

/** Bytes of the distinct buffers that are saved; weights are not among them. */
function measured(card: ModelCard, keep: AttentionKeeps): bigint {
  const model = new Transformer(card, 1);
  const n = shape.batch * shape.sequence;
  const ids = tensor1d(Int32Array.from({ length: n }, (_, i) => i % card.vocabulary));
  const buffers = new Map<object, number>();
  const count = (saved: readonly Tensor[]) => {
    for (const { dataId, size, dtype } of saved) buffers.set(dataId, size * (dtype === 'bool' ? 1 : 4));
  };
  const options = { keep, dropout: { seed: 1, step: 0 } };
  const { value, gradients } = valueAndGradients(
    () => model.loss({ ids, ...shape }, ids, options),
    model.variables(),
    count,
  );
  for (const tensor of [value, ids, ...gradients]) tensor.dispose();
  model.dispose();
  return BigInt([...buffers.values()].reduce((total, bytes) => total + bytes, 0));
}

describe('saved activations', () => {
  it.each([
    ['gpt-debug', []],
    ['llama3-debug', []],
    ['mqa-debug', []],
    ['gpt-debug', ['norm.placement=post']],
    ['gpt-debug', ['layout=parallel', 'norm.perBlock=1']],
    ['gpt-debug', ['mlp.kind=relu', 'positions.kind=sinusoidal', 'tied=false', 'bias.head=true']],
    ['gpt-debug', ['dropout.attention=0.1', 'dropout.residual=0.1', 'dropout.embedding=0.1']],
    ['llama3-debug', ['layout=parallel', 'layers=3', 'headSize=10', 'dropout.residual=0.5']],
  ] as const)('%s %s', (arch, set) => {
    const card = loadModelCard({ arch, set });
    for (const keep of ['probabilities', 'nothing-quadratic'] as const) {
      const predicted = sum('bytes', trainingMemory(card, shape, 'adamw', keep).savedActivations).value;
      expect(measured(card, keep), keep).toBe(predicted);
    }
  });
});
