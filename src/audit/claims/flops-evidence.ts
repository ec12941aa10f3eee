// The measured passes beside the documents' counts: what the claims on FLOPs are judged by.
import type { ModelCard } from '../../cards/model-card.ts';
import { evaluateFormula } from '../../terms/formula.ts';
import { countFlops, type FormulaConvention } from '../../theory/flops.ts';
import { type Shape, shapeLetters } from '../../theory/letters.ts';
import type { AuditContext } from '../context.ts';
import { type FlopCase, matmulFlops, productsOf } from '../measurements/matmul-flops.ts';

export const both = (card: ModelCard, shape: Shape, convention: FormulaConvention) =>
  Number(countFlops(card, shape, convention).forwardBackward.value);

export const formula = (text: string, card: ModelCard, shape: Shape) =>
  Number(evaluateFormula(text, shapeLetters(card, shape)));

/** Each measured case with its card. */
export const cases = ({ card, measured }: AuditContext) =>
  measured(matmulFlops).map((counted) => ({ counted, model: card(counted.card), shape: counted as Shape }));

export type Case = ReturnType<typeof cases>[number];

/** The cards that section 3.1 is about: multi-head attention and two matrices in the MLP. */
export const isAsDocumented = ({ model }: Case) => model.heads === model.kvHeads && model.mlp.kind !== 'swiglu';

export const executed = (counted: FlopCase) => productsOf(counted, 'forward') + productsOf(counted, 'backward');

export const headOf = (counted: FlopCase) =>
  ['head.logits', 'head.logits/dx', 'head.logits/dw'].map(
    (term) => productsOf(counted, 'forward', term) + productsOf(counted, 'backward', term),
  );

export const caseName = ({ counted }: Case) => `${counted.card}, ${counted.batch} × ${counted.sequence}`;
