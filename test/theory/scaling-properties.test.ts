// Scaling laws for any fit and budget: the closed form against a numeric minimum, monotony, and ways back.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ParametricFit } from '../../src/theory/scaling-fits.ts';
import { SCALING_LAWS } from '../../src/theory/scaling-laws.ts';
import {
  isoFlopCurve,
  lossTerms,
  optimumForParameters,
  optimumForTokens,
  parametricLoss,
  parametricOptimum,
  tokensToReach,
} from '../../src/theory/scaling-parametric.ts';

const ratio = (value: number, expected: number) => Math.abs(value / expected - 1);
const anyBudget = fc.double({ min: 15, max: 30, noNaN: true }).map((exponent) => 10 ** exponent);
const anyCount = fc.double({ min: 6, max: 14, noNaN: true }).map((exponent) => 10 ** exponent);
const anyFit: fc.Arbitrary<ParametricFit> = fc.record({
  name: fc.constant('any'),
  title: fc.constant('any fit'),
  source: fc.constant('a test'),
  E: fc.double({ min: 0, max: 3, noNaN: true }),
  A: fc.double({ min: 10, max: 5000, noNaN: true }),
  B: fc.double({ min: 10, max: 5000, noNaN: true }),
  alpha: fc.double({ min: 0.2, max: 0.6, noNaN: true }),
  beta: fc.double({ min: 0.2, max: 0.6, noNaN: true }),
});

describe('for any fit and budget', () => {
  it('the closed form is the minimum along C = 6ND', () => {
    fc.assert(
      fc.property(anyFit, anyBudget, (fit, budget) => {
        const { parameters, tokens } = parametricOptimum(fit, budget);
        expect(ratio(6 * parameters.value * tokens.value, budget)).toBeLessThan(1e-9);
        const excess = (logSize: number) =>
          parametricLoss({ ...fit, E: 0 }, Math.exp(logSize), budget / (6 * Math.exp(logSize)));
        // Golden-section search over the logarithm, in which the sum of two exponentials is convex.
        let [low, high] = [Math.log(1e-6), Math.log(budget)];
        const golden = (Math.sqrt(5) - 1) / 2;
        for (let step = 0; step < 120; step++) {
          const [left, right] = [high - golden * (high - low), low + golden * (high - low)];
          if (excess(left) < excess(right)) high = right;
          else low = left;
        }
        expect(Math.abs((low + high) / 2 - Math.log(parameters.value))).toBeLessThan(1e-5);
      }),
    );
  });

  it('formulas and functions agree', () => {
    fc.assert(
      fc.property(anyFit, anyCount, anyCount, (fit, parameters, tokens) => {
        const { entropy, parameters: size, tokens: length, total } = lossTerms(fit, parameters, tokens);
        expect(ratio(total.value, parametricLoss(fit, parameters, tokens))).toBeLessThan(1e-12);
        expect(ratio(entropy.value + size.value + length.value, total.value)).toBeLessThan(1e-12);
      }),
    );
  });

  it('the loss falls with parameters, with tokens and with the budget', () => {
    const grows = fc.double({ min: 1.01, max: 100, noNaN: true });
    fc.assert(
      fc.property(anyFit, anyCount, anyCount, grows, (fit, parameters, tokens, factor) => {
        const loss = parametricLoss(fit, parameters, tokens);
        expect(parametricLoss(fit, parameters * factor, tokens)).toBeLessThan(loss);
        expect(parametricLoss(fit, parameters, tokens * factor)).toBeLessThan(loss);
        expect(loss).toBeGreaterThan(fit.E);
        const reached = tokensToReach(fit, parameters, loss);
        expect(ratio(parametricLoss(fit, parameters, reached), loss)).toBeLessThan(1e-9);
      }),
    );
  });

  it('budget, parameters and tokens of an optimum lead back to one another, by every law', () => {
    fc.assert(
      fc.property(fc.constantFrom(...SCALING_LAWS), anyBudget, (law, budget) => {
        const { parameters, tokens } = law.allocate({ budget });
        for (const question of [{ parameters: parameters.value }, { tokens: tokens.value }]) {
          const again = law.allocate(question);
          expect(ratio(again.budget.value, budget)).toBeLessThan(1e-6);
          expect(ratio(again.parameters.value, parameters.value)).toBeLessThan(1e-6);
          expect(ratio(again.tokens.value, tokens.value)).toBeLessThan(1e-6);
        }
        const more = law.allocate({ budget: 10 * budget });
        expect(more.parameters.value).toBeGreaterThan(parameters.value);
        expect(more.tokens.value).toBeGreaterThan(tokens.value);
      }),
    );
  });

  it('the closed forms for a given size or text balance αA/N^α against βB/D^β', () => {
    fc.assert(
      fc.property(anyFit, anyCount, (fit, given) => {
        for (const { parameters, tokens } of [optimumForParameters(fit, given), optimumForTokens(fit, given)]) {
          const [left, right] = [
            (fit.alpha * fit.A) / parameters.value ** fit.alpha,
            (fit.beta * fit.B) / tokens.value ** fit.beta,
          ];
          expect(ratio(left, right)).toBeLessThan(1e-9);
        }
      }),
    );
  });

  it('an iso-FLOP curve has its valley at the optimum, and every point costs the budget', () => {
    fc.assert(
      fc.property(anyFit, anyBudget, (fit, budget) => {
        const curve = isoFlopCurve(fit, budget, 41, 100);
        const losses = curve.map(({ loss }) => loss);
        const middle = losses[20]!;
        for (const loss of losses) expect(loss).toBeGreaterThanOrEqual(middle);
        for (const point of curve) expect(ratio(point.budget, budget)).toBeLessThan(1e-9);
        expect(losses[0]).toBeGreaterThan(losses[10]!);
        expect(losses[40]).toBeGreaterThan(losses[30]!);
      }),
    );
  });
});
