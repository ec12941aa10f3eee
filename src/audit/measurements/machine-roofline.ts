// The roofline of the machine that runs: its peaks, and products of growing numbers of rows beside element-wise work.
import { z } from 'zod';
import type { Measurement } from '../context.ts';

const positive = z.number().positive();

const schema = z.strictObject({
  /** FLOP/s of a large product, bytes/s of a large addition. */
  peak: positive,
  bandwidth: positive,
  /** [rows, size] × [size, size] in float32, the fastest of several. */
  size: z.int(),
  products: z.array(z.strictObject({ rows: z.int(), seconds: positive })),
  /** x + y of so many float32 numbers. */
  addition: z.strictObject({ elements: z.int(), seconds: positive }),
});

export type MachineRoofline = z.output<typeof schema>;

const SIZE = 2048;
const ROWS = [1, 4, 16, 64, 256, 1024];

export const machineRoofline: Measurement<MachineRoofline> = {
  id: 'machine-roofline',
  title: 'the roofline of this machine: products of 1 to 1,024 rows, an addition',
  backend: 'auto',
  schema,
  run: async (bench) => {
    const { add, fill, matMul, reshape, slice, tidy } = await import('@tensorflow/tfjs-core');
    const { probeBandwidth, probeMatmul } = await import('../../engine/probe.ts');
    const milliseconds = () => 1000 * bench.now();
    bench.progress('peaks');
    const { flopsPerSecond } = await probeMatmul(milliseconds);
    const { bytesPerSecond } = await probeBandwidth(milliseconds);
    /** The fastest of the repetitions; reading one number back waits for what a GPU has only queued. */
    const fastest = async (run: () => import('@tensorflow/tfjs-core').Tensor) => {
      let best = Number.POSITIVE_INFINITY;
      for (let at = 0; at < 8; at++) {
        const start = bench.now();
        const result = tidy(() => run());
        const corner = tidy(() => slice(reshape(result, [-1]), 0, 1));
        await corner.data();
        best = Math.min(best, bench.now() - start);
        result.dispose();
        corner.dispose();
      }
      return best;
    };
    const weight = fill([SIZE, SIZE], 0.5);
    const products: MachineRoofline['products'] = [];
    for (const rows of ROWS) {
      bench.progress(`${rows} rows`);
      const x = fill([rows, SIZE], 0.5);
      products.push({ rows, seconds: await fastest(() => matMul(x, weight)) });
      x.dispose();
    }
    const elements = SIZE * SIZE;
    const seconds = await fastest(() => add(weight, weight));
    weight.dispose();
    return {
      peak: flopsPerSecond,
      bandwidth: bytesPerSecond,
      size: SIZE,
      products,
      addition: { elements, seconds },
    };
  },
};
