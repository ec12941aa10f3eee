// Everything that formulas say about one model and one batch, before anything runs.
import type { ModelCard } from '../cards/model-card.ts';
import type { Count } from '../terms/quantities.ts';
import type { Term } from '../terms/term.ts';
import { countFlops, type FlopCount, type FormulaConvention } from './flops.ts';
import type { Shape } from './letters.ts';
import { documentParameters, parameterTerms, parameterTotal } from './parameters.ts';
import {
  memoryTotals,
  type OptimizerKind,
  type PredictedCategory,
  type TrainingMemory,
  trainingMemory,
} from './training-memory.ts';

/** The conventions that formulas can follow, in the order in which reports show them. */
export const FORMULA_CONVENTIONS = [
  'palm',
  'causal',
  'documents',
  '6nd',
  '6nd-no-embedding',
] as const satisfies FormulaConvention[];

/** The terms of a prediction; every number in it can be explained. */
export interface Prediction {
  readonly card: ModelCard;
  readonly shape: Shape;
  readonly parameters: {
    readonly total: Term<'parameters'>;
    readonly groups: readonly Term<'parameters'>[];
    readonly documents: Term<'parameters'>;
  };
  readonly flops: Readonly<Record<FormulaConvention, FlopCount>>;
  readonly memory: {
    readonly totals: Readonly<Record<PredictedCategory, Count<'bytes'>>>;
    readonly terms: TrainingMemory;
  };
}

/** Predicts one training step of `card` on a batch of `shape`, in float32. @throws UserError for an impossible shape */
export function predict(card: ModelCard, shape: Shape, optimizer: OptimizerKind = 'adamw'): Prediction {
  const counts = FORMULA_CONVENTIONS.map((convention) => [convention, countFlops(card, shape, convention)]);
  const memory = trainingMemory(card, shape, optimizer);
  return {
    card,
    shape,
    parameters: {
      total: parameterTotal(card),
      groups: parameterTerms(card),
      documents: documentParameters(card),
    },
    flops: Object.fromEntries(counts),
    memory: { totals: memoryTotals(memory), terms: memory },
  };
}
