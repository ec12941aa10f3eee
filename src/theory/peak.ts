// The peak of a training step before it runs: persistent memory plus the largest of its phases, not the sum of all maxima.
import type { ModelCard } from '../cards/model-card.ts';
import { type Count, sum } from '../terms/quantities.ts';
import { term } from '../terms/term.ts';
import type { Shape } from './letters.ts';
import type { AttentionKind, Keeps } from './recompute.ts';
import {
  blockActivations,
  type MemoryOptions,
  type MemoryTerm,
  memoryLetters,
  type OptimizerKind,
  ofOneBlock,
  trainingMemory,
} from './training-memory.ts';

/** The moments at which a step may be fullest: the loss, the last block's and the first block's backward pass, the update. */
export const PEAK_PHASES = ['loss', 'backward', 'backwardEnd', 'optimizer'] as const;
export type PeakPhase = (typeof PEAK_PHASES)[number];

/** What lives in a phase beside what persists. */
export interface PhaseMemory {
  readonly savedActivations: readonly MemoryTerm[];
  readonly gradients: readonly MemoryTerm[];
  readonly temporaries: readonly MemoryTerm[];
}

export interface PeakMemory {
  /** parameters, optimizer state, batch, constants */
  readonly persistent: readonly MemoryTerm[];
  /** masks and tables, part of what persists */
  readonly constants: readonly MemoryTerm[];
  /** what else lives in each phase, at its fullest, by category */
  readonly categories: Readonly<Record<PeakPhase, PhaseMemory>>;
  /** the same in one list per phase */
  readonly phases: Readonly<Record<PeakPhase, readonly MemoryTerm[]>>;
  readonly largest: PeakPhase;
  readonly total: Count<'bytes'>;
}

/**
 * The fullest moment of a step. At the loss all activations are there; at the beginning of the backward pass too, with the
 * quadratic temporaries of one block; at its end all gradients and one block; in the update all gradients.
 * The update of mixed precision is one fused kernel; in float32 it is this library's, which needs temporaries.
 */
export function peakMemory(
  card: ModelCard,
  shape: Shape,
  optimizer: OptimizerKind = 'adamw',
  keeps: Keeps = 'nothing-quadratic',
  options: MemoryOptions = {},
): PeakMemory {
  const { precision = 'fp32', attention = 'materialized' } = options;
  const memory = trainingMemory(card, shape, optimizer, keeps, options);
  const letters = memoryLetters(card, shape, precision);
  const bytes = (id: string, formula: string, source: string): MemoryTerm =>
    term(id, 'bytes', formula, letters, source);
  const oneBlock = blockActivations(card, shape, options);
  const again = blockAgain(oneBlock, keeps);
  const quadratic = quadraticTemporaries(keeps, attention, bytes);
  const headGradient = memory.gradients[0]!.formula.replace('N', 'V·D');
  const atEnd = savedByOneBlock(card, shape, optimizer, keeps, options);
  const update = [bytes(`optimizer.${optimizer}`, '5p·V·D', 'temporaries of the largest weight')];
  const categories = {
    loss: {
      savedActivations: memory.savedActivations,
      gradients: [],
      temporaries: [bytes('head.logits', '4B·S·V', 'logits beside their gradient, float32')],
    },
    backward: {
      savedActivations: memory.savedActivations,
      gradients: [bytes('head.logits/dw', headGradient, 'gradient of the head')],
      temporaries: [...again, ...quadratic],
    },
    backwardEnd: { savedActivations: atEnd, gradients: memory.gradients, temporaries: [...again, ...quadratic] },
    optimizer: { savedActivations: [], gradients: memory.gradients, temporaries: precision === 'fp32' ? update : [] },
  } satisfies Record<PeakPhase, PhaseMemory>;
  const all = ({ savedActivations, gradients, temporaries }: PhaseMemory) => [
    ...savedActivations,
    ...gradients,
    ...temporaries,
  ];
  const phases = Object.fromEntries(PEAK_PHASES.map((phase) => [phase, all(categories[phase])])) as Record<
    PeakPhase,
    MemoryTerm[]
  >;
  const constants = constantTerms(card, attention, bytes);
  const persistent = [...memory.parameters, ...memory.optimizer, ...memory.batch, ...constants];
  const size = (phase: PeakPhase) => sum('bytes', phases[phase]).value;
  const largest = PEAK_PHASES.reduce((a, b) => (size(b) > size(a) ? b : a));
  return {
    persistent,
    constants,
    categories,
    phases,
    largest,
    total: sum('bytes', [...persistent, ...phases[largest]]),
  };
}

type Bytes = (id: string, formula: string, source: string) => MemoryTerm;

function constantTerms({ positions }: ModelCard, attention: AttentionKind, bytes: Bytes): MemoryTerm[] {
  const mask = attention === 'flash' ? '' : 'p·S²';
  const tables = positions.kind === 'rope' ? 'p·S·H' : '';
  const formula = [mask, tables].filter(Boolean).join(' + ');
  return formula === '' ? [] : [bytes('constants', formula, 'causal mask, rotary tables')];
}

/** What one block has made again when its backward pass begins, under full recomputation. */
const blockAgain = (oneBlock: readonly MemoryTerm[], keeps: Keeps): readonly MemoryTerm[] =>
  keeps === 'full' ? oneBlock.map((row) => ({ ...row, source: `made again: ${row.source}` })) : [];

function quadraticTemporaries(keeps: Keeps, attention: AttentionKind, bytes: Bytes): MemoryTerm[] {
  if (attention === 'flash') return [];
  const isKept = keeps === 'none' || keeps === 'full';
  return isKept
    ? [bytes('attention.softmax/dx', '2p·A·B·S²', 'gradients of probabilities and scores')]
    : [bytes('attention.softmax/dx', '3p·A·B·S²', 'probabilities, their gradient, the scores’ gradient')];
}

/** What the first block has saved, when its backward pass is all that is left. */
function savedByOneBlock(
  card: ModelCard,
  shape: Shape,
  optimizer: OptimizerKind,
  keeps: Keeps,
  options: MemoryOptions,
): MemoryTerm[] {
  const outside = ['head.logits', 'loss.cross-entropy', 'dropout.embedding'];
  const { savedActivations } = trainingMemory({ ...card, layers: 1 }, shape, optimizer, keeps, options);
  return ofOneBlock(
    savedActivations.filter(({ id }) => !outside.includes(id)),
    memoryLetters(card, shape, options.precision),
  );
}
