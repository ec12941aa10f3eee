// Where a step's time goes, kernel by kernel.
import { getBackend } from '@tensorflow/tfjs-core';
import type { Clock } from '../engine/probe.ts';
import { wrapKernels } from '../engine/wrap-kernels.ts';
import type { KernelTime, KernelTimes } from './measurement.ts';

/**
 * Times every kernel of the current backend over `steps` runs of `step`; means of one step. A kernel inside another belongs to it.
 * On a GPU a kernel's time is that of handing it over, not of running it.
 */
export async function timeKernels(step: () => Promise<unknown>, steps: number, now: Clock): Promise<KernelTimes> {
  const totals = new Map<string, { milliseconds: number; calls: number }>();
  let depth = 0;
  const begin = now();
  const unwrap = wrapKernels(getBackend(), ({ name, run }) => {
    if (depth > 0) return run();
    depth++;
    const start = now();
    try {
      return run();
    } finally {
      depth--;
      const total = totals.get(name) ?? { milliseconds: 0, calls: 0 };
      total.milliseconds += now() - start;
      total.calls++;
      totals.set(name, total);
    }
  });
  try {
    for (let i = 0; i < steps; i++) await step();
  } finally {
    unwrap();
  }
  return tabulate(totals, (now() - begin) / 1000, steps);
}

/** Totals over `steps` steps that took `seconds` together, as means of one step with their shares. */
export function tabulate(
  totals: ReadonlyMap<string, { milliseconds: number; calls: number }>,
  seconds: number,
  steps: number,
): KernelTimes {
  const stepSeconds = seconds / steps;
  const timed = (of: number) => ({ seconds: of, share: of / stepSeconds });
  const kernels: KernelTime[] = [...totals]
    .map(([name, { milliseconds, calls }]) => ({ name, calls: calls / steps, ...timed(milliseconds / 1000 / steps) }))
    .sort((a, b) => b.seconds - a.seconds);
  const inside = kernels.reduce((sum, kernel) => sum + kernel.seconds, 0);
  return { stepSeconds, kernels, outside: timed(stepSeconds - inside) };
}
