// Pipeline schedules: how many micro-batches a stage keeps in flight, and how long the stages wait for each other.
import type { Layout, WorkerShape } from './parallelism.ts';

/** The parts of a layout that a schedule depends on. */
type Schedule = Pick<Layout, 'pipeline' | 'interleave'>;

/**
 * Pieces of a stage (L/(P·v) layers) times micro-batches that stage `stage` keeps for the backward pass at its fullest.
 * 1F1B (v = 1): min(m, P − stage). Interleaved: 2(P − stage − 1) + (v − 1)P + 1 of at most m·v, which on the first stage is
 * L(1 + (P − 1)/(P·v)) layers (Korthikanti et al. 2022, 4.2.3).
 */
export function piecesInFlight(
  { pipeline, interleave }: Schedule,
  { microBatches }: Pick<WorkerShape, 'microBatches'>,
  stage: number,
): number {
  const wanted = interleave === 1 ? pipeline - stage : 2 * (pipeline - stage - 1) + (interleave - 1) * pipeline + 1;
  return Math.min(wanted, microBatches * interleave);
}

/** Micro-batch times that a step loses while the pipeline fills and drains: (P − 1)/v (Narayanan et al. 2021, 2.2). */
export const bubbleMicroBatches = ({ pipeline, interleave }: Schedule): number => (pipeline - 1) / interleave;

/** The share of a step that is bubble: (P − 1)/(m + P − 1), interleaved (P − 1)/(m·v + P − 1). */
export function bubbleShare(schedule: Schedule, { microBatches }: Pick<WorkerShape, 'microBatches'>): number {
  const idle = bubbleMicroBatches(schedule);
  return idle / (microBatches + idle);
}

/** The bubble relative to the useful time: (P − 1)/m, interleaved (P − 1)/(m·v). */
export function bubbleOverIdeal(schedule: Schedule, { microBatches }: Pick<WorkerShape, 'microBatches'>): number {
  return bubbleMicroBatches(schedule) / microBatches;
}

/** Stages whose memory can be the largest: the first keeps most micro-batches and the embedding, the last has the head. */
export const extremeStages = ({ pipeline }: Schedule): number[] => (pipeline === 1 ? [0] : [0, pipeline - 1]);
