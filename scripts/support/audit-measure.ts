// Makes the measurements that the audit rests on, on plain JavaScript where things are counted, on the fastest backend where they are timed.
import { availableParallelism, cpus } from 'node:os';
import { getBackend } from '@tensorflow/tfjs-core';
import type { AnyMeasurement, CardSource } from '../../src/audit/context.ts';
import type { Kept } from '../../src/audit/kept.ts';
import { timeKernels } from '../../src/bench/kernel-times.ts';
import { useBackend } from '../../src/engine/backends.ts';

const milliseconds = () => performance.now();

/** Runs every measurement and returns the results as they are kept. */
export async function makeMeasurements(
  measurements: readonly AnyMeasurement[],
  card: CardSource,
  backendOfTimed: string,
  say: (text: string) => void,
): Promise<Kept> {
  const kept: Record<string, Kept[string]> = {};
  const machine = `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} threads`;
  for (const [at, measurement] of measurements.entries()) {
    const { name, version } = await useBackend(measurement.backend === 'cpu' ? 'cpu' : backendOfTimed);
    const heading = `${at + 1}/${measurements.length} ${measurement.title}`;
    say(`${heading} · ${name}`);
    const result = await measurement.run({
      card,
      backend: getBackend(),
      now: () => milliseconds() / 1000,
      timeKernels: async (run, times) => {
        const { stepSeconds, kernels } = await timeKernels(async () => run(), times, milliseconds);
        return {
          total: 1000 * stepSeconds,
          kernels: Object.fromEntries(kernels.map(({ name, seconds }) => [name, 1000 * seconds])),
        };
      },
      progress: (text) => say(`  ${text}`),
    });
    const date = new Date().toISOString().slice(0, 10);
    kept[measurement.id] = { date, machine, backend: `${name} ${version}`, result };
  }
  return kept;
}
