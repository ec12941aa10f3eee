// Results of measurements as they are kept: in one file that ships, and in one of this machine's that wins over it.
import { z } from 'zod';
import { UserError } from '../terms/user-error.ts';
import { type Measurement, MissingMeasurementError } from './context.ts';

const recordSchema = z.strictObject({
  /** The day, as in 2026-11-23. */
  date: z.string().regex(/^\d{4}-\d\d-\d\d$/),
  /** The kind of processor, and how many of it. */
  machine: z.string().min(1),
  /** What ran, with its version. */
  backend: z.string().min(1),
  result: z.unknown(),
});

const fileSchema = z.strictObject({ version: z.literal(1), measurements: z.record(z.string(), recordSchema) });

/** One result with when and on what it was made. */
export type KeptRecord = z.output<typeof recordSchema>;

/** Results by the measurements' ids. */
export type Kept = Readonly<Record<string, KeptRecord>>;

/** Reads the JSON of a file of results. @throws UserError that names the file and the first wrong field */
export function parseKept(json: unknown, path: string): Kept {
  const parsed = fileSchema.safeParse(json);
  if (parsed.success) return parsed.data.measurements;
  const { path: field, message } = parsed.error.issues[0]!;
  throw new UserError(`The measurements in '${path}' cannot be read: ${field.join('.') || 'the whole'}: ${message}.`);
}

/** What such a file holds. */
export const keptDocument = (kept: Kept) => ({ version: 1, measurements: kept });

/** A function that finds the result of a measurement, from the first of several collections that has it. */
export function measuredFrom(...collections: readonly Kept[]): <T>(measurement: Measurement<T>) => T {
  return ({ id, schema }) => {
    const record = recordOf(id, collections);
    if (!record) throw new MissingMeasurementError(id);
    const parsed = schema.safeParse(record.result);
    if (parsed.success) return parsed.data;
    const { path, message } = parsed.error.issues[0]!;
    throw new Error(
      `the kept measurement '${id}' is of another version (${path.join('.')}: ${message}): --measure again`,
    );
  };
}

/** The record that {@link measuredFrom} takes. */
export function recordOf(id: string, collections: readonly Kept[]): KeptRecord | undefined {
  return collections.find((kept) => Object.hasOwn(kept, id))?.[id];
}
