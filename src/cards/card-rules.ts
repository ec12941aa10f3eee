// The rules between the fields of a model card, beyond what each field may hold by itself.
import { UserError } from '../terms/user-error.ts';
import type { ParsedModelCard } from './card-schema.ts';

/** Numbers near `value` that divide `whole`, smallest first, for advice in an error. */
function divisorsNear(whole: number, value: number): number[] {
  const divisors: number[] = [];
  for (let candidate = 1; candidate * candidate <= whole; candidate++) {
    if (whole % candidate === 0) divisors.push(candidate, whole / candidate);
  }
  const unique = [...new Set(divisors)].sort((a, b) => Math.abs(a - value) - Math.abs(b - value));
  return unique.slice(0, 3).sort((a, b) => a - b);
}

/**
 * Checks what fields ask of each other.
 * @param subject how an error names the card: "Model card 'gpt2'"
 * @throws UserError with one sentence: the field, its value, and what would be allowed
 */
export function checkArchitecture(subject: string, card: ParsedModelCard): void {
  const fail = (sentence: string): never => {
    throw new UserError(`${subject}: ${sentence}.`);
  };
  const { hidden, heads, headSize, positions, norm } = card;
  if (headSize === undefined && hidden % heads !== 0) {
    fail(
      `hidden ${hidden} does not divide by heads ${heads}; ` +
        `choose heads among ${divisorsNear(hidden, heads).join(', ')} …, or set headSize yourself`,
    );
  }
  const kvHeads = card.kvHeads ?? heads;
  if (heads % kvHeads !== 0) {
    fail(
      `heads ${heads} does not divide by kvHeads ${kvHeads}; each key/value head serves the same number of query heads, ` +
        `so choose kvHeads among ${divisorsNear(heads, kvHeads).join(', ')}`,
    );
  }
  const width = headSize ?? hidden / heads;
  if (positions.kind === 'rope' && width % 2 !== 0) {
    fail(
      `headSize ${width} is odd, and positions.kind 'rope' rotates pairs: choose an even headSize such as ${width + 1}`,
    );
  }
  if (positions.kind === 'sinusoidal' && hidden % 2 !== 0) {
    fail(
      `hidden ${hidden} is odd, and positions.kind 'sinusoidal' fills pairs: choose an even hidden such as ${hidden + 1}`,
    );
  }
  const { scaling } = positions;
  if (scaling && scaling.highFrequencyFactor <= scaling.lowFrequencyFactor) {
    fail(
      `positions.scaling.highFrequencyFactor ${scaling.highFrequencyFactor} must be greater than ` +
        `positions.scaling.lowFrequencyFactor ${scaling.lowFrequencyFactor}`,
    );
  }
  if (norm.perBlock === 1 && card.layout !== 'parallel') {
    fail(
      `norm.perBlock is 1 but layout is '${card.layout}'; only layout 'parallel' can share one norm, so set norm.perBlock to 2`,
    );
  }
  if (norm.placement === 'post' && card.layout === 'parallel') {
    fail(`norm.placement is 'post' but layout is 'parallel'; only 'pre' is defined for parallel blocks`);
  }
}
