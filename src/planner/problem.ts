// What a plan is made for: a model, machines, a batch, and how steps are computed and stored.
import type { HardwareCard } from '../cards/hardware.ts';
import type { ModelCard } from '../cards/model-card.ts';
import { UserError } from '../terms/user-error.ts';
import type { Layout, WorkerShape } from '../theory/parallelism.ts';
import type { WorkerChoice } from '../theory/parallelism-memory.ts';
import type { Pace } from '../theory/parallelism-time.ts';
import type { AttentionKind, Recomputation } from '../theory/recompute.ts';
import type { StateChoice } from '../theory/zero.ts';

/** Parts of a layout that the person has decided; the planner finds the rest. */
export interface Pins extends Partial<Omit<Layout, 'sequenceParallel'>> {
  readonly sequenceParallel?: boolean;
  readonly recompute?: Recomputation;
  /** Sequences of a micro-batch. */
  readonly microBatch?: number;
}

/** The problem that layouts solve. */
export interface PlanProblem {
  readonly card: ModelCard;
  readonly hardware: HardwareCard;
  readonly gpus: number;
  /** Sequences of a step, over all workers. */
  readonly globalBatch: number;
  /** Whether the batch is the default, which follows the number of GPUs. */
  readonly batchIsOpen?: boolean;
  readonly sequence: number;
  readonly states: StateChoice;
  readonly attention: AttentionKind;
  /** The share of the peak that matrix products reach. */
  readonly efficiency: number;
  /** The share of each worker's memory that stays free: allocator, buffers of collectives, the driver. */
  readonly reserve: number;
  readonly pins: Pins;
}

/** The share of the peak that matrix products reach, fitted with MEMORY_PASSES of parallelism-time. */
export const DEFAULT_EFFICIENCY = 0.7;

/** A share of memory that runs do not fill. */
export const DEFAULT_RESERVE = 0.08;

/** A global batch in tokens for runs that name none: that of Llama 2 (Touvron et al. 2023), twice the 1–2 M of Kaplan et al. */
export const DEFAULT_BATCH_TOKENS = 4 * 2 ** 20;

/** One way to run the problem. */
export interface Candidate {
  readonly layout: Layout;
  readonly shape: WorkerShape;
  readonly recompute: Recomputation;
}

/** Bytes that one worker may use. */
export const usableBytes = ({ hardware, reserve }: PlanProblem): bigint =>
  BigInt(Math.floor(hardware.memoryBytes * (1 - reserve)));

/** How a candidate's workers keep and store things. */
export const choiceOf = (problem: PlanProblem, { recompute }: Candidate): WorkerChoice => ({
  ...problem.states,
  attention: problem.attention,
  recompute,
});

/** How fast they are taken to be. */
export const paceOf = ({ hardware, states, efficiency }: PlanProblem): Pace => ({
  hardware,
  precision: states.precision,
  efficiency,
});

/**
 * A number of sequences near `wanted` that many layouts divide: a multiple of the odd part of the number of GPUs, and of a
 * power of two that changes it by an eighth at most.
 */
export function divisibleBatch(wanted: number, gpus: number): number {
  let odd = gpus;
  while (odd % 2 === 0) odd /= 2;
  const unit = odd * 2 ** Math.max(0, Math.floor(Math.log2(Math.max(1, wanted / odd / 4))));
  return Math.max(1, Math.round(wanted / unit)) * unit;
}

/** The default batch: about {@link DEFAULT_BATCH_TOKENS}. */
export const defaultBatch = (sequence: number, gpus: number): number =>
  divisibleBatch(DEFAULT_BATCH_TOKENS / sequence, gpus);

const inRange = (name: string, value: number, least: number, below: number) => {
  if (value >= least && value < below) return;
  throw new UserError(`The ${name} is ${value} and must be at least ${least} and below ${below}.`);
};

/** Numbers that make sense. @throws UserError */
export function checkProblem({ gpus, globalBatch, sequence, efficiency, reserve }: PlanProblem): void {
  for (const [name, value] of Object.entries({ 'number of GPUs': gpus, 'global batch': globalBatch, sequence })) {
    if (Number.isSafeInteger(value) && value >= 1 && value <= 1e7) continue;
    throw new UserError(`The ${name} is ${value} and must be a whole number from 1 to 10,000,000.`);
  }
  if (!(efficiency > 0 && efficiency <= 1)) {
    throw new UserError(`The efficiency is ${efficiency} and must be a share of the peak above 0 and at most 1.`);
  }
  inRange('share of memory to keep free', reserve, 0, 1);
}
