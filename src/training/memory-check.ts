// Whether a run fits into memory, judged by the formulas before anything is built, and what would fit if it does not.
import type { ModelCard } from '../cards/model-card.ts';
import { UserError } from '../terms/user-error.ts';
import type { Shape } from '../theory/letters.ts';
import { peakMemory } from '../theory/peak.ts';
import type { OptimizerKind } from './optimizer.ts';

const theoryName = { adamw: 'adamw', sgd: 'sgd-momentum' } as const;

/** The expected peak of a step in bytes. */
export const expectedPeak = (card: ModelCard, shape: Shape, optimizer: OptimizerKind): number =>
  Number(peakMemory(card, shape, theoryName[optimizer]).total.value);

/**
 * Refuses a run whose expected peak is beyond what is free.
 * @param available bytes that this process may still use
 * @param smaller other cards, to name one that would fit
 */
export function refuseTooLarge(
  card: ModelCard,
  shape: Shape,
  optimizer: OptimizerKind,
  available: number,
  smaller: readonly ModelCard[],
): void {
  const needed = expectedPeak(card, shape, optimizer);
  if (needed <= available) return;
  const gb = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  const problem = `Training ${card.name} on ${shape.batch} × ${shape.sequence} tokens needs about ${gb(needed)}, and ${gb(available)} are free`;
  const fits = (batch: number, sequence: number) => expectedPeak(card, { batch, sequence }, optimizer) <= available;
  for (let batch = Math.floor(shape.batch / 2); batch >= 1; batch = Math.floor(batch / 2)) {
    if (fits(batch, shape.sequence)) {
      const accumulate = Math.ceil(shape.batch / batch);
      throw new UserError(`${problem}: --batch ${batch} would fit, with --accumulate ${accumulate} for the same step.`);
    }
  }
  for (let sequence = Math.floor(shape.sequence / 2); sequence >= 1; sequence = Math.floor(sequence / 2)) {
    if (fits(1, sequence)) throw new UserError(`${problem}: --batch 1 --seq ${sequence} would fit.`);
  }
  const fitting = smaller
    .map((other) => ({
      other,
      bytes: expectedPeak(other, { batch: 1, sequence: Math.min(shape.sequence, other.context) }, optimizer),
    }))
    .filter(({ bytes }) => bytes <= available)
    .sort((a, b) => b.bytes - a.bytes);
  const advice = fitting[0] ? `the largest card that would is ${fitting[0].other.name}` : 'no card of ours would';
  throw new UserError(`${problem}, not even for one token: ${advice}.`);
}
