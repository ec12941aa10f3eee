// How a verdict is found: from which of the predicates hold on the evidence, never from what is on record.
import {
  type AnyClaim,
  type Approximation,
  type EvidenceLine,
  isPending,
  type Part,
  type PendingPart,
  type Side,
} from './claim.ts';
import type { AuditContext } from './context.ts';
import { type Pending, VERDICTS, type Verdict } from './vocabulary.ts';

/** A statement that is neither true as printed nor anything else that its predicates could show. */
export class UndecidedError extends Error {
  override readonly name = 'UndecidedError';
}

/** What one part came to. */
export interface PartFinding {
  readonly says: string;
  readonly recorded: Verdict | Pending;
  readonly verdict: Verdict | Pending;
  /** The correction, the sides, the ratios, or what is missing. */
  readonly because: readonly EvidenceLine[];
}

/** What one claim came to. */
export interface Finding {
  readonly claim: AnyClaim;
  /** What the parts come to together; absent where the check failed to run. */
  readonly verdict?: Verdict | Pending;
  readonly recorded: Verdict | Pending;
  readonly parts: readonly PartFinding[];
  readonly brief: string;
  readonly details: readonly EvidenceLine[];
  /** Why the check failed to run. */
  readonly failure?: string;
  /** Every part ran and came to what is on record. */
  readonly agrees: boolean;
}

/** The verdict of one part on its evidence. @throws UndecidedError where no rule applies, or more than one */
export function verdictOf<E>(part: Part<E>, evidence: E): Verdict {
  const printed = part.asPrinted(evidence);
  const corrected = part.corrected?.(evidence);
  if (printed) {
    if (corrected)
      throw new UndecidedError('both what is printed and its correction are true: the evidence cannot tell');
    return 'holds';
  }
  if (corrected) return 'erratum';
  if (part.approximation && isNear(part.approximation, evidence)) return 'approximates';
  if (part.sides && part.sides.length > 1 && part.sides.every((side) => isRightInItsPlace(side, evidence))) {
    return 'convention';
  }
  throw new UndecidedError('false as printed, and nothing else that was tried is true');
}

const isNear = <E>({ ratios, within: [low, high] }: Approximation<E>, evidence: E) => {
  const values = Object.values(ratios(evidence));
  return values.length > 0 && values.every((ratio) => ratio >= low && ratio <= high);
};

const isRightInItsPlace = <E>({ holds, holdsElsewhere }: Side<E>, evidence: E) =>
  holds(evidence) && !holdsElsewhere(evidence);

/** Makes the evidence of a claim and applies its predicates. Never throws: a check that fails to run is a finding too. */
export function examine(claim: AnyClaim, context: AuditContext): Finding {
  const recorded = weightiest(claim.parts.map((part) => part.recorded));
  try {
    const decided = claim.parts.some((part) => !isPending(part));
    const evidence: unknown = decided ? claim.evidence(context) : undefined;
    const parts = claim.parts.map((part) => findPart(part, evidence));
    return {
      claim,
      recorded,
      verdict: weightiest(parts.map(({ verdict }) => verdict)),
      parts,
      brief: decided ? claim.brief(evidence) : '',
      details: decided ? (claim.details?.(evidence) ?? []) : [],
      agrees: parts.every((part) => part.verdict === part.recorded),
    };
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error);
    return { claim, recorded, parts: [], brief: '', details: [], failure, agrees: false };
  }
}

function findPart(part: Part<unknown> | PendingPart, evidence: unknown): PartFinding {
  const { says, recorded } = part;
  if (isPending(part)) {
    return { says, recorded, verdict: part.recorded, because: [{ label: 'missing', value: part.missing }] };
  }
  const verdict = orSayWhere(part, evidence);
  return { says, recorded, verdict, because: reasons(part, verdict, evidence) };
}

/** The verdict; an error that names the part and, for a rule of thumb, how far off it is. */
function orSayWhere(part: Part<unknown>, evidence: unknown): Verdict {
  try {
    return verdictOf(part, evidence);
  } catch (error) {
    if (!(error instanceof UndecidedError)) throw error;
    const ratios = Object.entries(part.approximation?.ratios(evidence) ?? {});
    const off = ratios.map(([label, ratio]) => `${label} ${ratio.toPrecision(4)}`).join(', ');
    throw new UndecidedError(`"${part.says}" is ${error.message}${off && ` (ratios: ${off})`}`);
  }
}

function reasons(part: Part<unknown>, verdict: Verdict, evidence: unknown): EvidenceLine[] {
  if (verdict === 'erratum') return [{ label: 'should be', value: part.shouldBe ?? '' }];
  if (verdict === 'convention') {
    return part.sides!.map(({ who, says, when }) => ({ label: who, value: says, note: `when ${when}` }));
  }
  if (verdict === 'approximates') {
    const { ratios, until } = part.approximation!;
    const rows = Object.entries(ratios(evidence)).map(([label, ratio]) => ({
      label,
      value: `${ratio.toPrecision(4)}×`,
      note: 'rule ÷ exact',
    }));
    return [...rows, { label: 'good until', value: until(evidence) }];
  }
  return [];
}

/** What the parts' verdicts come to: the weightiest of them, but `pending` where the first part, the main one, is. */
export function weightiest(verdicts: readonly (Verdict | Pending)[]): Verdict | Pending {
  const [main] = verdicts as [Verdict | Pending];
  if (main.startsWith('pending')) return main;
  return VERDICTS.find((verdict) => verdicts.includes(verdict)) ?? main;
}
