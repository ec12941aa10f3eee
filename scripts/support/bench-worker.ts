// The process that measures one model on one backend: gets its job as a message, sends back what it measured, ends.
import { setImmediate as immediately } from 'node:timers/promises';
import type { TrainingJob, TrainingMeasurement } from '../../src/bench/measurement.ts';
import type { BenchBackend } from '../../src/bench/rows.ts';
import { measureTraining, type Services } from '../../src/bench/training.ts';
import { type RunningBackend, startBackend } from '../../src/engine/backends.ts';

export interface WorkerJob {
  readonly backend: BenchBackend;
  /** Refuse a GPU that the processor imitates. */
  readonly onlyRealGpu: boolean;
  readonly job: TrainingJob;
}

export type WorkerAnswer =
  | { readonly kind: 'measured'; readonly measurement: TrainingMeasurement }
  | { readonly kind: 'unavailable'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string; readonly stack?: string };

const services: Services = {
  now: () => performance.now(),
  breathe: immediately,
  peakRssBytes: () => process.resourceUsage().maxRSS * 1024,
};

async function start({ backend, onlyRealGpu, job }: WorkerJob): Promise<RunningBackend> {
  if (backend === 'wasm-stock') return (await import('../../src/bench/stock-wasm.ts')).startStockWasm();
  const running = await startBackend(backend, job.threads === undefined ? {} : { threads: job.threads });
  if (onlyRealGpu && backend === 'webgpu' && !running.gpu) throw new Error(running.remark);
  return running;
}

async function answer(work: WorkerJob): Promise<WorkerAnswer> {
  let running: RunningBackend;
  try {
    running = await start(work);
  } catch (error) {
    return { kind: 'unavailable', reason: (error as Error).message };
  }
  try {
    return { kind: 'measured', measurement: await measureTraining(work.job, running, services) };
  } catch (error) {
    const { message, stack } = error as Error;
    return { kind: 'failed', reason: message, ...(stack !== undefined && { stack }) };
  }
}

process.once('disconnect', () => process.exit(1));
process.once('message', async (work) => {
  process.send?.(await answer(work as WorkerJob), () => process.exit());
});
