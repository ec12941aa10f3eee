// Binary floating point formats as pure functions on bit patterns: any split into sign, exponent and fraction up to 32 bits.
import { UserError } from '../terms/user-error.ts';

/** A format in the manner of IEEE 754: one sign bit, then the exponent, then the fraction. */
export interface FloatFormat {
  readonly name: string;
  readonly exponentBits: number;
  readonly fractionBits: number;
  /** Taken from the stored exponent: 2^(exponentBits − 1) − 1. */
  readonly bias: number;
  /** Bits in all. */
  readonly bits: number;
}

/**
 * A format of so many exponent and fraction bits.
 * @throws UserError for a format that does not fit into 32 bits or whose numbers a float64 does not hold
 */
export function floatFormat(name: string, exponentBits: number, fractionBits: number): FloatFormat {
  const within = (value: number, low: number, high: number) => Number.isInteger(value) && value >= low && value <= high;
  if (!within(exponentBits, 2, 8) || !within(fractionBits, 1, 23)) {
    throw new UserError(
      `Format ${name} has ${exponentBits} exponent and ${fractionBits} fraction bits: 2 to 8 and 1 to 23 are allowed.`,
    );
  }
  const bias = 2 ** (exponentBits - 1) - 1;
  return { name, exponentBits, fractionBits, bias, bits: 1 + exponentBits + fractionBits };
}

/** IEEE 754 single precision. */
export const FP32 = floatFormat('fp32', 8, 23);
/** IEEE 754 half precision. */
export const FP16 = floatFormat('fp16', 5, 10);
/** The upper half of fp32: its range, with two to three decimal digits. */
export const BF16 = floatFormat('bf16', 8, 7);

export const FLOAT_FORMATS = { fp32: FP32, fp16: FP16, bf16: BF16 } as const;

/** The three fields of a pattern as whole numbers. */
export interface FloatFields {
  readonly sign: 0 | 1;
  readonly exponent: number;
  readonly fraction: number;
}

const allOnes = (bits: number) => 2 ** bits - 1;

/**
 * Cuts a pattern into its fields.
 * @throws UserError when the pattern has more bits than the format
 */
export function floatFields({ name, bits, exponentBits, fractionBits }: FloatFormat, pattern: number): FloatFields {
  if (!Number.isInteger(pattern) || pattern < 0 || pattern > allOnes(bits)) {
    throw new UserError(
      `${name} has ${bits} bits: its patterns are the whole numbers 0 to ${allOnes(bits)}, not ${pattern}.`,
    );
  }
  return {
    sign: pattern >= 2 ** (bits - 1) ? 1 : 0,
    exponent: Math.floor(pattern / 2 ** fractionBits) % 2 ** exponentBits,
    fraction: pattern % 2 ** fractionBits,
  };
}

/**
 * The number that a pattern stands for: (−1)^S · 2^(e − bias) · 1.m; with e = 0 it is (−1)^S · 2^(1 − bias) · 0.m (zeros and
 * subnormals), with e all ones an infinity (m = 0) or NaN.
 */
export function decodeFloat(format: FloatFormat, pattern: number): number {
  const { sign, exponent, fraction } = floatFields(format, pattern);
  const { bias, exponentBits, fractionBits } = format;
  const signed = (magnitude: number) => (sign === 1 ? -magnitude : magnitude);
  if (exponent === allOnes(exponentBits)) return fraction === 0 ? signed(Number.POSITIVE_INFINITY) : Number.NaN;
  const hidden = exponent === 0 ? 0 : 2 ** fractionBits;
  return signed((hidden + fraction) * 2 ** (Math.max(exponent, 1) - bias - fractionBits));
}

/**
 * The pattern of the nearest number; a tie goes to the even fraction, what is too large becomes an infinity, every NaN the
 * quiet one. Rounds once, from float64.
 */
export function encodeFloat(format: FloatFormat, value: number): number {
  const { bias, bits, exponentBits, fractionBits } = format;
  const infinity = allOnes(exponentBits) * 2 ** fractionBits;
  if (Number.isNaN(value)) return infinity + 2 ** (fractionBits - 1);
  const signBit = value < 0 || Object.is(value, -0) ? 2 ** (bits - 1) : 0;
  const magnitude = Math.abs(value);
  if (magnitude === Number.POSITIVE_INFINITY) return signBit + infinity;
  const exponent = Math.max(exponentOf(magnitude), 1 - bias);
  const units = roundHalfEven(magnitude / 2 ** (exponent - fractionBits));
  // Exponent and fraction are one number: a fraction that rounds up to 2 carries into the exponent, and past the largest
  // number into infinity; a subnormal (units < 2^fractionBits) borrows its exponent 1 back.
  return signBit + Math.min((exponent + bias) * 2 ** fractionBits + units - 2 ** fractionBits, infinity);
}

/** `value` as the format can hold it. */
export function roundToFormat(format: FloatFormat, value: number): number {
  return decodeFloat(format, encodeFloat(format, value));
}

/** The nearest whole number, the even one of two: what IEEE 754 and the frameworks call round. */
export function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

const scratch = new DataView(new ArrayBuffer(8));

/** The e of 2^e ≤ magnitude < 2^(e + 1); float64 subnormals count as the smallest, which no format here reaches. */
function exponentOf(magnitude: number): number {
  scratch.setFloat64(0, magnitude);
  return ((scratch.getUint16(0) >> 4) & 0x7ff) - 1023;
}
