// A bit pattern explained: its fields as they are written on a slide, the formula, and the number.
import { UserError } from '../terms/user-error.ts';
import { decodeFloat, type FloatFormat, floatFields } from './float-format.ts';

/** What a pattern is. Only a normal number has the 1 before the point that is not stored. */
export type FloatKind = 'zero' | 'subnormal' | 'normal' | 'infinity' | 'nan';

export interface FloatDescription {
  readonly format: string;
  readonly kind: FloatKind;
  /** The fields as texts of 0 and 1. */
  readonly sign: string;
  readonly exponent: string;
  readonly fraction: string;
  /** The stored exponent as a whole number, before the bias is taken off. */
  readonly storedExponent: number;
  /** What 2 is raised to; NaN for infinities and NaN. */
  readonly power: number;
  /** 1.m of a normal number, 0.m of a subnormal; NaN for infinities and NaN. */
  readonly significand: number;
  readonly value: number;
  /** `(−1)^0 × 2^(128−127) × 1.5707964 = 3.1415927`. */
  readonly formula: string;
}

/** Explains a pattern (lecture-compute-memory, FP32/FP16). */
export function describeFloat(format: FloatFormat, pattern: number): FloatDescription {
  const { sign, exponent, fraction } = floatFields(format, pattern);
  const { bias, exponentBits, fractionBits } = format;
  const value = decodeFloat(format, pattern);
  const binary = (field: number, bits: number) => field.toString(2).padStart(bits, '0');
  const isSpecial = exponent === 2 ** exponentBits - 1;
  const isTiny = exponent === 0;
  const significand = isSpecial ? Number.NaN : (isTiny ? 0 : 1) + fraction / 2 ** fractionBits;
  return {
    format: format.name,
    kind: kindOf(isSpecial, isTiny, fraction),
    sign: String(sign),
    exponent: binary(exponent, exponentBits),
    fraction: binary(fraction, fractionBits),
    storedExponent: exponent,
    power: isSpecial ? Number.NaN : Math.max(exponent, 1) - bias,
    significand,
    value,
    formula: isSpecial
      ? `exponent all ones, fraction ${fraction === 0 ? '0' : 'not 0'}: ${showValue(value, fractionBits)}`
      : `(−1)^${sign} × 2^(${Math.max(exponent, 1)}−${bias}) × ${showValue(significand, fractionBits)} = ${showValue(value, fractionBits)}`,
  };
}

function kindOf(isSpecial: boolean, isTiny: boolean, fraction: number): FloatKind {
  if (isSpecial) return fraction === 0 ? 'infinity' : 'nan';
  if (isTiny) return fraction === 0 ? 'zero' : 'subnormal';
  return 'normal';
}

/** As many digits as the format can tell apart: 8 for fp32, exactly what is there for the short formats. */
function showValue(value: number, fractionBits: number): string {
  if (Object.is(value, -0)) return '-0';
  return String(fractionBits > 16 ? Number(value.toPrecision(8)) : value);
}

/**
 * The pattern of fields written as `0 10000000 10010010000111111011011`; spaces are ignored.
 * @throws UserError when there are not exactly as many digits as the format has bits
 */
export function parsePattern(format: FloatFormat, text: string): number {
  const digits = text.replace(/\s/g, '');
  if (!/^[01]*$/.test(digits)) {
    throw new UserError(`A pattern of ${format.name} is written with 0 and 1, not '${text}'.`);
  }
  if (digits.length !== format.bits) {
    const { bits, exponentBits, fractionBits } = format;
    throw new UserError(
      `${format.name} has ${bits} bits (1 sign, ${exponentBits} exponent, ${fractionBits} fraction), ` +
        `but '${text}' has ${digits.length}.`,
    );
  }
  return Number.parseInt(digits, 2);
}
