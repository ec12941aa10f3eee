// The peak of a training step before it runs: persistent memory plus the largest of its phases, not the sum of all maxima.
import type { ModelCard } from '../cards/model-card.ts';
import { type Count, sum } from '../terms/quantities.ts';
import { type Term, term } from '../terms/term.ts';
import { type Shape, shapeLetters } from './letters.ts';
import { countParameters } from './parameters.ts';
import { type AttentionKeeps, type OptimizerKind, trainingMemory } from './training-memory.ts';

export interface PeakMemory {
  /** parameters, optimizer state, batch, constants */
  readonly persistent: readonly Term<'bytes'>[];
  /** what else lives in each phase, at its fullest */
  readonly phases: Readonly<Record<'loss' | 'backward' | 'optimizer', readonly Term<'bytes'>[]>>;
  readonly largest: 'loss' | 'backward' | 'optimizer';
  readonly total: Count<'bytes'>;
}

/** The largest phase: while the loss is made, in the first block of the backward pass, or in the update. Float32. */
export function peakMemory(
  card: ModelCard,
  shape: Shape,
  optimizer: OptimizerKind = 'adamw',
  keeps: AttentionKeeps = 'nothing-quadratic',
): PeakMemory {
  const memory = trainingMemory(card, shape, optimizer, keeps);
  const letters = { ...shapeLetters(card, shape), N: countParameters(card).total, p: 4n };
  const bytes = (id: string, formula: string, source: string) => term(id, 'bytes', formula, letters, source);
  const tables = card.positions.kind === 'rope' ? 'p·S² + p·S·H' : 'p·S²';
  const persistent = [
    ...memory.parameters,
    ...memory.optimizer,
    ...memory.batch,
    bytes('constants', tables, 'causal mask, rotary tables'),
  ];
  const phases = {
    loss: [...memory.savedActivations, bytes('head.logits', 'p·B·S·V', 'logits beside their gradient')],
    backward: [
      ...memory.savedActivations,
      bytes('head.logits/dw', 'p·V·D', 'gradient of the head'),
      bytes('attention.softmax/dx', '3p·A·B·S²', 'probabilities, their gradient, the scores’ gradient'),
    ],
    optimizer: [...memory.gradients, bytes(`optimizer.${optimizer}`, '5p·V·D', 'temporaries of the largest weight')],
  };
  const size = (terms: readonly Term<'bytes'>[]) => sum('bytes', terms).value;
  const order = ['loss', 'backward', 'optimizer'] as const;
  const largest = order.reduce((a, b) => (size(phases[b]) > size(phases[a]) ? b : a));
  return { persistent, phases, largest, total: sum('bytes', [...persistent, ...phases[largest]]) };
}
