// The audit: every claim examined, the measurements that each rests on, and the counts for the head of the report.
import type { AnyClaim } from './claim.ts';
import type { AnyMeasurement, AuditContext, Measurement } from './context.ts';
import { examine, type Finding } from './verdict.ts';
import { VERDICTS, type Verdict } from './vocabulary.ts';

/** A finding with the measurements that its evidence looked at. */
export interface Audited extends Finding {
  readonly measurements: readonly AnyMeasurement[];
}

/** How many claims came to what. */
export interface AuditCounts extends Readonly<Record<Verdict, number>> {
  readonly claims: number;
  readonly pending: number;
  /** Claims with a verdict and something still to decide. */
  readonly partlyPending: number;
  /** Checks that failed to run. */
  readonly failed: number;
  /** Checks that ran and came to something else than what is on record. */
  readonly differ: number;
}

/** Examines claims one after the other. Never throws for a claim: what failed says so. */
export function audit(claims: readonly AnyClaim[], context: AuditContext): Audited[] {
  return claims.map((claim) => {
    const measurements = new Set<AnyMeasurement>();
    const measured = <T>(measurement: Measurement<T>): T => {
      measurements.add(measurement);
      return context.measured(measurement);
    };
    return { ...examine(claim, { ...context, measured }), measurements: [...measurements] };
  });
}

/** The counts at the head of the report. */
export function countFindings(findings: readonly Finding[]): AuditCounts {
  const many = (test: (finding: Finding) => boolean) => findings.filter(test).length;
  const isPending = (verdict: string | undefined) => verdict?.startsWith('pending') ?? false;
  const byVerdict = VERDICTS.map((verdict) => [verdict, many((finding) => finding.verdict === verdict)]);
  return {
    ...(Object.fromEntries(byVerdict) as Record<Verdict, number>),
    claims: findings.length,
    pending: many(({ verdict }) => isPending(verdict)),
    partlyPending: many(({ verdict, parts }) => !isPending(verdict) && parts.some((part) => isPending(part.verdict))),
    failed: many(({ failure }) => failure !== undefined),
    differ: many(({ failure, agrees }) => failure === undefined && !agrees),
  };
}
