// Whether a run fits into memory, judged by the formulas before anything is built, and what would fit if it does not.
import type { ModelCard } from '../cards/model-card.ts';
import { UserError } from '../terms/user-error.ts';
import { countParameters } from '../theory/parameters.ts';
import { peakMemory } from '../theory/peak.ts';
import type { OptimizerKind } from './optimizer.ts';
import type { TrainingSettings } from './settings.ts';

/** The expected peak of a step in bytes. With accumulation the sum of the gradients so far stays beside the next micro-batch. */
export function expectedPeak(
  card: ModelCard,
  { batch, sequence, accumulation = 1 }: { batch: number; sequence: number; accumulation?: number },
  optimizer: OptimizerKind,
): number {
  const peak = peakMemory(card, { batch, sequence }, optimizer === 'sgd' ? 'sgd-momentum' : optimizer).total.value;
  const waiting = accumulation > 1 ? 4n * countParameters(card).total : 0n;
  return Number(peak + waiting);
}

/** What decides how much memory a step of a card takes. */
export type StepSize = Pick<TrainingSettings, 'batch' | 'sequence' | 'accumulation' | 'optimizer'>;

const peakOf = (card: ModelCard, size: StepSize): number => expectedPeak(card, size, size.optimizer.kind);

export interface MemoryLimit {
  readonly bytes: number;
  /** ends the sentence "… needs about 3 GB, and 2 GB": 'are free' */
  readonly words: string;
}

/** The wasm backend's addresses end at 4 GiB, with threads and without; a share is lost in gaps between tensors of many sizes. */
const WASM_BYTES = 0.85 * 2 ** 32;

/**
 * What a run may take on a backend.
 * @param free bytes that this process may still take
 */
export function memoryLimit(backend: string, free: number): MemoryLimit {
  if (backend === 'wasm' && free > WASM_BYTES)
    return { bytes: WASM_BYTES, words: 'are what the wasm backend can hold' };
  return { bytes: free, words: 'are free' };
}

/**
 * Refuses a run whose expected peak is beyond the limit.
 * @param others other cards, to name one that would fit
 */
export function refuseTooLarge(
  card: ModelCard,
  size: StepSize,
  limit: MemoryLimit,
  others: () => readonly ModelCard[],
): void {
  const needed = peakOf(card, size);
  if (needed <= limit.bytes) return;
  const gb = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  const problem = `Training ${card.name} on ${size.batch} × ${size.sequence} tokens needs about ${gb(needed)}, and ${gb(limit.bytes)} ${limit.words}`;
  throw new UserError(`${problem}${whatFits(card, size, limit.bytes, others)}.`);
}

function whatFits(card: ModelCard, size: StepSize, available: number, others: () => readonly ModelCard[]): string {
  const fits = (changed: Partial<StepSize>) => peakOf(card, { ...size, ...changed }) <= available;
  for (const batch of halvesOf(size.batch)) {
    const accumulation = size.accumulation * Math.ceil(size.batch / batch);
    if (fits({ batch, accumulation })) {
      return `: --batch ${batch} would fit, with --accumulate ${accumulation} for the same step`;
    }
    if (size.accumulation === 1 && fits({ batch })) return `: --batch ${batch} would fit`;
  }
  for (const sequence of halvesOf(size.sequence)) {
    if (fits({ batch: 1, sequence })) return `: --batch 1 --seq ${sequence} would fit`;
  }
  const smallest = (other: ModelCard) => ({ ...size, batch: 1, sequence: Math.min(size.sequence, other.context) });
  const fitting = others()
    .map((other) => ({ name: other.name, bytes: peakOf(other, smallest(other)) }))
    .filter(({ bytes }) => bytes <= available)
    .sort((a, b) => b.bytes - a.bytes);
  const advice = fitting[0] ? `the largest card that would is ${fitting[0].name}` : 'no card of ours would';
  return `, not even for one token: ${advice}`;
}

function halvesOf(value: number): number[] {
  const halves: number[] = [];
  for (let half = Math.floor(value / 2); half >= 1; half = Math.floor(half / 2)) halves.push(half);
  return halves;
}
