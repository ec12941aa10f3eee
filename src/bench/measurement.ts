// What is asked of one timed run and what comes back: plain data, so that it can cross from one process to another.
import type { ModelCard } from '../cards/model-card.ts';
import type { RunningBackend } from '../engine/backends.ts';
import type { MatmulProbe } from '../engine/probe.ts';

export interface TrainingJob {
  readonly card: ModelCard;
  readonly batch: number;
  readonly sequence: number;
  /** Steps to time; undefined: as many as fit the time of a row, judged by the warm-up. */
  readonly steps?: number;
  readonly threads?: number;
  /** Of weights and tokens. */
  readonly seed: number;
  /** Also time every kernel, in steps of their own. */
  readonly kernels: boolean;
}

export const stepParts = ['forwardBackward', 'norm', 'optimizer'] as const;
export type StepPart = (typeof stepParts)[number];

/** The kernels of one name in one step. */
export interface KernelTime {
  readonly name: string;
  readonly calls: number;
  readonly seconds: number;
  /** Of the step's time. */
  readonly share: number;
}

export interface KernelTimes {
  /** Of one step with every kernel timed. */
  readonly stepSeconds: number;
  /** Largest first. */
  readonly kernels: readonly KernelTime[];
  /** The step's time outside every kernel: JavaScript, and waiting for a loss. */
  readonly outside: { readonly seconds: number; readonly share: number };
}

/** One run of real training steps on one backend. */
export interface TrainingMeasurement {
  readonly backend: RunningBackend;
  readonly parameters: bigint;
  readonly warmupSteps: number;
  /** One entry a timed step. */
  readonly seconds: readonly number[];
  readonly medianSeconds: number;
  readonly minimumSeconds: number;
  readonly tokensPerSecond: number;
  /** Exact FLOPs of one step's matrix products: full attention, head, no recomputation. */
  readonly flopsPerStep: bigint;
  readonly flopsPerSecond: number;
  /** The best of a probe before the steps and one after them. */
  readonly matmulPeak: MatmulProbe;
  readonly mfu: number;
  readonly savedForBackwardBytes: number;
  readonly peakRssBytes: number;
  /** Of the time of all timed steps; they add up to 1. */
  readonly shares: Readonly<Record<StepPart, number>>;
  /** Of the first step and of the last. */
  readonly loss: { readonly first: number; readonly last: number };
  readonly kernelTimes?: KernelTimes;
}

/** What another program, or another way to run ours, did on the same shapes. */
export interface Speed {
  readonly medianSeconds: number;
  readonly tokensPerSecond: number;
  readonly savedForBackwardBytes: number;
}
