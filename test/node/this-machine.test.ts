// This machine as hardware: nothing before yarn doctor has measured, its numbers afterwards.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { loadHardware } from '../../src/node/hardware.ts';
import { keepThisMachine } from '../../src/node/this-machine.ts';

const folder = mkdtempSync(join(tmpdir(), 'this-machine-'));
beforeAll(() => vi.stubEnv('TRANSFORMER_LEDGER_CACHE', join(folder, 'cache')));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

it('is refused with what to do, then loaded', async () => {
  expect(() => loadHardware('this')).toThrow(/^The hardware 'this' .* run yarn doctor once\.$/);
  const measured = { flopsPerSecond: 3.2e11, bytesPerSecond: 4.5e10, memoryBytes: 2 ** 34, date: '2026-01-31' };
  await keepThisMachine({ processor: '2 × Processor', backend: 'native 2.21.0', ...measured });
  const card = loadHardware('this');
  expect(card).toMatchObject({
    name: 'this',
    peakFlops: { fp32: 3.2e11 },
    memoryBandwidth: 4.5e10,
    memoryBytes: 2 ** 34,
  });
  expect(card.source).toBe('yarn doctor, 2026-01-31');
});
