// Claims D: sharded layers and collectives on virtual workers, and the figures behind the verdicts.
import { describe, expect, it } from 'vitest';
import { parallelismClaims } from '../../src/audit/claims/parallelism.ts';
import {
  allReduceAroundRing,
  allReduceThroughChief,
  playPipeline,
  shardAttention,
  shardMlp,
} from '../../src/audit/claims/parallelism-workers.ts';
import { evidenceOf, findingsOf, partsOf } from '../support/audit.ts';

const findings = findingsOf(parallelismClaims);

describe('claims D', () => {
  it('are eleven, and each comes to what is on record', () => {
    expect(Object.keys(findings)).toEqual(Array.from({ length: 11 }, (_, at) => `D${at + 1}`));
    for (const { claim, failure, agrees } of Object.values(findings))
      expect({ id: claim.id, failure, agrees }).toEqual({ id: claim.id, failure: undefined, agrees: true });
  });

  it.each([
    ['D1', ['erratum', 'holds']],
    ['D3', ['holds', 'pending: ranks']],
    ['D4', ['holds', 'pending: ranks']],
    ['D5', ['erratum', 'erratum']],
    ['D11', ['convention', 'erratum']],
  ])('%s: %j', (id, parts) => {
    expect(partsOf(findings[id]!)).toEqual(parts);
  });

  it('D5: 374.9 and 365.8 GiB, and 187.4 with 9 bytes', () => {
    const { replicated, sharded, halved, linear, quadratic } = evidenceOf(parallelismClaims, 'D5');
    const gib = (bytes: number) => bytes / 2 ** 30;
    expect(gib(replicated)).toBeCloseTo(374.9, 1);
    expect(gib(sharded)).toBeCloseTo(365.8, 1);
    expect(gib(halved)).toBeCloseTo(187.4, 1);
    expect(gib(linear)).toBeCloseTo(1.43e-2, 4);
    expect(gib(quadratic)).toBeCloseTo(5.36e-6, 8);
  });

  it('D10: 0.1001 %', () => {
    expect(evidenceOf(parallelismClaims, 'D10').serial).toBeCloseTo(0.001001, 6);
  });
});

describe('virtual workers', () => {
  it.each([1, 2, 4, 8])('%i workers compute what one does, forward and backward, with two AllReduce', (workers) => {
    expect(shardAttention(workers).summed).toBeLessThan(1e-12);
    const { output, gradients, allReduces } = shardMlp(workers);
    expect(output).toBeLessThan(1e-12);
    expect(gradients).toBeLessThan(1e-12);
    expect(allReduces).toHaveLength(2);
  });

  it('one worker has nothing to concatenate; more than one cannot concatenate', () => {
    expect(shardAttention(1).concatenated).toBe(0);
    expect(shardAttention(2).concatenated).toBe(Number.POSITIVE_INFINITY);
  });

  it.each([2, 3, 5, 8])(
    'an AllReduce of %i workers gives all the sum; the ring sends 2(n − 1)/n of the tensor',
    (workers) => {
      const length = 120;
      const ring = allReduceAroundRing(workers, length);
      const chief = allReduceThroughChief(workers, length);
      expect(ring.error).toBeLessThan(1e-12);
      expect(chief.error).toBeLessThan(1e-12);
      expect(ring.busiest).toBe((2 * (workers - 1) * length) / workers);
      expect(chief.busiest).toBe((workers - 1) * length);
      expect(ring.total).toBe(chief.total);
    },
  );

  it.each([
    [1, 3],
    [2, 1],
    [3, 7],
    [4, 4],
    [6, 2],
  ])('1F1B of %i stages and %i micro-batches idles (P − 1)/(m + P − 1)', (stages, microBatches) => {
    expect(playPipeline(stages, microBatches)).toBeCloseTo((stages - 1) / (microBatches + stages - 1), 12);
  });
});
