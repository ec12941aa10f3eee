// The audit's claims in tests: cards and hardware that ship, measurements that are handed in.
import type { AnyClaim } from '../../src/audit/claim.ts';
import type { AuditContext } from '../../src/audit/context.ts';
import { examine, type Finding } from '../../src/audit/verdict.ts';
import { loadModelCard } from '../../src/node/cards.ts';
import { loadHardware } from '../../src/node/hardware.ts';

/** What claims see; a claim that asks for a measurement which is not there fails. */
export const auditContext = (measurements: Readonly<Record<string, unknown>> = {}): AuditContext => ({
  card: (arch, set = []) => loadModelCard({ arch, set: [...set] }),
  hardware: loadHardware,
  measured: ({ id, schema }) => schema.parse(measurements[id]),
});

/** Every claim examined, by id. */
export const findingsOf = (
  claims: readonly AnyClaim[],
  measurements?: Readonly<Record<string, unknown>>,
): Record<string, Finding> =>
  Object.fromEntries(claims.map((claim) => [claim.id, examine(claim, auditContext(measurements))]));

/** The evidence of one claim, as its predicates see it. */
// biome-ignore lint/suspicious/noExplicitAny: each claim has evidence of its own type
export const evidenceOf = (claims: readonly AnyClaim[], id: string): any =>
  claims.find((claim) => claim.id === id)!.evidence(auditContext());

/** The verdict of each part of a finding. */
export const partsOf = ({ parts }: Finding): string[] => parts.map(({ verdict }) => verdict);
