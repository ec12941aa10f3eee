// Sixteen-bit floating point numbers widened to float32, bit by bit and without loss.

/** bfloat16 is the upper half of a float32. */
export function widenBfloat16(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const wide = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) wide[i] = bits[i]! << 16;
  return new Float32Array(wide.buffer);
}

/** IEEE 754 binary16: 1 bit sign, 5 bits exponent (bias 15), 10 bits fraction. */
export function widenFloat16(bits: Uint16Array): Float32Array<ArrayBuffer> {
  float16Table ??= Uint32Array.from({ length: 2 ** 16 }, (_, half) => widenedBits(half));
  const wide = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) wide[i] = float16Table[bits[i]!]!;
  return new Float32Array(wide.buffer);
}

/** The float32 bits of every float16, filled on first use: a look-up is several times faster than the arithmetic. */
let float16Table: Uint32Array | undefined;

function widenedBits(half: number): number {
  const sign = (half & 0x8000) << 16;
  let exponent = (half >> 10) & 0x1f;
  let fraction = half & 0x3ff;
  if (exponent === 0x1f) return (sign | 0x7f800000 | (fraction << 13)) >>> 0;
  if (exponent === 0) {
    if (fraction === 0) return sign >>> 0;
    // A subnormal has no hidden 1: shift until there is one, which float32's wider exponent allows.
    exponent = 1;
    while ((fraction & 0x400) === 0) {
      fraction <<= 1;
      exponent -= 1;
    }
    fraction &= 0x3ff;
  }
  return (sign | ((exponent - 15 + 127) << 23) | (fraction << 13)) >>> 0;
}
