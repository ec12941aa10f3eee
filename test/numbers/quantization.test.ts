// int8 quantization: the lecture's formulas by hand, error bounds for any tensor, and tensors that stress the formulas.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  dequantize,
  QUANTIZATIONS,
  quantizationError,
  quantize,
  quantizedBytes,
} from '../../src/numbers/quantization.ts';

const float32 = fc.float({ noNaN: true, noDefaultInfinity: true, min: Math.fround(-1e30), max: Math.fround(1e30) });
const tensor = fc.array(float32, { minLength: 1, maxLength: 60 }).map((values) => Float32Array.from(values));

describe('by hand', () => {
  const values = [-1, -0.5, 0, 0.25, 3];

  it('absmax: round(127/max|X| · X)', () => {
    const { values: q, scales } = quantize(values, 'absmax');
    expect(scales).toEqual(Float64Array.of(127 / 3));
    expect([...q]).toEqual([-42, -21, 0, 11, 127]);
  });

  it('zero-point: scale 255/(max − min), zeropoint −round(scale·min) − 128', () => {
    const { values: q, scales, zeroPoints } = quantize(values, 'zero-point');
    expect(scales).toEqual(Float64Array.of(63.75));
    expect(zeroPoints).toEqual(Float64Array.of(-64));
    expect([...q]).toEqual([-128, -96, -64, -48, 127]);
  });

  it('real = stored / scale, or (stored − zeropoint) / scale (N5)', () => {
    expect([...dequantize(quantize(values, 'absmax'))]).toEqual(
      [-42, -21, 0, 11, 127].map((q) => Math.fround((q * 3) / 127)),
    );
    expect(dequantize(quantize(values, 'zero-point'))[2]).toBe(0);
  });

  it('a row of its own scale keeps small rows exact', () => {
    const rows = [127, -127, 0.127, -0.127];
    expect(quantizationError(rows, quantize(rows, 'absmax', 2)).largest).toBeLessThan(1e-8);
    expect(quantizationError(rows, quantize(rows, 'absmax')).largest).toBeCloseTo(0.127, 8);
  });
});

describe.each(QUANTIZATIONS)('%s of any tensor', (kind) => {
  it('errs by at most half a step', () => {
    fc.assert(
      fc.property(tensor, (values) => {
        const quantized = quantize(values, kind);
        const { largest, rootMeanSquare, bound } = quantizationError(values, quantized);
        const offset = Math.abs(quantized.zeroPoints[0]!) / quantized.scales[0]!;
        const size = values.reduce((most, value) => Math.max(most, Math.abs(value)), offset);
        // x̂ is a float32 and the sum in float64 rounds too.
        expect(largest).toBeLessThanOrEqual(bound + size * 2 ** -23 + 2 ** -149);
        expect(rootMeanSquare).toBeLessThanOrEqual(largest * (1 + 1e-9));
      }),
      { numRuns: 500 },
    );
  });

  it('of rows is what quantizing each row alone gives', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), tensor, (columns, values) => {
        const whole = values.subarray(0, Math.max(columns, values.length - (values.length % columns)));
        fc.pre(whole.length % columns === 0);
        const together = quantize(whole, kind, columns);
        for (let row = 0; row < whole.length / columns; row++) {
          const alone = quantize(whole.subarray(row * columns, (row + 1) * columns), kind);
          expect([...together.values.subarray(row * columns, (row + 1) * columns)]).toEqual([...alone.values]);
          expect(together.scales[row]).toBe(alone.scales[0]);
          expect(together.zeroPoints[row]).toBe(alone.zeroPoints[0]);
        }
      }),
    );
  });

  it('keeps the order of the numbers and reaches both ends of what it uses', () => {
    fc.assert(
      fc.property(tensor, (values) => {
        const { values: q } = quantize(values.slice().sort(), kind);
        expect([...q]).toEqual([...q].sort((a, b) => a - b));
        const ends = [q[0]!, q.at(-1)!].map(Math.abs);
        expect(Math.max(...ends)).toBeGreaterThanOrEqual(values.some((value) => value !== 0) ? 127 : 0);
      }),
    );
  });

  it('gives back a constant tensor as it was', () => {
    fc.assert(
      fc.property(float32, (value) => {
        const back = dequantize(quantize([value, value, value], kind));
        for (const number of back) expect(Math.abs(number - value)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -23);
      }),
    );
    expect([...dequantize(quantize([0, 0], kind))]).toEqual([0, 0]);
  });

  it.each([
    [[], 1, 'There is nothing to quantize: the tensor has no elements.'],
    [[1, 2, 3], 2, '3 elements cannot be cut into rows of 2.'],
    [[1, Number.NaN], 2, 'Element 1 is NaN: only finite numbers can be quantized.'],
    [[Number.POSITIVE_INFINITY], 1, 'Element 0 is Infinity: only finite numbers can be quantized.'],
    [[5e-324, 0], 2, /^Numbers between .* cannot be quantized: their scale would be Infinity/],
  ])('refuses %j in rows of %i', (values, columns, sentence) => {
    expect(() => quantize(values, kind, columns)).toThrow(sentence);
  });
});

describe('absmax', () => {
  it('quantizes what it gave back to the same bytes', () => {
    fc.assert(
      fc.property(tensor, (values) => {
        fc.pre(values.every((value) => value === 0 || Math.abs(value) > 1e-30));
        const first = quantize(values, 'absmax');
        expect([...quantize(dequantize(first), 'absmax').values]).toEqual([...first.values]);
      }),
    );
  });
});

describe('zero-point', () => {
  it('spends its range on numbers of one sign, where absmax wastes half of it', () => {
    const values = Array.from({ length: 256 }, (_, at) => 10 + at / 255);
    const errors = QUANTIZATIONS.map((kind) => quantizationError(values, quantize(values, kind)).rootMeanSquare);
    expect(errors[0]! / errors[1]!).toBeGreaterThan(10);
  });

  it('holds a range that is far from 0 and refuses one that float64 cannot tell from a point', () => {
    const far = quantize([1e6, 1e6 + 1], 'zero-point');
    expect([...far.values]).toEqual([-128, 127]);
    expect([...far.zeroPoints]).toEqual([-255e6 - 128]);
    expect(() => quantize([1, 1 + 2 ** -52], 'zero-point')).toThrow(/cannot be quantized.*zero point/);
    expect(() => quantize([-1.7e308, 1.7e308], 'zero-point')).toThrow('their scale would be 0');
  });
});

it('takes a byte an element and eight a scale', () => {
  const values = new Float32Array(1000).fill(1);
  expect(quantizedBytes(quantize(values, 'absmax'))).toBe(1008);
  expect(quantizedBytes(quantize(values, 'absmax', 100))).toBe(1080);
  expect(quantizedBytes(quantize(values, 'zero-point', 100))).toBe(1160);
});
