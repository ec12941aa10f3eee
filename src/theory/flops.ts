// Floating point operations of matrix products, forward and backward, term by term, under every convention of counting.
// A multiply-add is 2 FLOPs throughout.
import type { ModelCard } from '../cards/model-card.ts';
import type { Letters } from '../terms/formula.ts';
import { type Term, term, totalTerm } from '../terms/term.ts';
import type { Convention, ForwardTerm } from '../terms/vocabulary.ts';
import { type Shape, shapeLetters } from './letters.ts';
import { countParameters, matmulParameters, nonEmbeddingParameters } from './parameters.ts';

export type FlopTerm = Term<'FLOPs'>;

/** FLOPs of a pass over one batch, in parts and together. */
export interface FlopCount {
  readonly forward: Term<'FLOPs', 'forward'>;
  readonly forwardBackward: Term<'FLOPs', 'forwardBackward'>;
  readonly forwardTerms: readonly FlopTerm[];
  readonly backwardTerms: readonly FlopTerm[];
}

/** The conventions that need no run. */
export type FormulaConvention = Exclude<Convention, 'traced'>;

/** What each convention counts, in a few words. */
export const CONVENTION_MEANINGS: Readonly<Record<FormulaConvention, string>> = {
  '6nd': 'N is all parameters',
  '6nd-no-embedding': 'N without embedding, positions, head',
  documents: 'multi-head GELU blocks, without the head',
  palm: 'every product, full attention and head',
  causal: 'the same with half of the attention',
};

/** One matrix product: `factor` times `rest` FLOPs forward. With weights, backward has /dx and /dw; else both gradients are /dx. */
interface Product {
  readonly id: ForwardTerm | 'model';
  readonly factor: number;
  readonly rest: string;
  readonly weights: boolean;
}

function exactProducts({ mlp }: ModelCard, attentionFactor: number): Product[] {
  const product = (id: ForwardTerm, rest: string): Product => ({ id, factor: 2, rest, weights: true });
  const attention = { factor: attentionFactor, rest: 'B·L·S²·A·H', weights: false };
  return [
    product('attention.qkv', 'B·L·S·D·H(A + 2g)'),
    { id: 'attention.scores', ...attention },
    { id: 'attention.values', ...attention },
    product('attention.projection', 'B·L·S·A·H·D'),
    product('mlp.up', 'B·L·S·D·F'),
    ...(mlp.kind === 'swiglu' ? [product('mlp.gate', 'B·L·S·D·F')] : []),
    product('mlp.down', 'B·L·S·F·D'),
    product('head.logits', 'B·S·V·D'),
  ];
}

/** Section 3.1 as printed: multi-head attention, two matrices in the MLP, no head. */
const DOCUMENT_PRODUCTS: readonly Product[] = [
  { id: 'attention.qkv', factor: 6, rest: 'B·L·S·D²', weights: true },
  { id: 'attention.scores', factor: 2, rest: 'B·D·L·S²', weights: false },
  { id: 'attention.values', factor: 2, rest: 'B·D·L·S²', weights: false },
  { id: 'attention.projection', factor: 2, rest: 'B·L·S·D²', weights: true },
  { id: 'mlp.up', factor: 2, rest: 'B·L·S·E·D²', weights: true },
  { id: 'mlp.down', factor: 2, rest: 'B·L·S·E·D²', weights: true },
];

const MODEL_PRODUCT: readonly Product[] = [{ id: 'model', factor: 2, rest: 'B·S·N', weights: true }];

/** Adds up products, under a formula for the forward pass and one for both passes. */
function flopCount(
  products: readonly Product[],
  letters: Letters,
  forward: string,
  forwardBackward: string,
  source: string,
): FlopCount {
  const flops = (id: string, factor: number, rest: string) =>
    term(id, 'FLOPs', factor === 1 ? rest : `${factor}${rest}`, letters, source);
  const forwardTerms = products.map(({ id, factor, rest }) => flops(id, factor, rest));
  const backwardTerms = products.flatMap(({ id, factor, rest, weights }) =>
    weights
      ? [flops(`${id}/dx`, factor, rest), flops(`${id}/dw`, factor, rest)]
      : [flops(`${id}/dx`, 2 * factor, rest)],
  );
  const both = [...forwardTerms, ...backwardTerms];
  return {
    forward: totalTerm('forward', forwardTerms, 'FLOPs', forward, letters, source),
    forwardBackward: totalTerm('forwardBackward', both, 'FLOPs', forwardBackward, letters, source),
    forwardTerms,
    backwardTerms,
  };
}

/**
 * The matrix products of one batch, counted under one convention. M in the formulas is the number of weights in matrix
 * products, head included; N the parameters that the convention counts.
 */
export function countFlops(card: ModelCard, shape: Shape, convention: FormulaConvention): FlopCount {
  const letters = shapeLetters(card, shape);
  const exact = { ...letters, M: matmulParameters(card) };
  switch (convention) {
    case '6nd':
      return sixNd({ ...letters, N: countParameters(card).total }, 'decoder-only (3.3), training-llms');
    case '6nd-no-embedding':
      return sixNd({ ...letters, N: nonEmbeddingParameters(card) }, 'Kaplan et al. 2020, 2.1');
    case 'documents': {
      const [forward, both] = ['4B·D·L·S(S + (2 + E)D)', '12B·D·L·S(S + (2 + E)D)'];
      return flopCount(DOCUMENT_PRODUCTS, letters, forward, both, 'decoder-only 3.1, (3.2)');
    }
    case 'palm': {
      const [forward, both] = ['2B·S·M + 4B·L·S²·A·H', '6B·S·M + 12B·L·S²·A·H'];
      return flopCount(
        exactProducts(card, 2),
        exact,
        forward,
        both,
        'Chowdhery et al. 2022, appendix B, with exact weights',
      );
    }
    case 'causal': {
      const [forward, both] = ['2B·S·M + 2B·L·S²·A·H', '6B·S·M + 6B·L·S²·A·H'];
      return flopCount(exactProducts(card, 1), exact, forward, both, 'full attention, halved');
    }
  }
}

const sixNd = (letters: Letters, source: string) => flopCount(MODEL_PRODUCT, letters, '2B·S·N', '6B·S·N', source);
