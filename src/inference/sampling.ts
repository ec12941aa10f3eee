// From logits to the next token: greedy, or drawn from the probabilities that temperature and top-k leave.
import { UserError } from '../terms/user-error.ts';

export interface SamplingSettings {
  /** What logits are divided by; 0 is greedy. */
  readonly temperature: number;
  /** Only the so many most likely tokens may be drawn; all where left out. */
  readonly topK?: number;
}

/**
 * The next token.
 * @param logits [vocabulary]
 * @param random uniform in [0, 1); not used when greedy
 * @throws UserError where no logit is a number: the weights are of no use
 */
export function nextToken(logits: Float32Array, settings: SamplingSettings, random: number): number {
  const best = mostLikely(logits);
  if (settings.temperature === 0) return best;
  return draw(probabilities(logits, settings), random);
}

/** The token with the largest logit; of equal ones the first. NaN is never taken. */
function mostLikely(logits: Float32Array): number {
  let best = -1;
  let largest = Number.NEGATIVE_INFINITY;
  for (let id = 0; id < logits.length; id++) {
    if (logits[id]! > largest) {
      largest = logits[id]!;
      best = id;
    }
  }
  if (best >= 0 && Number.isFinite(largest)) return best;
  throw new UserError('The model gives no finite logits: its weights are damaged, or its training diverged.');
}

/**
 * softmax(logits / temperature) over the top-k tokens, zero elsewhere; of equal logits at the edge the first are taken.
 * @param logits [vocabulary]
 * @returns [vocabulary], adding up to 1
 */
export function probabilities(logits: Float32Array, { temperature, topK }: SamplingSettings): Float64Array {
  const result = new Float64Array(logits.length);
  const largest = logits[mostLikely(logits)]!;
  let total = 0;
  for (const id of candidates(logits, topK)) {
    // The difference is taken first, so that a tiny temperature gives 1 and 0, not ∞/∞. NaN has no chance.
    const weight = Math.exp((logits[id]! - largest) / temperature) || 0;
    result[id] = weight;
    total += weight;
  }
  for (let id = 0; id < result.length; id++) result[id]! /= total;
  return result;
}

function candidates(logits: Float32Array, topK = logits.length): Iterable<number> {
  const ids = Int32Array.from(logits.keys());
  if (topK >= logits.length) return ids;
  // Not a difference: -∞ minus -∞ would be NaN. NaN itself goes last.
  const rank = (id: number) => (Number.isNaN(logits[id]!) ? Number.NEGATIVE_INFINITY : logits[id]!);
  return ids.sort((a, b) => (rank(b) > rank(a) ? 1 : rank(b) < rank(a) ? -1 : a - b)).subarray(0, topK);
}

/** The token at which the running sum of probabilities passes `random`. */
export function draw(probabilities: Float64Array, random: number): number {
  let sum = 0;
  let last = 0;
  for (let id = 0; id < probabilities.length; id++) {
    if (probabilities[id] === 0) continue;
    sum += probabilities[id]!;
    last = id;
    if (random < sum) return id;
  }
  // Rounding may leave the sum a hair below 1.
  return last;
}
