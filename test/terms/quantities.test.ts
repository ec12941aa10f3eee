// Quantities: sums, rates and larger units, and what the compiler refuses to mix.
import { describe, expect, it } from 'vitest';
import { count, duration, inUnit, measure, rate, sum } from '../../src/terms/quantities.ts';

describe('quantities', () => {
  it('are added exactly', () => {
    const large = count('FLOPs', 2n ** 60n);
    expect(sum('FLOPs', [large, large, count('FLOPs', 1n)])).toEqual(count('FLOPs', 2n ** 61n + 1n));
    expect(sum('bytes', [])).toEqual(count('bytes', 0n));
  });

  it('know GB from GiB', () => {
    const bytes = count('bytes', 80n * 2n ** 30n);
    expect(inUnit(bytes, 'GiB')).toEqual(measure('GiB', 80));
    expect(inUnit(bytes, 'GB').value).toBeCloseTo(85.899, 3);
  });

  it('make rates and durations of one kind', () => {
    const work = count('FLOPs', 3_000n);
    expect(rate(work, measure('seconds', 2))).toEqual(measure('FLOP/s', 1500));
    expect(duration(work, measure('FLOP/s', 1500))).toEqual(measure('seconds', 2));
    expect(rate(count('tokens', 10n), measure('seconds', 4))).toEqual(measure('tokens/s', 2.5));
  });

  it('are not mixed up: each line below is an error of types', () => {
    const flops = count('FLOPs', 1n);
    const bytes = count('bytes', 1n);
    // @ts-expect-error bytes are not FLOPs
    sum('FLOPs', [flops, bytes]);
    // @ts-expect-error a rate is not a count
    sum('FLOPs', [measure('FLOP/s', 1)].slice(1));
    // @ts-expect-error work in FLOPs is not done at bytes per second
    duration(flops, measure('bytes/s', 1));
    // @ts-expect-error FLOPs have no GiB
    inUnit(flops, 'GiB');
    const gigabytes = inUnit(bytes, 'GB');
    // @ts-expect-error GB are not GiB
    const gibibytes: ReturnType<typeof inUnit<'GiB'>> = gigabytes;
    expect(gibibytes.unit).toBe('GB');
  });
});
