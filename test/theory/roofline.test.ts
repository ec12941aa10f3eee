// The roofline: ridge points of the documents' table, intensities, and what bounds a piece of work.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadHardware } from '../../src/node/hardware.ts';
import { count, measure } from '../../src/terms/quantities.ts';
import {
  BOUNDS,
  intensity,
  type Machine,
  machineOf,
  matrixProductWork,
  ridgePoint,
  timeOf,
} from '../../src/theory/roofline.ts';

const machine: Machine = {
  peak: measure('FLOP/s', 100),
  bandwidth: measure('bytes/s', 10),
  link: measure('bytes/s', 2),
  dispatch: measure('seconds', 0.5),
};
const flops = (value: bigint) => count('FLOPs', value);
const bytes = (value: bigint) => count('bytes', value);

describe('ridge points', () => {
  it.each([
    ['a100-40gb', 195, 6, 'decoder-only C.1: 312 / 1.6; the datasheet has 1.555 TB/s'],
    ['a100', 156, 4, 'decoder-only C.1: 312 / 2.0; the datasheet has 2.039 TB/s'],
    ['v100s', 118, 4, 'decoder-only C.1: 130 / 1.1; the datasheet has 1.134 TB/s'],
    ['h100', 295, 1, '989.4 / 3.35'],
    ['tpu-v5e', 240, 1, '197 / 0.819, as in "How to scale your model"'],
  ])('%s: %s ± %s FLOPs per byte (%s)', (name, ridge, tolerance, _source) => {
    expect(Math.abs(ridgePoint(machineOf(loadHardware(name), 'mixed')) - ridge)).toBeLessThanOrEqual(tolerance);
  });

  it('H1: the printed 195, 156 and 118 follow from decimal units; TiB/s would give 177, 142 and 107', () => {
    const ridge = (teraflops: number, bandwidth: number) =>
      ridgePoint({ peak: measure('FLOP/s', teraflops * 1e12), bandwidth: measure('bytes/s', bandwidth) });
    const table = [
      [312, 1.6],
      [312, 2.0],
      [130, 1.1],
    ] as const;
    expect(table.map(([peak, memory]) => Math.round(ridge(peak, memory * 1e12)))).toEqual([195, 156, 118]);
    expect(table.map(([peak, memory]) => Math.round(ridge(peak, memory * 2 ** 40)))).toEqual([177, 142, 107]);
  });

  it('refuses a machine without speed', () => {
    expect(() => ridgePoint({ ...machine, bandwidth: measure('bytes/s', 0) })).toThrow(
      'The memory bandwidth of the machine is 0 and must be a finite number greater than 0.',
    );
  });
});

describe('a product of matrices', () => {
  it('H2: (B,S,D)×(D,D) has 2·BSD / p(2BS + D) FLOPs per byte, twice what (D.1) prints', () => {
    const [rows, hidden, p] = [8 * 512, 4096, 2];
    const product = matrixProductWork({ rows, inner: hidden, columns: hidden, bytesPerElement: p });
    const printed = (rows * hidden) / (2 * rows + hidden) / p;
    expect(product.flops.value).toBe(2n * 4096n * 4096n * 4096n);
    expect(product.bytes.value).toBe(2n * 3n * 4096n * 4096n);
    expect(intensity(product) / printed).toBeCloseTo(2, 12);
  });

  it('with one row per sequence is bound by memory below B ≈ λ_math at 16 bits, by compute above', () => {
    const a100 = machineOf(loadHardware('a100'), 'mixed');
    const bound = (rows: number) =>
      timeOf(matrixProductWork({ rows, inner: 65_536, columns: 65_536, bytesPerElement: 2 }), a100).bound;
    expect([1, 100, 150, 160, 1000].map(bound)).toEqual(['memory', 'memory', 'memory', 'compute', 'compute']);
  });

  it.each([{ rows: 0 }, { inner: -3 }, { columns: 1.5 }, { bytesPerElement: Number.NaN }])('refuses %j', (change) => {
    const product = { rows: 1, inner: 1, columns: 1, bytesPerElement: 2, ...change };
    expect(() => matrixProductWork(product)).toThrow(/of a matrix product is .* must be a whole number/);
  });
});

describe('what bounds work', () => {
  it.each([
    ['compute', { flops: flops(1000n), bytes: bytes(10n) }, 10],
    ['memory', { flops: flops(1000n), bytes: bytes(200n) }, 20],
    ['communication', { flops: flops(1000n), bytes: bytes(10n), sent: bytes(60n) }, 30],
    ['dispatch', { flops: flops(1000n), bytes: bytes(10n), kernels: 80 }, 40],
  ] as const)('%s', (bound, work, seconds) => {
    const time = timeOf(work, machine);
    expect([time.bound, time.seconds.value]).toEqual([bound, seconds]);
  });

  it('the time is the largest part, never their sum (decoder-only, footnote 35), and grows with the work', () => {
    const amounts = fc.record({
      flops: fc.bigInt({ min: 0n, max: 10n ** 18n }),
      bytes: fc.bigInt({ min: 0n, max: 10n ** 15n }),
      sent: fc.bigInt({ min: 0n, max: 10n ** 15n }),
      kernels: fc.nat(1000),
    });
    const time = (work: { flops: bigint; bytes: bigint; sent: bigint; kernels: number }) =>
      timeOf(
        { flops: flops(work.flops), bytes: bytes(work.bytes), sent: bytes(work.sent), kernels: work.kernels },
        machine,
      );
    fc.assert(
      fc.property(amounts, amounts, (one, more) => {
        const { seconds, bound, parts } = time(one);
        expect(seconds.value).toBe(Math.max(...BOUNDS.map((part) => parts[part].value)));
        expect(parts[bound].value).toBe(seconds.value);
        const both = time({
          flops: one.flops + more.flops,
          bytes: one.bytes + more.bytes,
          sent: one.sent + more.sent,
          kernels: one.kernels + more.kernels,
        });
        expect(both.seconds.value).toBeGreaterThanOrEqual(seconds.value);
      }),
    );
  });

  it('bytes sent without a link are a mistake of the caller', () => {
    const { link: _link, ...alone } = machine;
    expect(() => timeOf({ flops: flops(1n), bytes: bytes(1n), sent: bytes(1n) }, alone)).toThrow(RangeError);
  });
});
