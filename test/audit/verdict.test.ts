// How a verdict follows from predicates, on made-up claims.
import { describe, expect, it } from 'vitest';
import { audit, countFindings } from '../../src/audit/audit.ts';
import { type AnyClaim, type Claim, claim, type Part } from '../../src/audit/claim.ts';
import { type AuditContext, MissingMeasurementError } from '../../src/audit/context.ts';
import { examine, UndecidedError, verdictOf } from '../../src/audit/verdict.ts';

const context: AuditContext = {
  card: () => {
    throw new Error('no cards here');
  },
  hardware: () => {
    throw new Error('no hardware here');
  },
  measured: ({ id }) => {
    throw new MissingMeasurementError(id);
  },
};

const part = (rest: Partial<Part<number>>): Part<number> => ({
  says: 'it is 2',
  recorded: 'holds',
  asPrinted: (value) => value === 2,
  ...rest,
});
const side = (value: number, elsewhere: number) => ({
  who: `counter of ${value}`,
  says: String(value),
  when: 'it counts',
  holds: (evidence: number) => evidence >= value,
  holdsElsewhere: (evidence: number) => evidence < elsewhere,
});
const approximation = {
  ratios: (value: number) => ({ here: 2 / value }),
  within: [0.5, 1] as const,
  until: () => 'it is 5',
};
const correction = { corrected: (value: number) => value === 3, shouldBe: '3' };

const made = (rest: Partial<Claim<number>>, ...parts: Claim<number>['parts']): AnyClaim =>
  claim<number>({
    id: 'X1',
    documents: ['decoder-only'],
    where: '(0.0)',
    statement: 'x = 2',
    kinds: ['arithmetic'],
    evidence: () => 3,
    brief: (value) => `x is ${value}`,
    parts,
    ...rest,
  });

describe('the verdict of a part', () => {
  it.each([
    ['true as printed', part({}), 2, 'holds'],
    ['true as printed, with a correction that is false', part(correction), 2, 'holds'],
    ['false as printed, its correction true', part(correction), 3, 'erratum'],
    ['near enough', part({ approximation }), 3, 'approximates'],
    ['exact where it could be near', part({ approximation }), 2, 'holds'],
    ['sides that are right in their own places', part({ sides: [side(3, 3), side(1, 2)] }), 3, 'convention'],
  ])('%s', (_, tested, evidence, verdict) => {
    expect(verdictOf(tested, evidence)).toBe(verdict);
  });

  it.each([
    ['false, and nothing else', part({}), 3],
    ['false, and so is its correction', part(correction), 4],
    ['both true: the evidence cannot tell', part({ ...correction, corrected: () => true }), 2],
    ['too far for a rule of thumb', part({ approximation }), 5],
    ['a rule of thumb without cases', part({ approximation: { ...approximation, ratios: () => ({}) } }), 3],
    ['a side that is wrong in its own place', part({ sides: [side(3, 3), side(4, 2)] }), 3],
    ['a side that is right elsewhere too', part({ sides: [side(3, 3), side(1, 9)] }), 3],
    ['one side alone', part({ sides: [side(3, 3)] }), 3],
  ])('undecided: %s', (_, tested, evidence) => {
    expect(() => verdictOf(tested, evidence)).toThrow(UndecidedError);
  });
});

describe('a claim', () => {
  const pending = { says: 'later', recorded: 'pending: ranks', missing: 'several ranks' } as const;

  it('counts as its weightiest part', () => {
    const two = part({ ...correction, recorded: 'erratum' });
    const three = part({ asPrinted: () => true });
    expect(examine(made({}, three, two), context)).toMatchObject({ verdict: 'erratum', agrees: true });
  });

  it('is pending while its main part is, and partly pending for any other', () => {
    const holds = part({ asPrinted: () => true });
    const findings = [made({}, pending, holds), made({}, holds, pending)].map((each) => examine(each, context));
    expect(findings.map(({ verdict }) => verdict)).toEqual(['pending: ranks', 'holds']);
    expect(countFindings(findings)).toMatchObject({ claims: 2, holds: 1, pending: 1, partlyPending: 1, differ: 0 });
  });

  it('needs no evidence while all of it is pending', () => {
    const evidence = () => {
      throw new Error('asked for');
    };
    expect(examine(made({ evidence }, pending), context)).toMatchObject({ verdict: 'pending: ranks', agrees: true });
  });

  it('disagrees where the verdict is not the one on record', () => {
    const finding = examine(made({}, part({ asPrinted: (value) => value === 3, recorded: 'erratum' })), context);
    expect(finding).toMatchObject({ verdict: 'holds', recorded: 'erratum', agrees: false });
    expect(finding.failure).toBeUndefined();
    expect(countFindings([finding])).toMatchObject({ differ: 1, failed: 0 });
  });

  it('says why its check failed to run, and how far off a rule of thumb is', () => {
    const far = { ...approximation, within: [0.9, 1] as const };
    const finding = examine(made({}, part({ approximation: far, recorded: 'approximates' })), context);
    expect(finding).toMatchObject({ agrees: false });
    expect(finding.failure).toMatch(/"it is 2" is false as printed.*ratios: here 0\.6667/);
    expect(countFindings([finding])).toMatchObject({ differ: 0, failed: 1 });
  });

  it('fails where its measurement was never made, and remembers which it is', () => {
    const measurement = { id: 'missing-one', title: '', backend: 'cpu', schema: undefined!, run: undefined! } as const;
    const [finding] = audit([made({ evidence: ({ measured }) => measured(measurement) }, part({}))], context);
    expect(finding!.failure).toContain("'missing-one' was never made");
    expect(finding!.measurements).toEqual([measurement]);
  });
});
