// Where the time of a forward and backward pass goes, and what computing the probabilities again adds to it.
import { z } from 'zod';
import type { Measurement } from '../context.ts';

const milliseconds = z.number().min(0);

const schema = z.strictObject({
  card: z.string(),
  batch: z.int(),
  sequence: z.int(),
  /** Milliseconds of one pass forward and backward, by what attention keeps: the fastest of several. */
  passes: z.strictObject({ probabilities: milliseconds, 'nothing-quadratic': milliseconds }),
  /** Milliseconds by kernel, and of the whole pass with the kernels watched. */
  kernels: z.record(z.string(), milliseconds),
  watched: milliseconds,
});

export type StepTimes = z.output<typeof schema>;

const PASSES = 6;

export const stepTimes: Measurement<StepTimes> = {
  id: 'step-times',
  title: 'time of a forward and backward pass, by kernel',
  backend: 'auto',
  schema,
  run: async (bench) => {
    const { readyToRun } = await import('./model-runs.ts');
    const { card, batch, sequence } = { card: 'gpt-small', batch: 4, sequence: 128 };
    const shape = { batch, sequence };
    const fastest = (run: () => void) => {
      run();
      const times = Array.from({ length: PASSES }, () => {
        const start = bench.now();
        run();
        return 1000 * (bench.now() - start);
      });
      return Math.min(...times);
    };
    const timed = async (keep: 'probabilities' | 'nothing-quadratic') => {
      bench.progress(`${card}, ${batch} × ${sequence}, attention keeps ${keep}`);
      const { run, dispose } = readyToRun(bench.card(card), shape, keep);
      try {
        return { pass: fastest(run), kernels: await bench.timeKernels(run, PASSES) };
      } finally {
        dispose();
      }
    };
    const kept = await timed('probabilities');
    const again = await timed('nothing-quadratic');
    return {
      card,
      ...shape,
      passes: { probabilities: kept.pass, 'nothing-quadratic': again.pass },
      kernels: { ...again.kernels.kernels },
      watched: again.kernels.total,
    };
  },
};
