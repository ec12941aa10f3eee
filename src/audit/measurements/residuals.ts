// One residual connection around a whole block against two, around attention and around the MLP: both trained shortly.
import { z } from 'zod';
import type { Measurement } from '../context.ts';

const run = z.strictObject({
  /** Norm of the gradients of each block at initialisation. */
  gradients: z.array(z.number().min(0)),
  /** Loss of the first and after the last step. */
  first: z.number(),
  last: z.number(),
});

const schema = z.strictObject({ layers: z.int(), steps: z.int(), one: run, two: run });

export type Residuals = z.output<typeof schema>;

export const residuals: Measurement<Residuals> = {
  id: 'residuals',
  title: 'blocks with one residual connection and with two',
  backend: 'auto',
  schema,
  run: async (bench) => {
    const { trainResiduals } = await import('./residual-runs.ts');
    const [layers, steps] = [6, 100];
    const train = (connections: 1 | 2) => {
      bench.progress(
        `${layers} relu blocks, ${connections} residual connection${connections === 1 ? '' : 's'}, ${steps} steps`,
      );
      return trainResiduals(connections, layers, steps);
    };
    return { layers, steps, one: train(1), two: train(2) };
  },
};
