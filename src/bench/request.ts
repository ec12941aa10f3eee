// What a benchmark was asked for: cards with their shapes, and the backends to run them on, checked before anything starts.
import type { ModelCard } from '../cards/model-card.ts';
import { type BackendName, backendNames } from '../engine/backends.ts';
import { UserError, unknownName } from '../terms/user-error.ts';
import { expectedPeak } from '../training/memory-check.ts';

/** The cards that are compared where nobody names others. */
export const defaultArchs = ['gpt-small', 'llama3-small', 'mqa-small'] as const;

/** One model at one shape. */
export interface Subject {
  readonly card: ModelCard;
  readonly batch: number;
  readonly sequence: number;
}

export interface ChosenBackends {
  readonly names: readonly BackendName[];
  /** Nobody named them: one that does not work here is left out with a remark. */
  readonly byDefault: boolean;
}

/** The backends to measure: those named, or all but plain JavaScript. @throws UserError for an unknown or repeated name */
export function chooseBackends(names: readonly string[] | undefined): ChosenBackends {
  if (names === undefined) return { names: backendNames.filter((name) => name !== 'cpu'), byDefault: true };
  for (const [at, name] of names.entries()) {
    if (!(backendNames as readonly string[]).includes(name)) throw unknownName('backend', name, backendNames);
    if (names.indexOf(name) !== at) throw new UserError(`--backends names ${name} twice: name it once.`);
  }
  return { names: names as readonly BackendName[], byDefault: false };
}

/**
 * The card at a shape.
 * @param availableBytes memory that a process may still use
 * @throws UserError where the sequence is longer than the context, or a step would not fit into memory
 */
export function subjectOf(card: ModelCard, batch: number, seq: number | undefined, availableBytes: number): Subject {
  const sequence = seq ?? card.context;
  if (sequence > card.context) {
    throw new UserError(
      `--seq ${sequence} is longer than the context of ${card.name}, ${card.context}: give at most ${card.context}, or --set context=${sequence}.`,
    );
  }
  const needed = expectedPeak(card, { batch, sequence }, 'adamw');
  if (needed > availableBytes) {
    const gb = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
    throw new UserError(
      `A step of ${card.name} on ${batch} × ${sequence} tokens needs about ${gb(needed)}, and ${gb(availableBytes)} are free: give a smaller --batch or --seq, or a smaller card.`,
    );
  }
  return { card, batch, sequence };
}
