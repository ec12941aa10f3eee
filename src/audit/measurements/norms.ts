// Norms on a real backend: how long both kinds take, and gradients and losses with norms before and after the parts of a block.
import { z } from 'zod';
import type { Measurement } from '../context.ts';

const placement = z.strictObject({
  /** Norm of the gradients of each block at initialisation. */
  gradients: z.array(z.number().min(0)),
  /** Loss of the first and after the last step of a short run. */
  first: z.number(),
  last: z.number(),
});

const schema = z.strictObject({
  rows: z.int(),
  hidden: z.int(),
  /** Milliseconds of a forward and backward pass: the median of several. */
  times: z.strictObject({ layer: z.number().positive(), rms: z.number().positive() }),
  card: z.string(),
  set: z.array(z.string()),
  steps: z.int(),
  placements: z.strictObject({ pre: placement, post: placement }),
});

export type Norms = z.output<typeof schema>;

export const norms: Measurement<Norms> = {
  id: 'norms',
  title: 'layer norm against RMS norm; norms before and after attention and MLP',
  backend: 'auto',
  schema,
  run: async (bench) => {
    const { timeNorm, trainShortly } = await import('./norm-runs.ts');
    const size = { rows: 2048, hidden: 768 };
    bench.progress(`norms of ${size.rows} × ${size.hidden}`);
    const times = { layer: timeNorm('layer', size, bench.now), rms: timeNorm('rms', size, bench.now) };
    const [card, set, steps] = ['gpt-debug', ['layers=8'], 100] as const;
    const train = (kind: 'pre' | 'post') => {
      bench.progress(`${card}, ${set.join(' ')}, ${kind}-norm, ${steps} steps`);
      return trainShortly(bench.card(card, [...set, `norm.placement=${kind}`]), steps);
    };
    return {
      ...size,
      times,
      card,
      set: [...set],
      steps,
      placements: { pre: await train('pre'), post: await train('post') },
    };
  },
};
