// Batches: which windows, in which order, and that nothing but seed and step decides.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Batch, evaluationBatches, evaluationTokens, TrainingBatches } from '../../src/data/batches.ts';

const stream = (length: number) => Uint16Array.from({ length }, (_, i) => i);

function rowsOf(batch: Batch): number[][] {
  return Array.from({ length: batch.rows }, (_, row) => [
    ...batch.inputs.slice(row * batch.length, (row + 1) * batch.length),
  ]);
}

describe('training batches', () => {
  it('are windows of the tokens with labels one position later, every start within reach', () => {
    const batches = new TrainingBatches(stream(50), 4, 8, { seed: 1, step: 0 });
    const starts = new Set<number>();
    for (let step = 0; step < 200; step++) {
      const batch = batches.next();
      expect(batch.inputs.length).toBe(32);
      for (const row of rowsOf(batch)) {
        expect(row).toEqual(Array.from({ length: 8 }, (_, i) => row[0]! + i));
        starts.add(row[0]!);
      }
      expect([...batch.labels]).toEqual([...batch.inputs].map((token) => token + 1));
    }
    expect([...starts].sort((a, b) => a - b)).toEqual(Array.from({ length: 42 }, (_, i) => i));
  });

  it('go on after a resume as if nothing had happened, and differ by seed', () => {
    const whole = new TrainingBatches(stream(1000), 3, 16, { seed: 9, step: 0 });
    const expected = Array.from({ length: 10 }, () => whole.next());
    const first = new TrainingBatches(stream(1000), 3, 16, { seed: 9, step: 0 });
    for (let i = 0; i < 4; i++) first.next();
    const resumed = new TrainingBatches(stream(1000), 3, 16, JSON.parse(JSON.stringify(first.state)));
    for (let i = 4; i < 10; i++) expect(resumed.next()).toEqual(expected[i]);
    expect(resumed.state).toEqual({ seed: 9, step: 10 });
    const other = new TrainingBatches(stream(1000), 3, 16, { seed: 10, step: 0 });
    expect(other.next()).not.toEqual(expected[0]);
  });

  it('are the same windows when taken in micro batches', () => {
    const batches = new TrainingBatches(stream(500), 6, 10, { seed: 2, step: 3 });
    const parts = [0, 2, 4].flatMap((from) => rowsOf(batches.rows(3, from, 2)));
    expect(parts).toEqual(rowsOf(batches.next()));
  });

  it('need a text of one batch and say what would fit', () => {
    const make = (length: number, batch: number, sequence: number) => () =>
      new TrainingBatches(stream(length), batch, sequence, { seed: 0, step: 0 });
    expect(make(100, 1, 100)).toThrow(
      'A context of 100 is longer than the training text: it needs 101 tokens and there are 100; --seq 99 or less fits.',
    );
    expect(make(100, 8, 50)).toThrow(
      'shorter than one batch: 8 × 50 + 1 = 401 are needed; --batch 1 or --seq 12 fits.',
    );
    expect(make(101, 1, 100)).not.toThrow();
    expect(make(97, 8, 12)).not.toThrow();
    expect(make(100, 0, 12)).toThrow('The batch is 0');
    expect(make(100, 1, Number.NaN)).toThrow('The sequence is NaN');
    expect(make(100, 1, 1.5)).toThrow('whole number');
  });
});

describe('evaluation batches', () => {
  it('predict every token but the first exactly once', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 300 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 40 }),
        (n, batch, sequence) => {
          const batches = [...evaluationBatches(stream(n), batch, sequence)];
          expect(batches.flatMap((one) => [...one.labels])).toEqual(Array.from({ length: n - 1 }, (_, i) => i + 1));
          expect(batches.flatMap((one) => [...one.inputs])).toEqual(Array.from({ length: n - 1 }, (_, i) => i));
          expect(batches.every((one) => one.rows <= batch && one.length <= sequence)).toBe(true);
          expect(evaluationTokens(stream(n), sequence)).toBe(n - 1);
        },
      ),
    );
  });

  it('with a limit are so many different full windows, spread over the split', () => {
    fc.assert(
      fc.property(fc.integer({ min: 20, max: 300 }), fc.integer({ min: 1, max: 8 }), (n, limit) => {
        const starts = [...evaluationBatches(stream(n), 3, 4, limit)].flatMap(rowsOf).map((row) => row[0]!);
        const full = Math.floor((n - 1) / 4);
        const predictions = [...evaluationBatches(stream(n), 3, 4, limit)].reduce(
          (sum, one) => sum + one.labels.length,
          0,
        );
        expect(evaluationTokens(stream(n), 4, limit)).toBe(predictions);
        if (limit >= full) return;
        expect(starts.length).toBe(limit);
        expect(new Set(starts).size).toBe(limit);
        expect(starts.every((start) => start % 4 === 0)).toBe(true);
        if (limit > 1) expect(starts.at(-1)).toBeGreaterThanOrEqual(((limit - 1) / limit) * full * 4 - 4);
      }),
    );
  });

  it('need two tokens and a limit above zero', () => {
    expect(() => [...evaluationBatches(stream(1), 1, 4)]).toThrow('two are the least');
    expect(() => [...evaluationBatches(stream(9), 1, 4, 0)]).toThrow('The limit is 0');
  });
});
