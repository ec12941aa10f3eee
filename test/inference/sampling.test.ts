// The next token: greedy, temperature, top-k, and frequencies that are the model's probabilities.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { uniform } from '../../src/engine/random.ts';
import { draw, nextToken, probabilities } from '../../src/inference/sampling.ts';
import { UserError } from '../../src/terms/user-error.ts';

const of = (...values: number[]) => Float32Array.from(values);

describe('greedy', () => {
  test('is the first of the largest logits, whatever the random number', () => {
    for (const random of [0, 0.5, 0.999]) expect(nextToken(of(1, 3, 3, 2), { temperature: 0 }, random)).toBe(1);
  });

  test('never takes NaN or -∞', () => {
    expect(nextToken(of(Number.NaN, -5, Number.NEGATIVE_INFINITY), { temperature: 0 }, 0)).toBe(1);
  });

  test.each([[[Number.NaN, Number.NaN]], [[Number.NEGATIVE_INFINITY]], [[1, Number.POSITIVE_INFINITY]]])(
    '%j is refused',
    (logits) => {
      for (const temperature of [0, 1]) {
        expect(() => nextToken(of(...logits), { temperature }, 0)).toThrow(UserError);
      }
    },
  );
});

describe('probabilities', () => {
  test('are the softmax of logits over temperature', () => {
    const p = probabilities(of(1, 2, 4), { temperature: 2 });
    const weights = [0.5, 1, 2].map(Math.exp);
    const total = weights.reduce((sum, weight) => sum + weight);
    for (const [i, weight] of weights.entries()) expect(p[i]).toBeCloseTo(weight / total, 14);
  });

  test('with top-k keep the k likeliest, of equal ones the first', () => {
    const p = probabilities(of(5, 1, 5, 5, 9), { temperature: 1, topK: 3 });
    expect([...p].map((value) => value > 0)).toEqual([true, false, true, false, true]);
    expect([...probabilities(of(5, 1, 5), { temperature: 1, topK: 1 })]).toEqual([1, 0, 0]);
    expect(probabilities(of(5, 1), { temperature: 1, topK: 9 })[1]).toBeGreaterThan(0);
  });

  test('stay finite at extreme temperatures', () => {
    expect([...probabilities(of(1000, 999, -1000), { temperature: 1e-300 })]).toEqual([1, 0, 0]);
    const flat = probabilities(of(1000, 999, -1000), { temperature: 1e300 });
    for (const value of flat) expect(value).toBeCloseTo(1 / 3, 12);
  });

  test('give NaN and -∞ no chance', () => {
    const logits = of(0, Number.NaN, Number.NEGATIVE_INFINITY, 0);
    expect([...probabilities(logits, { temperature: 1 })]).toEqual([0.5, 0, 0, 0.5]);
    expect([...probabilities(logits, { temperature: 1, topK: 3 })]).toEqual([0.5, 0, 0, 0.5]);
  });

  test('add up to one over exactly k tokens, none less likely than one left out', () => {
    const logits = fc.array(fc.integer({ min: -6, max: 6 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(logits, fc.integer({ min: 1, max: 40 }), fc.double({ min: 0.1, max: 3, noNaN: true }), (l, k, t) => {
        const p = probabilities(of(...l), { temperature: t, topK: k });
        expect(p.reduce((sum, value) => sum + value)).toBeCloseTo(1, 12);
        const kept = l.filter((_, id) => p[id]! > 0);
        expect(kept.length).toBe(Math.min(k, l.length));
        expect(Math.min(...kept)).toBeGreaterThanOrEqual(Math.max(-99, ...l.filter((_, id) => p[id] === 0)));
      }),
    );
  });
});

describe('draw', () => {
  test('takes the token at which the running sum passes the random number', () => {
    const p = Float64Array.of(0.25, 0, 0.5, 0.25);
    expect([0, 0.2499, 0.25, 0.7499, 0.75, 0.9999].map((random) => draw(p, random))).toEqual([0, 0, 2, 2, 3, 3]);
  });

  test('falls on a possible token where rounding leaves the sum short', () => {
    expect(draw(Float64Array.of(0.3, 0.6, 0), 0.95)).toBe(1);
  });
});

test('frequencies match the probabilities (chi-square)', () => {
  const logits = of(2, 1, 0.5, 0, -1, -1.5, -3, 1.7);
  for (const settings of [{ temperature: 0.8 }, { temperature: 1 }, { temperature: 1.3, topK: 5 }]) {
    const p = probabilities(logits, settings);
    const draws = 20_000;
    const counts = new Float64Array(p.length);
    for (let i = 0; i < draws; i++) counts[nextToken(logits, settings, uniform(11, 'sample', i))]! += 1;
    let chiSquare = 0;
    for (const [id, expected] of p.entries()) {
      if (expected === 0) expect(counts[id]).toBe(0);
      else chiSquare += (counts[id]! - draws * expected) ** 2 / (draws * expected);
    }
    // 0.999 quantile with 7 degrees of freedom.
    expect(chiSquare).toBeLessThan(24.3);
  }
});
