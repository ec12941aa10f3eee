// What a claim of a document is: a statement with executable predicates, the evidence they are evaluated on, and the verdict on record.

import type { AuditContext } from './context.ts';
import type { DocumentName, EvidenceKind, Pending, Verdict } from './vocabulary.ts';

/** One row of what `--claim ID` shows. */
export interface EvidenceLine {
  readonly label: string;
  readonly value: string;
  /** A formula, a source, a remark. */
  readonly note?: string;
}

/** How far a rule of thumb is from the exact count. */
export interface Approximation<E> {
  /** Rule ÷ exact, for each case in which the rule is meant to be used. */
  readonly ratios: (evidence: E) => Readonly<Record<string, number>>;
  /** The ratios between which the rule is still an approximation. */
  readonly within: readonly [low: number, high: number];
  /** Where the rule stops being good, with numbers: a ratio outside `within`, and when it is reached. */
  readonly until: (evidence: E) => string;
}

/** One way of counting, right under a condition of its own. */
export interface Side<E> {
  /** Who counts so: a document, or a paper. */
  readonly who: string;
  readonly says: string;
  /** The condition under which it is right. */
  readonly when: string;
  /** True under that condition. */
  readonly holds: (evidence: E) => boolean;
  /** The same statement under the condition of the other side; false, or else there is nothing to disagree about. */
  readonly holdsElsewhere: (evidence: E) => boolean;
}

/**
 * One statement of a claim with what decides it. Its verdict follows from which predicates hold:
 * `holds` where it is true as printed; `erratum` where it is false as printed and the correction is true; `approximates` where it is
 * false as an equality and near enough; `convention` where every side is true under its own condition only.
 */
export interface Part<E> {
  /** What the document says, in our own words. */
  readonly says: string;
  /** The verdict on record; `pending` in its place where what it needs does not exist yet. */
  readonly recorded: Verdict;
  /** Whether the statement is true as printed. */
  readonly asPrinted: (evidence: E) => boolean;
  /** The correction, where there is one: false where the statement as printed is right. */
  readonly corrected?: (evidence: E) => boolean;
  /** The correction in words, without "should be": `66D + 9AS`. */
  readonly shouldBe?: string;
  readonly approximation?: Approximation<E>;
  readonly sides?: readonly Side<E>[];
}

/** A statement that cannot be decided yet. */
export interface PendingPart {
  readonly says: string;
  readonly recorded: Pending;
  /** What is missing, in a sentence. */
  readonly missing: string;
}

/** A claim of one or more documents. `E` is whatever its predicates need, made once by `evidence`. */
export interface Claim<E = unknown> {
  /** A letter and a number: `A5`. */
  readonly id: string;
  readonly documents: readonly DocumentName[];
  /** Section or equation, `(2.8)`. */
  readonly where: string;
  /** In our own words, with the formula. */
  readonly statement: string;
  readonly kinds: readonly EvidenceKind[];
  /** Everything that the predicates look at. Throws where the evidence cannot be had. */
  readonly evidence: (context: AuditContext) => E;
  /** The first part is the main one: while it is pending, so is the claim. Else a claim counts as its weightiest part. */
  readonly parts: readonly (Part<E> | PendingPart)[];
  /** The evidence in a few words, for the one line of `yarn audit`. */
  readonly brief: (evidence: E) => string;
  /** The evidence in rows. */
  readonly details?: (evidence: E) => readonly EvidenceLine[];
  /** For a claim with an erratum: what is wrong and why, in two sentences that a student understands. */
  readonly explanation?: string;
}

// A list holds claims with evidence of any type; each is only ever applied to its own.
// biome-ignore lint/suspicious/noExplicitAny: see above
export type AnyClaim = Claim<any>;

/** Gives a claim the type of its evidence by inference, and forgets it. */
export const claim = <E>(given: Claim<E>): AnyClaim => given;

/** Whether a part waits for something. */
export const isPending = <E>(part: Part<E> | PendingPart): part is PendingPart => 'missing' in part;
