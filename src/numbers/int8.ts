// int8: whole numbers from −128 to 127 in two's complement, as pure functions on bit patterns.
import { UserError } from '../terms/user-error.ts';
import { roundHalfEven } from './float-format.ts';

export const INT8_LEAST = -128;
export const INT8_MOST = 127;

/** The nearest of −128 … 127: rounds half to even, and what is too large or too small becomes the last number there is. */
export function toInt8(value: number): number {
  if (Number.isNaN(value)) throw new UserError('NaN has no place among the whole numbers -128 to 127.');
  return Math.min(INT8_MOST, Math.max(INT8_LEAST, roundHalfEven(value)));
}

/** The pattern 0 … 255 of a number, rounded and limited like {@link toInt8}. */
export function encodeInt8(value: number): number {
  return (toInt8(value) + 256) % 256;
}

/** The number of a pattern 0 … 255. */
export function decodeInt8(pattern: number): number {
  if (!Number.isInteger(pattern) || pattern < 0 || pattern > 255) {
    throw new UserError(`int8 has 8 bits: its patterns are the whole numbers 0 to 255, not ${pattern}.`);
  }
  return pattern > INT8_MOST ? pattern - 256 : pattern;
}
