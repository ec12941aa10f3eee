// Claims I: the figures behind the verdicts.
import { describe, expect, it } from 'vitest';
import { inferenceClaims } from '../../src/audit/claims/inference.ts';
import { evidenceOf, findingsOf, partsOf } from '../support/audit.ts';

const findings = findingsOf(inferenceClaims);

describe('claims I', () => {
  it('are eleven, and each comes to what is on record', () => {
    expect(Object.keys(findings)).toEqual(Array.from({ length: 11 }, (_, at) => `I${at + 1}`));
    for (const { claim, failure, agrees } of Object.values(findings))
      expect({ id: claim.id, failure, agrees }).toEqual({ id: claim.id, failure: undefined, agrees: true });
  });

  it.each([
    ['I1', ['holds', 'holds', 'pending: generation']],
    ['I4', ['approximates', 'pending: generation']],
    ['I6', ['erratum', 'holds', 'approximates']],
    ['I7', ['erratum', 'approximates', 'erratum', 'erratum', 'erratum']],
    ['I8', ['holds', 'pending: generation']],
  ])('%s: %j', (id, parts) => {
    expect(partsOf(findings[id]!)).toEqual(parts);
  });

  it('I1: published bytes per token', () => {
    const cards = evidenceOf(inferenceClaims, 'I1');
    expect(cards.map(({ name, bytes }: { name: string; bytes: bigint }) => [name, bytes])).toEqual([
      ['gpt2', 36_864n],
      ['llama2-7b', 524_288n],
      ['llama3-8b', 131_072n],
      ['llama3-70b', 327_680n],
      ['starcoder', 20_480n],
    ]);
  });

  it('I7: 220 GiB on 4 GPUs, 11 needed, 12.8 ms and 118 ms', () => {
    const { perDevice, needed, largestBatch, printedTime, computeTime, memoryTime } = evidenceOf(inferenceClaims, 'I7');
    expect(perDevice / 2 ** 30).toBe(220);
    expect([needed, largestBatch]).toEqual([11, 60]);
    expect(1000 * printedTime).toBeCloseTo(0.0641, 4);
    expect(1000 * computeTime).toBeCloseTo(12.82, 2);
    expect(1000 * memoryTime).toBeCloseTo(118.1, 1);
  });

  it('I9: a window that grows keeps its rows; one that slides does so in the first layer only, without positions', () => {
    const { printed, slides, withPositions, grows, growsWithPositions } = evidenceOf(inferenceClaims, 'I9');
    expect(Math.max(...grows, ...growsWithPositions, slides[0])).toBe(0);
    for (const error of [...printed, slides[1], ...withPositions]) expect(error).toBeGreaterThan(0.1);
  });

  it('I10: greedy choice is never better than the exhaustive search, and sometimes worse', () => {
    const runs = evidenceOf(inferenceClaims, 'I10') as {
      greedy: { probability: number };
      best: { probability: number };
    }[];
    expect(runs.filter(({ greedy, best }) => greedy.probability > best.probability)).toEqual([]);
    expect(runs.filter(({ greedy, best }) => greedy.probability < best.probability).length).toBeGreaterThan(0);
  });
});
