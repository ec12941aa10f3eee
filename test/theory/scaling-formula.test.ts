// Formulas over real numbers: what they are worth, and how they look with numbers in.
import { describe, expect, it } from 'vitest';
import { estimate } from '../../src/theory/scaling-formula.ts';

const letters = { a: 0.5, C: 4e20, N: 9, N_c: 81, k: 3 };
const of = (formula: string) => estimate('x', 'nats', formula, letters, 'a test');

describe('a formula', () => {
  it.each([
    ['2 + 3·4', 14],
    ['2 − 3 − 4', -5],
    ['k^2^3', 6561],
    ['−k^2', -9],
    ['2k/(k + 3)k', 3],
    ['√N·[k + 1]', 12],
    ['(N_c/N)^a', 3],
    ['1.5N', 13.5],
  ])('%s = %d', (formula, value) => {
    expect(of(formula).value).toBeCloseTo(value, 12);
  });

  it('is printed with numbers, and with the letters of the question kept', () => {
    expect(of('k·C^a').numbers).toBe('3·(4·10²⁰)^0.5');
    expect(of('k·C^a').law).toBe('3·C^0.5');
    expect(of('kC + N').numbers).toBe('3·4·10²⁰ + 9');
    expect(of('k − a').numbers).toBe('3 − 0.5');
  });

  it.each([
    ['2 +', 'its end'],
    ['(k', 'its end'],
    ['k)', "')'"],
    ['k ? 2', "' ? 2'"],
  ])('%s is not one', (formula, where) => {
    expect(() => of(formula)).toThrow(where);
  });

  it('needs a value for every letter', () => {
    expect(() => of('Q')).toThrow('the letter Q has no value here');
  });
});
