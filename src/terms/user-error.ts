// An error that a person can act on: one sentence with what was wrong, the value, and what is allowed.
import { distance } from 'fastest-levenshtein';

/** Thrown for bad input. Commands print its message without a stack trace and exit with code 1. */
export class UserError extends Error {
  override readonly name = 'UserError';
}

/** The candidates that look most like `value`, nearest first; at most `most` of them. */
export function nearest(value: string, candidates: readonly string[], most = 3): string[] {
  const scored = candidates.map((candidate) => ({
    candidate,
    score: distance(value.toLowerCase(), candidate.toLowerCase()),
  }));
  scored.sort((a, b) => a.score - b.score || (a.candidate < b.candidate ? -1 : 1));
  const limit = Math.max(2, Math.ceil(value.length / 2));
  const close = scored.filter((entry) => entry.score <= limit);
  return (close.length > 0 ? close : scored).slice(0, most).map((entry) => entry.candidate);
}

/** "Unknown arch 'gtp-small': did you mean gpt-small, …?" as an error ready to throw. */
export function unknownName(kind: string, value: string, candidates: readonly string[]): UserError {
  if (candidates.length === 0) return new UserError(`Unknown ${kind} '${value}': there is none to choose from.`);
  return new UserError(`Unknown ${kind} '${value}': did you mean ${nearest(value, candidates).join(', ')}?`);
}
