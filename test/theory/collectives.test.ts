// Collectives: bytes of the busiest worker by both algorithms, counted against algorithms that are carried out message by message.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ALGORITHMS, COLLECTIVES, collectiveCost, collectiveTime } from '../../src/theory/collectives.ts';

/** Bytes that each worker sends when a ring really passes parts of `part` bytes on, for `rounds` rounds of everyone. */
function ringSent(workers: number, part: bigint, rounds: number): bigint[] {
  const sent = Array.from({ length: workers }, () => 0n);
  for (let round = 0; round < rounds; round++) {
    for (let worker = 0; worker < workers; worker++) sent[worker]! += part;
  }
  return sent;
}

describe('a ring', () => {
  it.each([2, 3, 4, 8, 64])('of %i workers sends what its messages are', (workers) => {
    const bytes = BigInt(workers) * 1000n;
    const [scatter, gather, both] = (['ReduceScatter', 'AllGather', 'AllReduce'] as const).map((collective) =>
      collectiveCost(collective, 'ring', workers, bytes),
    );
    expect(scatter!.sent.value).toBe(ringSent(workers, 1000n, workers - 1)[0]);
    expect(gather!.sent.value).toBe(ringSent(workers, 1000n, workers - 1)[0]);
    expect(both!.sent.value).toBe(scatter!.sent.value + gather!.sent.value);
    expect(both!.total.value).toBe(ringSent(workers, 1000n, 2 * (workers - 1)).reduce((a, b) => a + b));
    expect(both!.steps).toBe(scatter!.steps + gather!.steps);
  });

  it('is nearly independent of the number of workers: at most twice the tensor', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 4096 }),
        fc.bigInt({ min: 1n << 20n, max: 1n << 40n }),
        (workers, bytes) => {
          const { sent } = collectiveCost('AllReduce', 'ring', workers, bytes);
          expect(sent.value).toBeGreaterThanOrEqual(bytes);
          expect(sent.value).toBeLessThan(2n * bytes + 2n * BigInt(workers));
        },
      ),
    );
  });
});

describe('through a chief', () => {
  it('AllReduce is Reduce and Broadcast, AllGather is Gather and Broadcast, and both grow with the workers', () => {
    for (const workers of [2, 5, 16]) {
      const cost = (collective: (typeof COLLECTIVES)[number]) => collectiveCost(collective, 'naive', workers, 8000n);
      expect(cost('AllReduce').serial.value).toBe(cost('Reduce').serial.value + cost('Broadcast').serial.value);
      const whole = collectiveCost(
        'Broadcast',
        'naive',
        workers,
        BigInt(workers) * ((8000n + BigInt(workers) - 1n) / BigInt(workers)),
      );
      expect(cost('AllGather').serial.value).toBe(cost('Gather').serial.value + whole.serial.value);
      expect(cost('AllReduce').sent.value).toBe(BigInt(workers - 1) * 8000n);
    }
  });
});

describe('every collective', () => {
  const each = ALGORITHMS.flatMap((algorithm) => COLLECTIVES.map((collective) => [algorithm, collective] as const));

  it.each(each)('%s %s of one worker is free, and costs nothing for nothing', (algorithm, collective) => {
    expect(collectiveCost(collective, algorithm, 1, 1000n)).toMatchObject({ steps: 0n, sent: { value: 0n } });
    expect(collectiveCost(collective, algorithm, 4, 0n).total.value).toBe(0n);
  });

  it.each(COLLECTIVES)('%s is never slower around a ring than through a chief', (collective) => {
    for (const workers of [2, 3, 8, 100]) {
      const [naive, ring] = ALGORITHMS.map((algorithm) => collectiveCost(collective, algorithm, workers, 1_000_000n));
      expect(ring!.serial.value).toBeLessThanOrEqual(naive!.serial.value + BigInt(2 * workers));
    }
  });

  it('takes bytes over bandwidth, and a latency for each step', () => {
    const cost = collectiveCost('AllReduce', 'ring', 8, 8_000_000_000n);
    expect(collectiveTime(cost, { bytesPerSecond: 1e9 }).value).toBeCloseTo(14, 9);
    expect(collectiveTime(cost, { bytesPerSecond: 1e9, latencySeconds: 0.5 }).value).toBeCloseTo(14 + 14 * 0.5, 9);
  });

  it('refuses workers, bytes and links that are none', () => {
    expect(() => collectiveCost('Reduce', 'ring', 0, 1n)).toThrow('A collective of 0 workers is not possible');
    expect(() => collectiveCost('Reduce', 'ring', 2.5, 1n)).toThrow('whole number');
    expect(() => collectiveCost('Reduce', 'ring', 2, -1n)).toThrow('give 0 bytes or more');
    expect(() => collectiveTime(collectiveCost('Reduce', 'ring', 2, 1n), { bytesPerSecond: 0 })).toThrow('above 0');
  });
});
