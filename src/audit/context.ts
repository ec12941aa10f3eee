// What the evidence of claims is made from: cards, hardware, and measurements that were kept. All is handed in.
import type { z } from 'zod';
import type { HardwareCard } from '../cards/hardware.ts';
import type { ModelCard } from '../cards/model-card.ts';

/** Where a measurement is made. A clock and a way to tell progress are handed in, as everything else. */
export interface Bench {
  /** A card that ships, by name, changed by assignments such as `layers=3`. */
  card(name: string, set?: readonly string[]): ModelCard;
  /** tfjs's registry name of the backend that runs. */
  readonly backend: string;
  /** Seconds, from any origin. */
  now(): number;
  /** One line on what is being done. */
  progress(text: string): void;
}

/** A small run whose result is kept. Several claims may rest on one. */
export interface Measurement<T> {
  /** As in the file that keeps the results: `saved-activations`. */
  readonly id: string;
  /** What is run, in a few words. */
  readonly title: string;
  /** What the result looks like; a result kept by another version is refused by it. */
  readonly schema: z.ZodType<T>;
  /** Takes seconds. Imports the model code only when it is called, so that arithmetic starts at once. */
  run(bench: Bench): Promise<T>;
}

// biome-ignore lint/suspicious/noExplicitAny: a list holds measurements with results of any type
export type AnyMeasurement = Measurement<any>;

/** What the evidence of a claim may use. */
export interface AuditContext {
  /** A card that ships, by name, changed by assignments such as `layers=3`. */
  card(name: string, set?: readonly string[]): ModelCard;
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
