// Claims S: the figures behind the verdicts, from the documents and the papers that they quote.
import { describe, expect, it } from 'vitest';
import { scalingClaims } from '../../src/audit/claims/scaling.ts';
import { evidenceOf, findingsOf, partsOf } from '../support/audit.ts';

const findings = findingsOf(scalingClaims);

describe('claims S', () => {
  it('are thirteen, and each comes to what is on record', () => {
    expect(Object.keys(findings)).toEqual(Array.from({ length: 13 }, (_, at) => `S${at + 1}`));
    for (const { claim, failure, agrees } of Object.values(findings))
      expect({ id: claim.id, failure, agrees }).toEqual({ id: claim.id, failure: undefined, agrees: true });
  });

  it.each([
    ['S1', ['approximates', 'holds']],
    ['S5', ['erratum']],
    ['S6', ['approximates', 'approximates', 'holds']],
    ['S8', ['holds']],
    ['S10', ['pending: sweeps']],
    ['S12', ['convention']],
  ])('%s: %j', (id, parts) => {
    expect(partsOf(findings[id]!)).toEqual(parts);
  });

  it('S5: the printed fit has its minimum at 32 B and 3.0 T, the re-fit at 72 B and 1.3 T', () => {
    const { printed, refit } = evidenceOf(scalingClaims, 'S5');
    expect(printed.parameters / 1e9).toBeCloseTo(32.2, 1);
    expect(printed.tokens / 1e12).toBeCloseTo(2.98, 2);
    expect(refit.parameters / 1e9).toBeCloseTo(72.4, 0);
    expect(refit.tokens / 1e12).toBeCloseTo(1.33, 2);
  });

  it('S1: serving a model makes a smaller one, trained longer, the cheapest for its loss', () => {
    const { trainingOnly, withServing, tokensPerParameter } = evidenceOf(scalingClaims, 'S1');
    expect(withServing).toBeLessThan(0.6 * trainingOnly);
    expect(trainingOnly / 1e9).toBeCloseTo(72.4, 0);
    expect(tokensPerParameter['67 B']).toBeCloseTo(22.39, 2);
  });

  it('S8: 660,520 tokens/s, 2,580 per GPU, 34.7 %, 63.1 h', () => {
    const { total, perGpu, mfu, hours } = evidenceOf(scalingClaims, 'S8');
    expect([Math.round(total), Math.round(perGpu)]).toEqual([660520, 2580]);
    expect(mfu).toBeCloseTo(0.3473, 4);
    expect(hours).toBeCloseTo(63.08, 2);
  });

  it('S6: 6ND of Gopher and Chinchilla', () => {
    const { fewer, more, compute } = evidenceOf(scalingClaims, 'S6');
    expect([fewer, more, compute].map((value) => Number(value.toFixed(3)))).toEqual([4, 4.667, 1.167]);
  });
});
