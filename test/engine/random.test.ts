// Seeded random numbers: Philox against its authors' test vectors, and the distributions.
import { describe, expect, it } from 'vitest';
import { normalArray, philox, streamOf, uniform, uniformArray, uniformInteger } from '../../src/engine/random.ts';

describe('philox', () => {
  // The known answers for philox4x32-10 that the Random123 library is tested with.
  it.each([
    [[0, 0, 0, 0], [0, 0], '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    [[0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    [[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0], 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ])('turns counter %j under key %j into the published words', (counter, key, expected) => {
    const words = Uint32Array.from(counter);
    philox(words, key[0]!, key[1]!);
    expect([...words].map((word) => word.toString(16).padStart(8, '0')).join(' ')).toBe(expected);
  });
});

describe('distributions', () => {
  it('draws uniform numbers with the mean and variance of the uniform distribution, seed and stream apart', () => {
    const n = 40_000;
    const values = uniformArray(7, 'a', n);
    const mean = values.reduce((sum, value) => sum + value, 0) / n;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n;
    expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / n));
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.002);
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
    expect(uniformArray(7, 'a', n)).toEqual(values);
    expect(uniformArray(8, 'a', 8)).not.toEqual(values.slice(0, 8));
    expect(uniformArray(7, 'b', 8)).not.toEqual(values.slice(0, 8));
  });

  it('draws normal numbers with the asked deviation, the usual share within one and two of it, and no correlation in pairs', () => {
    const n = 40_001;
    const values = normalArray(3, 'w', n, 0.02);
    const share = (k: number) => values.filter((value) => Math.abs(value) < k * 0.02).length / n;
    const mean = values.reduce((sum, value) => sum + value, 0) / n;
    const square = values.reduce((sum, value) => sum + value * value, 0) / n;
    let product = 0;
    for (let i = 0; i + 1 < n; i += 2) product += values[i]! * values[i + 1]!;
    expect(Math.abs(mean)).toBeLessThan((5 * 0.02) / Math.sqrt(n));
    expect(Math.sqrt(square)).toBeCloseTo(0.02, 3);
    expect(share(1)).toBeCloseTo(0.6827, 2);
    expect(share(2)).toBeCloseTo(0.9545, 2);
    expect(Math.abs(product / (n / 2))).toBeLessThan((5 * 0.02 * 0.02) / Math.sqrt(n / 2));
    expect(values.every(Number.isFinite)).toBe(true);
  });

  it('gives a longer array the same beginning', () => {
    expect(normalArray(1, 'w', 103, 1).slice(0, 10)).toEqual(normalArray(1, 'w', 10, 1));
  });

  it('reaches every whole number below the bound about equally often', () => {
    const counts = new Array(10).fill(0);
    for (let i = 0; i < 10_000; i++) counts[uniformInteger(2, 5, i, 10)] += 1;
    const chiSquare = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    // The 0.999 quantile of chi-square with 9 degrees of freedom is 27.9.
    expect(chiSquare).toBeLessThan(27.9);
  });

  it('uses all bits of large seeds and indices, and refuses what is no seed', () => {
    expect(uniform(1, 0, 0)).not.toBe(uniform(1 + 2 ** 32, 0, 0));
    expect(uniform(1, 0, 5)).not.toBe(uniform(1, 0, 5 + 2 ** 32));
    expect(streamOf('blocks.0.mlp.up')).not.toBe(streamOf('blocks.1.mlp.up'));
    expect(() => uniform(-1, 0, 0)).toThrow(RangeError);
    expect(() => uniform(1.5, 0, 0)).toThrow(RangeError);
  });
});
