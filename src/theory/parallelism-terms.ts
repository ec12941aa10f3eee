// Terms of formulas that round up, `⌈12n / Z⌉`: what a worker holds of something that does not divide evenly.
import { evaluateFormula, formulaWithNumbers, type Letters } from '../terms/formula.ts';
import type { Unit } from '../terms/quantities.ts';
import { type Term, term } from '../terms/term.ts';

const ROUNDED_UP = /⌈([^⌈⌉]*?) \/ ([^⌈⌉/]*)⌉/;

/** a / b, rounded up. */
export const dividedUp = (a: bigint, b: bigint): bigint => (a + b - 1n) / b;

/** The value of a formula in which `⌈x / y⌉` rounds up. */
function evaluateRoundedUp(formula: string, letters: Letters): bigint {
  let plain = formula;
  for (let match = ROUNDED_UP.exec(plain); match; match = ROUNDED_UP.exec(plain)) {
    const [whole, above, below] = match as unknown as [string, string, string];
    const part = dividedUp(evaluateFormula(above, letters), evaluateFormula(below, letters));
    plain = plain.replace(whole, `(${part})`);
  }
  return evaluateFormula(plain, letters);
}

/** The formula with numbers in, brackets of rounding kept. */
function numbersRoundedUp(formula: string, letters: Letters): string {
  const [before, above, below, after] = split(formula);
  if (above === undefined) return formulaWithNumbers(formula, letters);
  const inside = `⌈${formulaWithNumbers(above, letters)} / ${formulaWithNumbers(below!, letters)}⌉`;
  const head = before === '' ? '' : formulaWithNumbers(before, letters);
  const tail = after === '' ? '' : numbersRoundedUp(after!, letters);
  return `${head}${/[\p{L}\d)²³]$/u.test(head) ? '·' : ''}${inside}${/^[\d(⌈]/.test(tail) ? '·' : ''}${tail}`;
}

function split(formula: string): [string, string?, string?, string?] {
  const match = ROUNDED_UP.exec(formula);
  if (!match) return [formula];
  return [formula.slice(0, match.index), match[1], match[2], formula.slice(match.index + match[0].length)];
}

/** A term like those of `term`, in whose formula `⌈x / y⌉` rounds up. */
export function roundedTerm<U extends Unit, Id extends string>(
  id: Id,
  unit: U,
  formula: string,
  letters: Letters,
  source: string,
): Term<U, Id> {
  if (!ROUNDED_UP.test(formula)) return term(id, unit, formula, letters, source);
  const value = evaluateRoundedUp(formula, letters);
  return { id, unit, value, formula, numbers: numbersRoundedUp(formula, letters), source };
}
