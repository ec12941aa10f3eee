// Recomputation: what a training step keeps for the backward pass, what it makes again, and what that costs in bytes and FLOPs.
import type { ModelCard } from '../cards/model-card.ts';
import { type Term, totalTerm } from '../terms/term.ts';
import { countFlops, type FlopTerm } from './flops.ts';
import { type Shape, shapeLetters } from './letters.ts';
import { matmulParameters } from './parameters.ts';

/**
 * How much of the forward pass is done again (Korthikanti et al. 2022): nothing; the quadratic core of attention;
 * or whole blocks, of which only the inputs are kept.
 */
export const RECOMPUTATIONS = ['none', 'selective', 'full'] as const;
export type Recomputation = (typeof RECOMPUTATIONS)[number];

/**
 * What this library's attention keeps of its quadratic matrices: the softmax's output, or nothing (it is computed again in
 * backward). Either way a dropout mask is kept.
 */
export type AttentionKeeps = 'probabilities' | 'nothing-quadratic';

/** What a step keeps: one of the published schemes, or what this library does. */
export type Keeps = Recomputation | AttentionKeeps;

/**
 * Whether the matrix of scores exists in memory, or is made tile by tile and never stored (FlashAttention, Dao et al. 2022).
 */
export const ATTENTION_KINDS = ['materialized', 'flash'] as const;
export type AttentionKind = (typeof ATTENTION_KINDS)[number];

/** FLOPs that a step really executes: those of the model, and those done again. */
export interface HardwareFlops {
  /** What is done again in the backward pass; ids are those of the forward terms. */
  readonly recomputeTerms: readonly FlopTerm[];
  /** Forward, backward and recomputation together. */
  readonly total: Term<'FLOPs', 'hardware'>;
}

/** The parts of the formula that recomputation adds to 6BSM + 12BLS²AH. */
const ADDED: Readonly<Record<'nothing' | 'scores' | 'blocks' | 'blocks and scores', string>> = {
  nothing: '',
  scores: ' + 2B·L·S²·A·H',
  blocks: ' + 2B·S(M − V·D) + 4B·L·S²·A·H',
  'blocks and scores': ' + 2B·S(M − V·D) + 6B·L·S²·A·H',
};

/**
 * Executed FLOPs of a training step: the `palm` convention plus what is computed again. To have the probabilities again takes
 * one of attention's two products, the scores; whole blocks are repeated with every product. The head is never repeated.
 */
export function hardwareFlops(
  card: ModelCard,
  shape: Shape,
  keeps: Keeps,
  attention: AttentionKind = 'materialized',
): HardwareFlops {
  const { forwardTerms, backwardTerms } = countFlops(card, shape, 'palm');
  const scoresAgain = attention === 'flash' || keeps === 'selective' || keeps === 'nothing-quadratic';
  const scores = forwardTerms.filter(({ id }) => id === 'attention.scores');
  const blocks = keeps === 'full' ? forwardTerms.filter(({ id }) => id !== 'head.logits') : [];
  const recomputeTerms = [...blocks, ...(scoresAgain ? scores : [])];
  const added = keeps === 'full' ? (scoresAgain ? 'blocks and scores' : 'blocks') : scoresAgain ? 'scores' : 'nothing';
  const total = totalTerm(
    'hardware',
    [...forwardTerms, ...backwardTerms, ...recomputeTerms],
    'FLOPs',
    `6B·S·M + 12B·L·S²·A·H${ADDED[added]}`,
    { ...shapeLetters(card, shape), M: matmulParameters(card) },
    keeps === 'full' ? 'Korthikanti et al. 2022, with exact weights' : 'every product, and what attention makes again',
  );
  return { recomputeTerms, total };
}

/** A formula of one line of a sum with the sign changed. */
const negative = (formula: string) => `-(${formula})`;

/** The part of an adjustment that a term does not have. */
type Adjust = (id: string, formula: string, reason: string) => Term<'bytes'> & { readonly reason: string };

/**
 * What recomputation takes away from the documents' activations, in which every operation keeps its inputs.
 * @param documents the terms of `documentActivations`
 * @param adjust makes a row, its formula evaluated with the letters of the documents' terms
 */
export function recomputeAdjustments(
  { norm, dropout }: ModelCard,
  keeps: Keeps,
  attention: AttentionKind,
  documents: readonly Term<'bytes'>[],
  adjust: Adjust,
): ReturnType<Adjust>[] {
  if (keeps === 'full') {
    const reason = 'made again, block by block, from the inputs of the blocks';
    const norms = norm.perBlock === 2 ? [adjust(`norm.${norm.kind}`, '-p·B·L·S·D', reason)] : [];
    const others = documents.filter(({ id }) => !id.startsWith('norm.') && !isAbsentMask(id, dropout));
    return [...norms, ...others.map(({ id, formula }) => adjust(id, negative(formula), reason))];
  }
  const mask = dropout.attention > 0;
  if (attention === 'flash') {
    const reason = 'made again tile by tile, never stored';
    return [
      adjust('attention.softmax', '-2p·A·B·L·S²', reason),
      ...(mask ? [adjust('dropout.attention', '-A·B·L·S²', reason)] : []),
      adjust('attention.softmax', '4A·B·L·S', 'logarithms of the sums over the rows, float32'),
    ];
  }
  if (keeps === 'none') return [];
  if (keeps === 'probabilities') {
    return [adjust('attention.scores', '-p·A·B·L·S²', 'the scores are not kept, only their softmax')];
  }
  return [
    adjust('attention.softmax', '-2p·A·B·L·S²', 'scores and probabilities are computed again in backward'),
    ...(mask && keeps === 'selective'
      ? [adjust('dropout.attention', '-A·B·L·S²', 'the mask is drawn again from its seed')]
      : []),
  ];
}

/** Masks that another adjustment takes away already, because dropout is off. */
const isAbsentMask = (id: string, dropout: ModelCard['dropout']) =>
  (id === 'dropout.attention' && dropout.attention === 0) || (id === 'dropout.residual' && dropout.residual === 0);
