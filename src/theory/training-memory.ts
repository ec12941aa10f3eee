// Memory of a training step by category: Mem_training = parameters + gradients + optimizer + saved activations (+ named rows).
import type { ModelCard } from '../cards/model-card.ts';
import { formulaWithNumbers, type Letters } from '../terms/formula.ts';
import { type Count, sum } from '../terms/quantities.ts';
import { type Term, term } from '../terms/term.ts';
import type { MemoryCategory } from '../terms/vocabulary.ts';
import { type Shape, shapeLetters } from './letters.ts';
import { countParameters } from './parameters.ts';
import {
  ACTIVATION_BYTES,
  type OptimizerKind,
  type Precision,
  type StateConvention,
  stateTerms,
  type TrainingPrecision,
} from './precision.ts';
import { type AttentionKind, type Keeps, recomputeAdjustments } from './recompute.ts';

export type { OptimizerKind } from './precision.ts';
export type { AttentionKeeps } from './recompute.ts';

export type MemoryTerm = Term<'bytes'>;

/** A correction to the documents' formulas, with the reason in words. Its value may be negative. */
export interface Adjustment extends MemoryTerm {
  readonly reason: string;
}

/** Everything the documents say about the memory of one training step, by category. */
export interface TrainingMemory {
  readonly parameters: readonly MemoryTerm[];
  readonly gradients: readonly MemoryTerm[];
  readonly optimizer: readonly MemoryTerm[];
  /** The documents' (2.5)–(2.7) generalised, followed by {@link activationAdjustments}. */
  readonly savedActivations: readonly MemoryTerm[];
  readonly batch: readonly MemoryTerm[];
}

/** The categories that formulas predict without knowing the phases of a step. */
export type PredictedCategory = keyof TrainingMemory & MemoryCategory;

/** How numbers are stored; float32, materialized attention and decoder-only's states unless told. */
export interface MemoryOptions {
  readonly precision?: TrainingPrecision;
  readonly states?: StateConvention;
  readonly attention?: AttentionKind;
}

/** The letters of a card and a shape with N, all parameters, and p, the bytes of an activation. */
export function memoryLetters(card: ModelCard, shape: Shape, precision: Precision = 'fp32'): Letters {
  return { ...shapeLetters(card, shape), N: countParameters(card).total, p: ACTIVATION_BYTES[precision] };
}

/**
 * Saved activations as the documents have them, dropout masks included, one term per operation that keeps its inputs.
 * Generalised from multi-head attention and two MLP matrices to g key/value heads and a gate; for the former the terms
 * add up to (2.5), (2.6) and 2pBDLS exactly.
 */
export function documentActivations(card: ModelCard, shape: Shape, precision: Precision = 'fp32'): MemoryTerm[] {
  const letters = memoryLetters(card, shape, precision);
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

/** What the blocks do not have or do not keep of the documents' activations, and what they keep beyond. */
function blockAdjustments(
  card: ModelCard,
  shape: Shape,
  keeps: Keeps,
  precision: Precision,
  attention: AttentionKind,
): Adjustment[] {
  const letters = memoryLetters(card, shape, precision);
  const { dropout, norm, mlp } = card;
  const adjust = (id: string, formula: string, reason: string): Adjustment => ({
    ...term(id, 'bytes', formula, letters, 'the card'),
    reason,
  });
  const when = (applies: boolean, ...row: Parameters<typeof adjust>) => (applies ? [adjust(...row)] : []);
  const masks = [
    ...when(dropout.attention === 0, 'dropout.attention', '-A·B·L·S²', 'dropout is off: no masks'),
    ...when(dropout.residual === 0, 'dropout.residual', '-2B·L·S·D', 'dropout is off: no masks'),
  ];
  const recomputed = recomputeAdjustments(
    card,
    keeps,
    attention,
    documentActivations(card, shape, precision),
    (id, formula, reason) => ({ ...adjust(id, formula, reason), source: 'Korthikanti et al. 2022' }),
  );
  if (keeps === 'full') return [...masks, ...recomputed];
  const relu = 'relu needs only its output, which the next layer keeps';
  const deviations = 'one over the deviation of each row, kept beside the normalised input, float32';
  return [
    ...masks,
    ...recomputed,
    ...when(mlp.kind === 'relu', 'mlp.activation', '-p·B·L·S·F', relu),
    ...when(norm.perBlock === 1, 'mlp.up', '-p·B·L·S·D', 'attention and MLP read the same normalised input'),
    adjust(`norm.${norm.kind}`, norm.perBlock === 2 ? '8B·L·S' : '4B·L·S', deviations),
  ];
}

/**
 * What one block keeps when nothing is recomputed: what recomputation brings back, one block at a time. The terms of the
 * documents and their adjustments, for L = 1.
 */
export function blockActivations(
  card: ModelCard,
  shape: Shape,
  { precision = 'fp32', attention = 'materialized' }: MemoryOptions = {},
): MemoryTerm[] {
  const one = { ...card, layers: 1 };
  return ofOneBlock(
    [...documentActivations(one, shape, precision), ...blockAdjustments(one, shape, 'none', precision, attention)],
    memoryLetters(card, shape, precision),
  );
}

/** Terms that were evaluated for one layer, with the letter L taken out of their formulas. */
export function ofOneBlock<T extends MemoryTerm>(rows: readonly T[], letters: Letters): T[] {
  return rows.map((row) => {
    const formula = row.formula.replaceAll('·L', '');
    return { ...row, formula, numbers: formulaWithNumbers(formula, letters) };
  });
}

/**
 * What the documents count and this model does not have, what recomputation makes again, and what there is and the documents
 * leave out: known before any run.
 */
export function activationAdjustments(
  card: ModelCard,
  shape: Shape,
  keeps: Keeps,
  { precision = 'fp32', attention = 'materialized' }: MemoryOptions = {},
): Adjustment[] {
  const letters = memoryLetters(card, shape, precision);
  const { dropout, norm } = card;
  const adjust = (applies: boolean, id: string, formula: string, reason: string): Adjustment[] =>
    applies ? [{ ...term(id, 'bytes', formula, letters, 'the card'), reason }] : [];
  return [
    ...blockAdjustments(card, shape, keeps, precision, attention),
    ...adjust(dropout.embedding > 0, 'dropout.embedding', 'B·S·D', 'the mask after the embedding'),
    ...adjust(
      norm.placement === 'pre',
      `norm.${norm.kind}`,
      'p·B·S·D + 4B·S',
      'the final norm keeps its input, normalised, and the deviations',
    ),
    ...adjust(true, 'head.logits', 'p·B·S·D', 'the head keeps its input'),
    ...adjust(true, 'loss.cross-entropy', '4B·S·V', 'the loss keeps all probabilities, float32'),
  ];
}

/**
 * The memory of one training step. Unless told otherwise that of this library: float32, with the quadratic matrices of
 * attention computed again in backward. Indices and labels are int32.
 */
export function trainingMemory(
  card: ModelCard,
  shape: Shape,
  optimizer: OptimizerKind = 'adamw',
  keeps: Keeps = 'nothing-quadratic',
  options: MemoryOptions = {},
): TrainingMemory {
  const { precision = 'fp32', states } = options;
  const letters = memoryLetters(card, shape, precision);
  return {
    ...stateTerms(letters, precision, optimizer, states),
    savedActivations: [
      ...documentActivations(card, shape, precision),
      ...activationAdjustments(card, shape, keeps, options),
    ],
    batch: [term('batch', 'bytes', '2·4B·S', letters, 'token ids and labels, int32')],
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
