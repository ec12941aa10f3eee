// The hardware card: what one accelerator can do, made from the JSON of hardware/*.json.
import { z } from 'zod';
import { type Measure, measure } from '../terms/quantities.ts';
import { UserError } from '../terms/user-error.ts';
import { throwFirstIssue } from './schema-errors.ts';

const text = () => z.string().min(1);
// The lower limits catch numbers in another unit: 312 for TFLOP/s, 2039 for GB/s, 80 for GiB.
const perSecond = (largest: number) => z.number().min(1e6).max(largest);
const flops = () => perSecond(1e20).optional();

const linkSchema = z.strictObject({ name: text(), bytesPerSecond: perSecond(1e16) });

/** The keys of a card's JSON. Peaks are dense; a format that the hardware has no published peak for is left out. */
export const hardwareSchema = z.strictObject({
  name: text().optional(),
  title: text(),
  /** FLOP/s of matrix products by number format, multiply-add = 2, without structured sparsity. */
  peakFlops: z.strictObject({ fp32: flops(), bf16: flops(), fp16: flops(), int8: flops() }),
  memoryBytes: z
    .int()
    .min(2 ** 20)
    .max(2 ** 50),
  /** bytes/s */
  memoryBandwidth: perSecond(1e16),
  /** Between accelerators of one node: bytes/s one way, all links of one accelerator together. */
  link: linkSchema,
  /** Between nodes: bytes/s one way, the share of one accelerator. */
  interNode: linkSchema,
  gpusPerNode: z.int().min(1).max(100_000),
  /** US dollars for one accelerator and hour, where a price was published. */
  pricePerHour: z.strictObject({ dollars: z.number().min(0).max(1e6), source: text(), date: text() }).optional(),
  source: text(),
  note: text().optional(),
});

/** A card as written in JSON. */
export type HardwareJson = z.input<typeof hardwareSchema>;

/** An accelerator with a name. Serialised, it is a valid card again. */
export interface HardwareCard extends Readonly<Omit<z.output<typeof hardwareSchema>, 'name'>> {
  readonly name: string;
}

/** Number formats that hardware multiplies in. */
export type NumberFormat = keyof HardwareCard['peakFlops'];

/** How a model is computed: `mixed` is 16-bit products, whichever of bf16 and fp16 the hardware has. */
export type ComputePrecision = 'fp32' | 'mixed' | 'int8';

const FORMATS: Readonly<Record<ComputePrecision, readonly NumberFormat[]>> = {
  fp32: ['fp32'],
  mixed: ['bf16', 'fp16'],
  int8: ['int8'],
};

/**
 * Checks a hardware card.
 * @param json the parsed JSON of a card
 * @param name what to call the card, here and in errors; the card's own `name` wins
 * @throws UserError with one sentence that names the path of the first wrong field
 */
export function resolveHardware(json: unknown, name = 'unnamed'): HardwareCard {
  const result = hardwareSchema.safeParse(json);
  if (!result.success) throwFirstIssue(`Hardware card '${name}'`, hardwareSchema, json, result.error);
  const card = result.data;
  if (Object.values(card.peakFlops).every((peak) => peak === undefined)) {
    throw new UserError(
      `Hardware card '${name}': 'peakFlops' is empty and must have at least one of fp32, bf16, fp16 and int8.`,
    );
  }
  return { ...card, name: card.name ?? name };
}

/** The number format that the hardware computes `precision` in; undefined where it has no peak for any. */
export function formatOf({ peakFlops }: HardwareCard, precision: ComputePrecision): NumberFormat | undefined {
  return FORMATS[precision].find((format) => peakFlops[format] !== undefined);
}

/**
 * The peak of matrix products in a precision.
 * @throws UserError where the card has none
 */
export function peakOf(hardware: HardwareCard, precision: ComputePrecision): Measure<'FLOP/s'> {
  const format = formatOf(hardware, precision);
  if (format === undefined) {
    const known = (Object.keys(FORMATS) as ComputePrecision[]).filter((other) => formatOf(hardware, other));
    throw new UserError(
      `The hardware '${hardware.name}' has no published peak in ${precision}; choose the precision ${known.join(' or ')}.`,
    );
  }
  return measure('FLOP/s', hardware.peakFlops[format]!);
}
