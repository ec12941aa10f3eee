// The named term: one row of a ledger, with its formula, the formula with numbers in, its exact value and where it comes from.
import { evaluateFormula, formulaWithNumbers, type Letters } from './formula.ts';
import { type Count, sum, type Unit } from './quantities.ts';

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

/**
 * The sum of terms under one formula of its own. The value is the sum; a formula that says something else is a mistake
 * in the program, so it throws.
 */
export function totalTerm<U extends Unit, Id extends string>(
  id: Id,
  parts: readonly Term<NoInfer<U>>[],
  unit: U,
  formula: string,
  letters: Letters,
  source: string,
): Term<U, Id> {
  const total = term(id, unit, formula, letters, source);
  const { value } = sum(unit, parts);
  if (value !== total.value) {
    const ids = parts.map((part) => part.id).join(' + ');
    throw new Error(`${id}: ${formula} = ${total.numbers} = ${total.value}, but ${ids} = ${value}`);
  }
  return total;
}
