// Memory of a training step by category: Mem_training = parameters + gradients + optimizer + saved activations (+ named rows).
import type { ModelCard } from '../cards/model-card.ts';
import type { Letters } from '../terms/formula.ts';
import { type Count, sum } from '../terms/quantities.ts';
import { type Term, term } from '../terms/term.ts';
import type { MemoryCategory } from '../terms/vocabulary.ts';
import { type Shape, shapeLetters } from './letters.ts';
import { countParameters } from './parameters.ts';

export type MemoryTerm = Term<'bytes'>;

/** A correction to the documents' formulas, with the reason in words. Its value may be negative. */
export interface Adjustment extends MemoryTerm {
  readonly reason: string;
}

/** How many numbers each optimizer keeps per parameter. */
export const OPTIMIZER_STATES = { adamw: 2, 'sgd-momentum': 1, sgd: 0 } as const;
export type OptimizerKind = keyof typeof OPTIMIZER_STATES;

/** Bytes of one float32, the only precision of these formulas so far: p in the documents. */
const FLOAT32_BYTES = 4n;

/** Everything the documents say about the memory of one training step in float32, by category. */
export interface TrainingMemory {
  readonly parameters: readonly MemoryTerm[];
  readonly gradients: readonly MemoryTerm[];
  readonly optimizer: readonly MemoryTerm[];
  /** The documents' (2.5)–(2.7) generalised, followed by {@link activationAdjustments}. */
  readonly savedActivations: readonly MemoryTerm[];
  readonly batch: readonly MemoryTerm[];
}

/** The categories that formulas predict without a run. */
export type PredictedCategory = keyof TrainingMemory & MemoryCategory;

function memoryLetters(card: ModelCard, shape: Shape): Letters {
  return { ...shapeLetters(card, shape), N: countParameters(card).total, p: FLOAT32_BYTES };
}

/**
 * Saved activations as the documents have them, dropout masks included, one term per operation that keeps its inputs.
 * Generalised from multi-head attention and two MLP matrices to g key/value heads and a gate; for the former the terms
 * add up to (2.5), (2.6) and 2pBDLS exactly.
 */
export function documentActivations(card: ModelCard, shape: Shape): MemoryTerm[] {
  const letters = memoryLetters(card, shape);
  const saved = (id: string, formula: string, source: string) =>
    term(id, 'bytes', formula, letters, `decoder-only ${source}`);
  const activation = card.mlp.kind === 'swiglu' ? '2p·B·L·S·F' : 'p·B·L·S·F';
  return [
    saved(`norm.${card.norm.kind}`, card.norm.perBlock === 2 ? '2p·B·L·S·D' : 'p·B·L·S·D', '2.1.3, inputs of norms'),
    saved('attention.qkv', 'p·B·L·S·D', '(2.5), input'),
    saved('attention.scores', 'p·B·L·S·H(A + g)', '(2.5), queries and keys'),
    saved('attention.softmax', 'p·A·B·L·S²', '(2.5), scores'),
    saved('attention.values', 'p·A·B·L·S² + p·B·L·S·H·g', '(2.5), normalised scores and values'),
    saved('attention.projection', 'p·B·L·S·A·H', '(2.5), re-weighted values'),
    saved('dropout.attention', 'A·B·L·S²', '(2.5), mask of one byte each'),
    saved('mlp.up', 'p·B·L·S·D', '(2.6), input'),
    saved('mlp.activation', activation, '(2.6), input of the non-linearity'),
    saved('mlp.down', 'p·B·L·S·F', '(2.6), input'),
    saved('dropout.residual', '2B·L·S·D', '(2.5), (2.6), masks of one byte each'),
  ];
}

/** What attention keeps of its quadratic matrices: the softmax's output, or nothing (it is computed again in backward). */
export type AttentionKeeps = 'probabilities' | 'nothing-quadratic';

/** What the documents count and this model does not have, and what it has and they leave out: known before any run. */
export function activationAdjustments(card: ModelCard, shape: Shape, keeps: AttentionKeeps): Adjustment[] {
  const letters = memoryLetters(card, shape);
  const { dropout, norm, mlp } = card;
  const isPre = norm.placement === 'pre';
  const adjust = (applies: boolean, id: string, formula: string, reason: string): Adjustment[] =>
    applies ? [{ ...term(id, 'bytes', formula, letters, 'the card'), reason }] : [];
  return [
    ...adjust(dropout.attention === 0, 'dropout.attention', '-A·B·L·S²', 'dropout is off: no masks'),
    ...adjust(dropout.residual === 0, 'dropout.residual', '-2B·L·S·D', 'dropout is off: no masks'),
    ...adjust(dropout.embedding > 0, 'dropout.embedding', 'B·S·D', 'the mask after the embedding'),
    ...adjust(
      keeps === 'probabilities',
      'attention.scores',
      '-p·A·B·L·S²',
      'the scores are not kept, only their softmax',
    ),
    ...adjust(
      keeps === 'nothing-quadratic',
      'attention.softmax',
      '-2p·A·B·L·S²',
      'scores and probabilities are computed again in backward',
    ),
    ...adjust(
      mlp.kind === 'relu',
      'mlp.activation',
      '-p·B·L·S·F',
      'relu needs only its output, which the next layer keeps',
    ),
    ...adjust(norm.perBlock === 1, 'mlp.up', '-p·B·L·S·D', 'attention and MLP read the same normalised input'),
    ...adjust(
      true,
      `norm.${norm.kind}`,
      norm.perBlock === 2 ? '2p·B·L·S' : 'p·B·L·S',
      'one over the deviation of each row, kept beside the normalised input',
    ),
    ...adjust(
      isPre,
      `norm.${norm.kind}`,
      'p·B·S·D + p·B·S',
      'the final norm keeps its input, normalised, and the deviations',
    ),
    ...adjust(true, 'head.logits', 'p·B·S·D', 'the head keeps its input'),
    ...adjust(true, 'loss.cross-entropy', 'p·B·S·V', 'the loss keeps all probabilities'),
  ];
}

/** The memory of one training step in float32. Indices and labels are int32. */
export function trainingMemory(
  card: ModelCard,
  shape: Shape,
  optimizer: OptimizerKind = 'adamw',
  keeps: AttentionKeeps = 'nothing-quadratic',
): TrainingMemory {
  const letters = memoryLetters(card, shape);
  const bytes = (id: string, formula: string, source: string) => term(id, 'bytes', formula, letters, source);
  const states = OPTIMIZER_STATES[optimizer];
  const stateId = optimizer === 'adamw' ? 'optimizer.adamw' : 'optimizer.sgd';
  return {
    parameters: [bytes('parameters', 'p·N', 'decoder-only (2.1)')],
    gradients: [bytes('gradients', 'p·N', 'decoder-only (2.4)')],
    optimizer: states === 0 ? [] : [bytes(stateId, states === 1 ? 'p·N' : `${states}p·N`, 'decoder-only (2.1)')],
    savedActivations: [...documentActivations(card, shape), ...activationAdjustments(card, shape, keeps)],
    batch: [bytes('batch', '2·4B·S', 'token ids and labels, int32')],
  };
}

/** The bytes of each predicted category. */
export function memoryTotals(memory: TrainingMemory): Record<PredictedCategory, Count<'bytes'>> {
  const { parameters, gradients, optimizer, savedActivations, batch } = memory;
  return {
    parameters: sum('bytes', parameters),
    gradients: sum('bytes', gradients),
    optimizer: sum('bytes', optimizer),
    savedActivations: sum('bytes', savedActivations),
    batch: sum('bytes', batch),
  };
}
