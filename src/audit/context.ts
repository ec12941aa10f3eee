// What the evidence of claims is made from: cards, hardware, and measurements that were kept. All is handed in.
import type { z } from 'zod';
import type { HardwareCard } from '../cards/hardware.ts';
import type { ModelCard } from '../cards/model-card.ts';

/** A card that ships, by name, changed by assignments such as `layers=3`. */
export type CardSource = (name: string, set?: readonly string[]) => ModelCard;

/** Milliseconds of one run of each kernel's calls, and of the whole. */
export interface KernelMilliseconds {
  readonly total: number;
  readonly kernels: Readonly<Record<string, number>>;
}

/** Where a measurement is made. The clock is handed in, as everything else. */
export interface Bench {
  readonly card: CardSource;
  /** tfjs's registry name of the backend that runs. */
  readonly backend: string;
  /** Seconds, from any origin. */
  now(): number;
  /** Means of one of `times` runs. */
  timeKernels(run: () => void, times: number): Promise<KernelMilliseconds>;
  /** One line on what is being done. */
  progress(text: string): void;
}

/** A small run whose result is kept. Several claims may rest on one. */
export interface Measurement<T> {
  /** As in the file that keeps the results: `saved-activations`. */
  readonly id: string;
  /** What is run, in a few words. */
  readonly title: string;
  /**
   * Where it runs: what is counted is the same on every backend, so that plain JavaScript (`cpu`) will do; what is timed, or too
   * large for it, runs on the fastest (`auto`).
   */
  readonly backend: 'cpu' | 'auto';
  /** What the result looks like; a result kept by another version is refused by it. */
  readonly schema: z.ZodType<T>;
  /** Takes seconds. Imports the model code only when it is called, so that arithmetic starts at once. */
  run(bench: Bench): Promise<T>;
}

// biome-ignore lint/suspicious/noExplicitAny: a list holds measurements with results of any type
export type AnyMeasurement = Measurement<any>;

/** What the evidence of a claim may use. */
export interface AuditContext {
  readonly card: CardSource;
  hardware(name: string): HardwareCard;
  /** The kept result of a measurement. @throws MissingMeasurementError where there is none */
  measured<T>(measurement: Measurement<T>): T;
}

/** Thrown where a claim rests on a measurement that was never made. */
export class MissingMeasurementError extends Error {
  override readonly name = 'MissingMeasurementError';
  constructor(id: string) {
    super(`the measurement '${id}' was never made: yarn audit --measure makes it`);
  }
}
