// Formulas in the documents' letters: exact values, numbers in place of letters, and refusal of what is not a formula.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateFormula, formulaWithNumbers } from '../../src/terms/formula.ts';

const letters = { B: 2n, D: 8n, E: { numerator: 11n, denominator: 4n }, L: 3n, S: 1000n };

describe('evaluateFormula', () => {
  it.each([
    ['12', 12n],
    ['B·D', 16n],
    ['2BD', 32n],
    ['2B(S + D)', 4032n],
    ['D²', 64n],
    ['2D³', 1024n],
    ['(B + L)²', 25n],
    ['S − D − B', 990n],
    ['-B + D', 6n],
    ['D·-B', -16n],
    ['S/B·L', 1500n],
    ['E·D', 22n],
    ['12BDLS(S + (2 + E)D)', 12n * 2n * 8n * 3n * 1000n * (1000n + 38n)],
  ])('%s = %s', (formula, value) => {
    expect(evaluateFormula(formula, letters)).toBe(value);
  });

  it('is exact beyond 2^53', () => {
    expect(evaluateFormula('6N·S', { N: 405_853_388_800n, S: 15_600_000_000_001n })).toBe(
      6n * 405_853_388_800n * 15_600_000_000_001n,
    );
  });

  it('agrees with arithmetic on bigints', () => {
    const letter = fc.bigInt({ min: 0n, max: 2n ** 40n });
    fc.assert(
      fc.property(letter, letter, letter, (A, B, C) => {
        expect(evaluateFormula('3A²B − 2(A + B)C + C', { A, B, C })).toBe(3n * A * A * B - 2n * (A + B) * C + C);
      }),
    );
  });

  it.each([
    ['', /'its end' was not expected/],
    ['2 +', /'its end' was not expected/],
    ['(B + D', /'its end' was not expected/],
    ['B) + D', /'\)' was not expected/],
    ['B ? D', /'\s*\? D' is not understood/],
    ['B·X', /the letter X has no value/],
    ['D/L', /gives 8\/3, which is not a whole number/],
    ['D/(B − B)', /not a whole number/],
  ])('refuses %j', (formula, sentence) => {
    expect(() => evaluateFormula(formula, letters)).toThrow(sentence);
  });
});

describe('formulaWithNumbers', () => {
  it.each([
    ['12BDLS(S + (2 + E)D)', '12·2·8·3·1,000·(1,000 + (2 + 2.75)·8)'],
    ['2D²', '2·8²'],
    ['-2B·D', '−2·2·8'],
    ['S - D', '1,000 − 8'],
    ['4096S', '4,096·1,000'],
  ])('%s reads %s', (formula, text) => {
    expect(formulaWithNumbers(formula, letters)).toBe(text);
  });
});
