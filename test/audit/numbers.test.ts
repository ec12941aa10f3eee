// Claims N: the figures behind the verdicts.
import { describe, expect, it } from 'vitest';
import { numberClaims } from '../../src/audit/claims/numbers.ts';
import { evidenceOf, findingsOf, partsOf } from '../support/audit.ts';

const findings = findingsOf(numberClaims);

describe('claims N', () => {
  it('are five, and each comes to what is on record', () => {
    expect(Object.keys(findings)).toEqual(['N1', 'N2', 'N3', 'N4', 'N5']);
    for (const { claim, failure, agrees } of Object.values(findings))
      expect({ id: claim.id, failure, agrees }).toEqual({ id: claim.id, failure: undefined, agrees: true });
  });

  it.each([
    ['N3', ['holds', 'holds', 'erratum', 'erratum', 'erratum']],
    ['N4', ['holds', 'pending: generation']],
    ['N5', ['erratum']],
  ])('%s: %j', (id, parts) => {
    expect(partsOf(findings[id]!)).toEqual(parts);
  });

  it('N3: 3.1415927 and 3.140625, 24 printed digits', () => {
    const { pi, half, printedDigits } = evidenceOf(numberClaims, 'N3');
    expect(pi.value).toBe(Math.fround(Math.PI));
    expect(half.value).toBe(3.140625);
    expect(printedDigits).toBe(24);
  });

  it('N5: with the product the error is thousands of steps', () => {
    for (const { printed, corrected, step } of evidenceOf(numberClaims, 'N5')) {
      expect(printed).toBeGreaterThan(1000 * step);
      expect(corrected).toBeLessThanOrEqual(step);
    }
  });
});
