// int8 quantization by absmax and by zero point, per tensor or per row: exact formulas, their inverse, and the errors made.
import { UserError } from '../terms/user-error.ts';
import { roundHalfEven } from './float-format.ts';
import { toInt8 } from './int8.ts';

/**
 * `absmax`: q = round(127/max|X| · X). `zero-point`: q = round(scale·X + zeropoint) with scale = 255/(max − min) and
 * zeropoint = −round(scale·min) − 128 (lecture-compute-memory, INT8 QUANTIZATION). Rounding is half to even; q is limited
 * to −128 … 127, which matters only where scale·max + zeropoint is exactly 127.5.
 */
export const QUANTIZATIONS = ['absmax', 'zero-point'] as const;
export type Quantization = (typeof QUANTIZATIONS)[number];

/** A tensor in one byte an element. A group shares one scale: the whole tensor, or one row. */
export interface Quantized {
  readonly kind: Quantization;
  readonly values: Int8Array;
  /** Elements of a group. */
  readonly groupSize: number;
  /** One per group: the stored number is about scale times the real one. */
  readonly scales: Float64Array;
  /** One per group; all 0 for absmax. A whole number, which need not fit into a byte. */
  readonly zeroPoints: Float64Array;
}

interface Mapping {
  readonly scale: number;
  readonly zeroPoint: number;
}

/**
 * Quantizes a tensor, or each of its rows of `columns` elements by itself.
 *
 * What the formulas leave open: a group of zeros has scale 1; with `zero-point`, a group of one repeated number has no range,
 * so it is quantized by absmax (zeropoint 0) and comes back as it was.
 * @throws UserError for no elements, rows that do not divide the tensor, NaN, infinities, and numbers so large or so small
 * that the scale is not a number
 */
export function quantize(values: ArrayLike<number>, kind: Quantization, columns = values.length): Quantized {
  if (values.length === 0) throw new UserError('There is nothing to quantize: the tensor has no elements.');
  if (!Number.isInteger(columns) || columns < 1 || values.length % columns !== 0) {
    throw new UserError(`${values.length} elements cannot be cut into rows of ${columns}.`);
  }
  const groups = values.length / columns;
  const quantized = new Int8Array(values.length);
  const scales = new Float64Array(groups);
  const zeroPoints = new Float64Array(groups);
  for (let group = 0; group < groups; group++) {
    const from = group * columns;
    const { scale, zeroPoint } = mappingOf(values, kind, from, from + columns);
    for (let at = from; at < from + columns; at++) quantized[at] = toInt8(scale * values[at]! + zeroPoint);
    scales[group] = scale;
    zeroPoints[group] = zeroPoint;
  }
  return { kind, values: quantized, groupSize: columns, scales, zeroPoints };
}

function mappingOf(values: ArrayLike<number>, kind: Quantization, from: number, to: number): Mapping {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (let at = from; at < to; at++) {
    const value = values[at]!;
    if (!Number.isFinite(value))
      throw new UserError(`Element ${at} is ${value}: only finite numbers can be quantized.`);
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  if (kind === 'absmax' || least === most) return absmaxMapping(Math.max(-least, most));
  const scale = 255 / (most - least);
  const zeroPoint = -roundHalfEven(scale * least) - 128;
  return checked({ scale, zeroPoint }, least, most);
}

function absmaxMapping(largest: number): Mapping {
  return largest === 0
    ? { scale: 1, zeroPoint: 0 }
    : checked({ scale: 127 / largest, zeroPoint: 0 }, -largest, largest);
}

function checked(mapping: Mapping, least: number, most: number): Mapping {
  const { scale, zeroPoint } = mapping;
  if (scale > 0 && Number.isFinite(scale) && Number.isSafeInteger(zeroPoint)) return mapping;
  throw new UserError(
    `Numbers between ${least} and ${most} cannot be quantized: their scale would be ${scale} and their zero point ${zeroPoint}.`,
  );
}

/** The real numbers that the bytes stand for: (q − zeropoint) / scale. */
export function dequantize({ values, groupSize, scales, zeroPoints }: Quantized): Float32Array<ArrayBuffer> {
  return Float32Array.from(values, (value, at) => {
    const group = Math.floor(at / groupSize);
    return (value - zeroPoints[group]!) / scales[group]!;
  });
}

/** What quantizing cost. */
export interface QuantizationError {
  /** The largest |x − x̂|. */
  readonly largest: number;
  /** √ of the mean of (x − x̂)². */
  readonly rootMeanSquare: number;
  /** What no element can exceed, before x̂ is rounded to float32: half a step, 1/(2·scale), of the coarsest group. */
  readonly bound: number;
}

/** Compares the original numbers with what comes back. */
export function quantizationError(original: ArrayLike<number>, quantized: Quantized): QuantizationError {
  const back = dequantize(quantized);
  let largest = 0;
  let squares = 0;
  for (let at = 0; at < back.length; at++) {
    const difference = Math.abs(original[at]! - back[at]!);
    largest = Math.max(largest, difference);
    squares += difference ** 2;
  }
  const coarsest = quantized.scales.reduce((least, scale) => Math.min(least, scale), Number.POSITIVE_INFINITY);
  return { largest, rootMeanSquare: Math.sqrt(squares / back.length), bound: 1 / (2 * coarsest) };
}

/** Bytes as they lie in memory: one an element, and eight for each scale and, with zero points, eight for each of those. */
export function quantizedBytes({ kind, values, scales, zeroPoints }: Quantized): number {
  return values.byteLength + scales.byteLength + (kind === 'zero-point' ? zeroPoints.byteLength : 0);
}
