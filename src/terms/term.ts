// The named term: one row of a ledger, with its formula, the formula with numbers in, its exact value and where it comes from.
import { evaluateFormula, formulaWithNumbers, type Letters } from './formula.ts';
import type { Count, Unit } from './quantities.ts';

/** A quantity that can be explained and subtracted: two terms with the same id count the same piece of work or memory. */
export interface Term<U extends Unit = Unit, Id extends string = string> extends Count<U> {
  /** A word of the shared vocabulary. */
  readonly id: Id;
  /** In the documents' letters: `2BLSD·F`. */
  readonly formula: string;
  /** The formula with numbers in the places of letters. */
  readonly numbers: string;
  /** Document and equation, or what else it rests on. */
  readonly source: string;
}

/** A term whose value is what its formula says. */
export function term<U extends Unit, Id extends string>(
  id: Id,
  unit: U,
  formula: string,
  letters: Letters,
  source: string,
): Term<U, Id> {
  return {
    id,
    unit,
    value: evaluateFormula(formula, letters),
    formula,
    numbers: formulaWithNumbers(formula, letters),
    source,
  };
}
