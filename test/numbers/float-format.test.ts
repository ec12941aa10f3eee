// Number formats: every pattern of the 16-bit formats against an independent formula, fp32 against Math.fround.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeFloat, parsePattern } from '../../src/numbers/describe.ts';
import {
  BF16,
  decodeFloat,
  encodeFloat,
  FLOAT_FORMATS,
  type FloatFormat,
  FP16,
  FP32,
  floatFormat,
  roundHalfEven,
  roundToFormat,
} from '../../src/numbers/float-format.ts';
import { decodeInt8, encodeInt8, toInt8 } from '../../src/numbers/int8.ts';

const bitsOf = (value: number) => new Uint32Array(Float32Array.of(value).buffer)[0]!;
const ofBits = (bits: number) => new Float32Array(Uint32Array.of(bits).buffer)[0]!;

/** Sixteen-bit patterns decoded without the code under test: a table of halves, and float32 with a lower half of zeros. */
const INDEPENDENT: Record<string, (pattern: number) => number> = {
  fp16: (pattern) => {
    const [sign, exponent, fraction] = [pattern >> 15 ? -1 : 1, (pattern >> 10) & 31, pattern & 1023];
    if (exponent === 31) return fraction ? Number.NaN : sign / 0;
    return exponent ? (sign * (1024 + fraction) * 2 ** exponent) / 2 ** 25 : (sign * fraction) / 2 ** 24;
  },
  bf16: (pattern) => ofBits(pattern << 16),
};

const everyPattern = Array.from({ length: 2 ** 16 }, (_, pattern) => pattern);
const differing = (matches: (pattern: number) => boolean) => everyPattern.filter((pattern) => !matches(pattern));

/** The patterns of a value's neighbours among the numbers of its sign. */
const magnitudes = (format: FloatFormat, pattern: number) =>
  [pattern - 1, pattern + 1].filter((near) => near >= 0 && Number.isFinite(decodeFloat(format, near)));

describe.each([FP16, BF16])('all 65,536 patterns of $name', (format) => {
  it('decode to the value of an independent formula', () => {
    const independent = INDEPENDENT[format.name]!;
    expect(differing((pattern) => Object.is(decodeFloat(format, pattern), independent(pattern)))).toEqual([]);
  });

  it('come back from their value, except that every NaN becomes the quiet one', () => {
    const quiet = format === FP16 ? 0x7e00 : 0x7fc0;
    const back = (pattern: number) => encodeFloat(format, decodeFloat(format, pattern));
    expect(
      differing((pattern) => back(pattern) === (Number.isNaN(decodeFloat(format, pattern)) ? quiet : pattern)),
    ).toEqual([]);
  });

  it('are the nearest of every float64: halfway between neighbours the even one wins', () => {
    const finite = everyPattern.filter(
      (pattern) => pattern < 0x7fff && Number.isFinite(decodeFloat(format, pattern + 1)),
    );
    const wrong = finite.filter((pattern) => {
      const [low, high] = [decodeFloat(format, pattern), decodeFloat(format, pattern + 1)];
      const middle = (low + high) / 2;
      const even = pattern % 2 === 0 ? pattern : pattern + 1;
      const step = high - low;
      return (
        encodeFloat(format, middle) !== even ||
        encodeFloat(format, middle + step / 1024) !== pattern + 1 ||
        encodeFloat(format, middle - step / 1024) !== pattern ||
        encodeFloat(format, -middle) !== even + 0x8000
      );
    });
    expect(wrong).toEqual([]);
  });

  it('describe themselves: the formula multiplies out to the value', () => {
    const wrong = differing((pattern) => {
      const { kind, sign, power, significand, value, exponent, fraction } = describeFloat(format, pattern);
      if (parsePattern(format, `${sign} ${exponent} ${fraction}`) !== pattern) return false;
      if (kind === 'nan' || kind === 'infinity') return !Number.isFinite(value) && Number.isNaN(significand);
      return Object.is(value, (sign === '1' ? -1 : 1) * significand * 2 ** power);
    });
    expect(wrong).toEqual([]);
  });
});

describe('fp32', () => {
  it('rounds like Math.fround', () => {
    const anything = fc.oneof(
      fc.double(),
      fc.double({ min: -1e-37, max: 1e-37 }),
      fc.double({ min: -4e38, max: 4e38 }),
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 }),
    );
    fc.assert(
      fc.property(anything, (value) => {
        expect(roundToFormat(FP32, value)).toBe(Math.fround(value));
        if (!Number.isNaN(value)) expect(encodeFloat(FP32, value)).toBe(bitsOf(value));
      }),
      { numRuns: 3000 },
    );
  });

  it('decodes like the processor', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), (pattern) => {
        expect(decodeFloat(FP32, pattern)).toBe(ofBits(pattern));
      }),
      { numRuns: 3000 },
    );
  });

  it('holds its ties and its ends', () => {
    const cases: [number, number][] = [
      [2 ** -149, 1],
      [2 ** -150, 0],
      [3 * 2 ** -150, 2],
      [5e-324, 0],
      [3.4028234663852886e38, 0x7f7fffff],
      [3.4028235677973366e38, 0x7f800000],
      [1.7e308, 0x7f800000],
      [-0, 0x80000000],
      [Number.NEGATIVE_INFINITY, 0xff800000],
      [Number.NaN, 0x7fc00000],
    ];
    for (const [value, pattern] of cases) expect(encodeFloat(FP32, value)).toBe(pattern);
  });
});

describe('known patterns (IEEE 754-2008; bfloat16 as the upper half of float32)', () => {
  it.each([
    [FP16, 1, 0x3c00],
    [FP16, -2, 0xc000],
    [FP16, 65504, 0x7bff],
    [FP16, 65519.99, 0x7bff],
    [FP16, 65520, 0x7c00],
    [FP16, 2 ** -24, 1],
    [FP16, 2 ** -25, 0],
    [FP16, 0.1, 0x2e66],
    [FP16, Math.PI, 0x4248],
    [BF16, Math.PI, 0x4049],
    [BF16, 1 + 2 ** -8, 0x3f80],
    [BF16, 1 + 3 * 2 ** -8, 0x3f82],
    [BF16, 3.4e38, 0x7f80],
    [BF16, 2 ** -133, 1],
  ])('%o holds %f as pattern %i', (format, value, pattern) => {
    expect(encodeFloat(format, value)).toBe(pattern);
  });
});

describe('any split into exponent and fraction', () => {
  const anyFormat = fc
    .record({ exponentBits: fc.integer({ min: 2, max: 8 }), fractionBits: fc.integer({ min: 1, max: 23 }) })
    .map(({ exponentBits, fractionBits }) => floatFormat('any', exponentBits, fractionBits));

  it('encodes to the nearest of the neighbouring patterns', () => {
    fc.assert(
      fc.property(anyFormat, fc.double({ min: 0, max: 1e30, noNaN: true }), (format, value) => {
        const pattern = encodeFloat(format, value);
        const held = decodeFloat(format, pattern);
        if (!Number.isFinite(held)) return;
        for (const near of magnitudes(format, pattern)) {
          expect(Math.abs(held - value)).toBeLessThanOrEqual(Math.abs(decodeFloat(format, near) - value));
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('is monotone and odd', () => {
    const number = fc.double({ noNaN: true });
    fc.assert(
      fc.property(anyFormat, number, number, (format, a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        expect(roundToFormat(format, low)).toBeLessThanOrEqual(roundToFormat(format, high));
        expect(roundToFormat(format, -a)).toBe(-roundToFormat(format, a));
      }),
      { numRuns: 1000 },
    );
  });

  it('decodes an 8-bit float like the OCP table of E5M2', () => {
    const e5m2 = floatFormat('e5m2', 5, 2);
    expect([0x7b, 0x04, 0x01, 0x7c, 0xbc].map((pattern) => decodeFloat(e5m2, pattern))).toEqual([
      57344,
      2 ** -14,
      2 ** -16,
      Number.POSITIVE_INFINITY,
      -1,
    ]);
  });
});

describe("the lecture's examples (N3)", () => {
  const fp32 = describeFloat(FP32, parsePattern(FP32, '0 10000000 10010010000111111011011'));
  const fp16 = describeFloat(FP16, parsePattern(FP16, '0 10000 1001001000'));

  it('fp32: 2^(128−127) · 1.5707964 = 3.1415927', () => {
    expect(fp32.formula).toBe('(−1)^0 × 2^(128−127) × 1.5707964 = 3.1415927');
    expect(fp32).toMatchObject({ kind: 'normal', storedExponent: 128, power: 1, value: Math.fround(Math.PI) });
    expect(encodeFloat(FP32, Math.PI)).toBe(0x40490fdb);
  });

  it('fp16: 3.140625, with the exponent 2^(16−15) where the slide has 2^(128−127)', () => {
    expect(fp16.formula).toBe('(−1)^0 × 2^(16−15) × 1.5703125 = 3.140625');
    expect(roundToFormat(FP16, Math.PI)).toBe(3.140625);
  });

  it('the fp32 pattern as printed has a digit too many', () => {
    expect(() => parsePattern(FP32, '0 10000000 100100100000111111011011')).toThrow(
      "fp32 has 32 bits (1 sign, 8 exponent, 23 fraction), but '0 10000000 100100100000111111011011' has 33.",
    );
  });

  it('zeros, subnormals, infinities and NaN are floats without a hidden 1', () => {
    expect([0, 1, 0x0400, 0x7c00, 0x7c01].map((pattern) => describeFloat(FP16, pattern).kind)).toEqual([
      'zero',
      'subnormal',
      'normal',
      'infinity',
      'nan',
    ]);
    expect(describeFloat(FP16, 1).formula).toBe(`(−1)^0 × 2^(1−15) × ${2 ** -10} = ${2 ** -24}`);
    expect(describeFloat(FP16, 0x8000).formula).toMatch(/= -0$/);
    expect(describeFloat(FP16, 0xfc00).formula).toBe('exponent all ones, fraction 0: -Infinity');
  });
});

describe('int8', () => {
  it('is two’s complement', () => {
    const values = Int8Array.from({ length: 256 }, (_, pattern) => pattern);
    for (let pattern = 0; pattern < 256; pattern++) {
      expect(decodeInt8(pattern)).toBe(values[pattern]);
      expect(encodeInt8(values[pattern]!)).toBe(pattern);
    }
  });

  it('rounds half to even and stops at its ends', () => {
    expect([0.5, 1.5, -0.5, -1.5, 127.4, 127.5, 1e9, -128.6, -1e9].map(toInt8).map((x) => x + 0)).toEqual([
      0, 2, 0, -2, 127, 127, 127, -128, -128,
    ]);
    expect(roundHalfEven(2.5000001)).toBe(3);
  });
});

describe('bad input', () => {
  it.each([
    [
      () => floatFormat('fp64', 11, 52),
      'Format fp64 has 11 exponent and 52 fraction bits: 2 to 8 and 1 to 23 are allowed.',
    ],
    [() => decodeFloat(FP16, 65536), 'fp16 has 16 bits: its patterns are the whole numbers 0 to 65535, not 65536.'],
    [() => decodeFloat(FP16, 0.5), 'fp16 has 16 bits: its patterns are the whole numbers 0 to 65535, not 0.5.'],
    [() => parsePattern(FP16, '2'), "A pattern of fp16 is written with 0 and 1, not '2'."],
    [() => decodeInt8(256), 'int8 has 8 bits: its patterns are the whole numbers 0 to 255, not 256.'],
    [() => toInt8(Number.NaN), 'NaN has no place among the whole numbers -128 to 127.'],
  ])('%s', (act, sentence) => {
    expect(act).toThrow(sentence);
  });

  it('has every format under its name', () => {
    expect(Object.entries(FLOAT_FORMATS).every(([name, format]) => format.name === name)).toBe(true);
  });
});
