// Measurements: what is counted comes out the same as what ships, and a file of results is read with care.
import { readFileSync } from 'node:fs';
import { getBackend, memory } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Bench, type Measurement, MissingMeasurementError } from '../../src/audit/context.ts';
import { keptDocument, measuredFrom, parseKept, recordOf } from '../../src/audit/kept.ts';
import { savedActivations } from '../../src/audit/measurements/saved-activations.ts';
import { useBackend } from '../../src/engine/backends.ts';
import { loadModelCard } from '../../src/node/cards.ts';
import { toJson } from '../../src/report/json.ts';

const file = new URL('../../docs/measurements/audit.json', import.meta.url);
const shipped = parseKept(JSON.parse(readFileSync(file, 'utf8')), 'audit.json');

const bench: Bench = {
  card: (arch, set = []) => loadModelCard({ arch, set }),
  backend: 'cpu',
  now: () => 0,
  timeKernels: async () => ({ total: 0, kernels: {} }),
  progress: () => {},
};

describe('saved activations', () => {
  it('counted now are those that ship, byte for byte, and nothing is leaked', async () => {
    await useBackend('cpu');
    // Once for the constants that the engine keeps for good.
    await savedActivations.run(bench);
    const before = memory().numTensors;
    const result = await savedActivations.run(bench);
    expect(getBackend()).toBe('cpu');
    expect(memory().numTensors).toBe(before);
    expect(savedActivations.schema.parse(result)).toEqual(measuredFrom(shipped)(savedActivations));
  }, 60_000);
});

describe('a file of results', () => {
  const record = { date: '2026-01-02', machine: 'a processor, 2 threads', backend: 'cpu 1', result: [1, 2] };
  const numbers: Measurement<number[]> = {
    id: 'numbers',
    title: 'two numbers',
    backend: 'cpu',
    schema: z.array(z.number()),
    run: async () => [],
  };

  it('is read as it was written', () => {
    const kept = parseKept(JSON.parse(toJson(keptDocument({ numbers: record }), 2)), 'file');
    expect(kept).toEqual({ numbers: record });
    expect(measuredFrom(kept)(numbers)).toEqual([1, 2]);
  });

  it('wins over one that ships, measurement by measurement', () => {
    const own = { numbers: { ...record, result: [7] } };
    expect(measuredFrom(own, { numbers: record })(numbers)).toEqual([7]);
    expect(measuredFrom({}, { numbers: record })(numbers)).toEqual([1, 2]);
    expect(recordOf('numbers', [{}, { numbers: record }])).toBe(record);
  });

  it('is refused in one sentence where it is something else', () => {
    expect(() => parseKept({ version: 2, measurements: {} }, 'mine.json')).toThrow(
      /'mine\.json' cannot be read: version/,
    );
    expect(() => parseKept([], 'mine.json')).toThrow(/'mine\.json'/);
    expect(() => parseKept({ version: 1, measurements: { a: { ...record, date: 'today' } } }, 'f')).toThrow(/a\.date/);
  });

  it('misses what was never made, and does not take what another version made', () => {
    expect(() => measuredFrom({})(numbers)).toThrow(MissingMeasurementError);
    expect(() => measuredFrom({ numbers: { ...record, result: 'two' } })(numbers)).toThrow(/another version/);
  });
});
