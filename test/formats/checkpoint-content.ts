// A small checkpoint for tests, every number of which says its step.
import { resolveModelCard } from '../../src/cards/model-card.ts';
import type { CheckpointContent, OpenCheckpoint } from '../../src/formats/checkpoint.ts';

const card = resolveModelCard({
  title: 'A very small model',
  layers: 1,
  hidden: 4,
  heads: 2,
  vocabulary: 7,
  context: 8,
  tied: true,
  mlp: { kind: 'gelu' },
  norm: { kind: 'layer' },
  positions: { kind: 'learned' },
});

export function contentOf(step: number): CheckpointContent {
  return {
    step,
    card,
    versions: { program: '0.1.0' },
    progress: { seed: 7, position: step * 32, loss: 1 / 3 + step },
    weights: [
      { name: 'embedding.token', shape: [7, 4], data: () => new Float32Array(28).fill(step) },
      { name: 'norm.scale', shape: [4], data: async () => Float32Array.of(step, -0, 1e-40, 1 / 3) },
    ],
    optimizer: [{ name: 'embedding.token.momentum', shape: [7, 4], data: () => new Float32Array(28).fill(-step) }],
  };
}

/** The step that every part of a checkpoint agrees on; throws where two parts differ. */
export async function agreedStep(checkpoint: OpenCheckpoint): Promise<number> {
  const weights = await checkpoint.weights.readFloat32('embedding.token');
  const momentum = await checkpoint.optimizer.readFloat32('embedding.token.momentum');
  const steps = new Set([
    checkpoint.step,
    Number(checkpoint.progress.position) / 32,
    ...weights,
    ...momentum.map((value) => -value),
  ]);
  if (steps.size !== 1) throw new Error(`mixed steps: ${[...steps]}`);
  return checkpoint.step;
}
