// Arrays of sixteen-bit floating point numbers widened to float32 without loss.
import { decodeFloat, encodeFloat, FP16, FP32 } from './float-format.ts';

/** bfloat16 is the upper half of a float32. */
export function widenBfloat16(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const wide = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) wide[i] = bits[i]! << 16;
  return new Float32Array(wide.buffer);
}

/** IEEE 754 binary16: 1 bit sign, 5 bits exponent (bias 15), 10 bits fraction. NaN keeps its fraction. */
export function widenFloat16(bits: Uint16Array): Float32Array<ArrayBuffer> {
  float16Table ??= Uint32Array.from({ length: 2 ** 16 }, (_, half) => widenedBits(half));
  const wide = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) wide[i] = float16Table[bits[i]!]!;
  return new Float32Array(wide.buffer);
}

/** The float32 bits of every float16, filled on first use: a look-up is several times faster than the arithmetic. */
let float16Table: Uint32Array | undefined;

function widenedBits(half: number): number {
  const value = decodeFloat(FP16, half);
  if (!Number.isNaN(value)) return encodeFloat(FP32, value);
  return (((half & 0x8000) << 16) | 0x7f800000 | ((half & 0x3ff) << 13)) >>> 0;
}
