// Whether a step fits into the memory of one accelerator, the largest batch that does, and what would have to change.
import type { HardwareCard } from '../cards/hardware.ts';
import type { ModelCard } from '../cards/model-card.ts';
import { type Count, count } from '../terms/quantities.ts';
import type { Shape } from './letters.ts';
import { type StepSettings, stepMemory } from './step-memory.ts';

/** A change that makes a step fit, in words and as options of a command. */
export interface Remedy {
  readonly options: string;
  readonly peak: Count<'bytes'>;
}

export interface Fit {
  readonly capacity: Count<'bytes'>;
  readonly fits: boolean;
  /** Of the capacity. */
  readonly share: number;
  /** Sequences of the given length that fit at once; 0 where not even one does. */
  readonly largestBatch: number;
  /** Where the step does not fit: single changes that make it fit, those that change least first. */
  readonly remedies: readonly Remedy[];
}

/** Beyond it a batch is no longer a question of memory. */
const LARGEST_BATCH = 2 ** 29;

/** The largest batch whose peak is at most `bytes`, found by halving; 0 where even one sequence is too much. */
export function largestBatch(card: ModelCard, sequence: number, settings: StepSettings, bytes: bigint): number {
  const fits = (batch: number) => stepMemory(card, { batch, sequence }, settings).peak.total.value <= bytes;
  if (!fits(1)) return 0;
  let low = 1;
  while (low < LARGEST_BATCH && fits(2 * low)) low *= 2;
  if (low >= LARGEST_BATCH) return LARGEST_BATCH;
  let high = 2 * low;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** How a step stands against the memory of one accelerator. All of it is counted; a framework takes some for itself. */
export function fitInto(card: ModelCard, shape: Shape, settings: StepSettings, hardware: HardwareCard): Fit {
  const capacity = count('bytes', BigInt(hardware.memoryBytes));
  const peak = stepMemory(card, shape, settings).peak.total.value;
  const fits = peak <= capacity.value;
  const largest = largestBatch(card, shape.sequence, settings, capacity.value);
  return {
    capacity,
    fits,
    share: Number(peak) / hardware.memoryBytes,
    largestBatch: largest,
    remedies: fits ? [] : remedies(card, shape, settings, capacity.value, largest),
  };
}

const withoutNumbers = (options: string) => options.replace(/\d+/g, '');

interface Change {
  readonly options: string;
  readonly shape?: Shape;
  readonly settings?: Partial<StepSettings>;
}

/** What a person could change, one thing at a time, those first that change least. */
function changes(
  { sequence }: Shape,
  { precision, keeps, attention, optimizer }: StepSettings,
  largest: number,
): Change[] {
  const isTraining = precision !== 'int8';
  const half = (value: number): number[] => (value < 2 ? [] : [Math.floor(value / 2), ...half(Math.floor(value / 2))]);
  const all: (Change | false)[] = [
    attention !== 'flash' && { options: '--attention flash', settings: { attention: 'flash' } },
    isTraining && keeps !== 'full' && { options: '--recompute full', settings: { keeps: 'full' } },
    isTraining &&
      keeps !== 'full' &&
      attention !== 'flash' && {
        options: '--recompute full --attention flash',
        settings: { keeps: 'full', attention: 'flash' },
      },
    isTraining && precision !== 'mixed' && { options: '--precision mixed', settings: { precision: 'mixed' } },
    ...(largest > 0
      ? [{ options: `--batch ${largest}`, shape: { batch: largest, sequence } }]
      : half(sequence).map((less) => ({ options: `--batch 1 --seq ${less}`, shape: { batch: 1, sequence: less } }))),
    isTraining && optimizer === 'adamw' && { options: '--optimizer adamw-8bit', settings: { optimizer: 'adamw-8bit' } },
  ];
  return all.filter((change) => change !== false);
}

/** The settings of training that need least, and the options that lead to them from the present ones. */
function smallest({ precision, keeps, attention, optimizer }: StepSettings): Change[] {
  if (precision === 'int8') return [];
  const isAdam = optimizer.startsWith('adamw');
  const parts = [
    isAdam && optimizer !== 'adamw-8bit' && '--optimizer adamw-8bit',
    keeps !== 'full' && '--recompute full',
    attention !== 'flash' && '--attention flash',
    precision !== 'mixed' && '--precision mixed',
  ].filter((part) => part !== false);
  const settings = { keeps: 'full', attention: 'flash', precision: 'mixed' } as const;
  return [{ options: parts.join(' '), settings: { ...settings, ...(isAdam && { optimizer: 'adamw-8bit' }) } }];
}

/** Single changes that are enough, or where none is, all of them together. */
function remedies(card: ModelCard, shape: Shape, settings: StepSettings, capacity: bigint, largest: number): Remedy[] {
  const enough = (among: readonly Change[]): Remedy[] => {
    const found: Remedy[] = [];
    for (const change of among) {
      // Of several shorter sequences only the longest is of interest.
      if (found.some(({ options }) => withoutNumbers(options) === withoutNumbers(change.options))) continue;
      const peak = stepMemory(card, change.shape ?? shape, { ...settings, ...change.settings }).peak.total;
      if (peak.value <= capacity) found.push({ options: change.options, peak });
    }
    return found;
  };
  const single = enough(changes(shape, settings, largest));
  return single.length > 0 ? single : enough(smallest(settings));
}
