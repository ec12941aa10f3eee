// FLOPs of one forward and backward pass, counted kernel by kernel: matrix products and the rest, by phase and term.
import { z } from 'zod';
import type { Bench, Measurement } from '../context.ts';

const whole = z.int().min(0);

const caseSchema = z.strictObject({
  card: z.string(),
  batch: whole,
  sequence: whole,
  rows: z.array(
    z.strictObject({
      phase: z.enum(['forward', 'backward', 'recompute']),
      term: z.string(),
      /** FLOPs of matrix products. */
      products: whole,
      /** FLOPs of every other kernel. */
      others: whole,
    }),
  ),
});

export type FlopCase = z.output<typeof caseSchema>;

const CASES = [
  { card: 'gpt-debug', batch: 2, sequence: 12 },
  { card: 'gpt-debug', batch: 1, sequence: 32 },
  { card: 'llama3-debug', batch: 3, sequence: 10 },
  { card: 'mqa-debug', batch: 2, sequence: 9 },
  { card: 'gpt-small', batch: 1, sequence: 16 },
  { card: 'llama3-small', batch: 1, sequence: 16 },
  { card: 'mqa-small', batch: 1, sequence: 16 },
] as const;

/** Counted by the kernels' declarations, on the events of a real run. */
export const matmulFlops: Measurement<readonly FlopCase[]> = {
  id: 'matmul-flops',
  title: 'FLOPs of a forward and backward pass, by term and kernel',
  backend: 'cpu',
  schema: z.array(caseSchema),
  run: async (bench) => {
    const cases: FlopCase[] = [];
    for (const { card, batch, sequence } of CASES) {
      bench.progress(`${card}, ${batch} × ${sequence}`);
      cases.push({ card, batch, sequence, rows: await count(bench, card, batch, sequence) });
    }
    return cases;
  },
};

async function count(bench: Bench, name: string, batch: number, sequence: number): Promise<FlopCase['rows']> {
  const { observeKernels } = await import('../../engine/kernel-events.ts');
  const { findDeclaration } = await import('../../kernels/declaration.ts');
  const { forwardBackward } = await import('./model-runs.ts');
  const rows = new Map<string, FlopCase['rows'][number]>();
  const stop = observeKernels(bench.backend, ({ name: kernel, scope, inputs, attributes }) => {
    if (scope.phase !== 'forward' && scope.phase !== 'backward' && scope.phase !== 'recompute') return;
    const declaration = findDeclaration(kernel);
    if (!declaration) throw new Error(`the kernel ${kernel} is not declared`);
    const flops = Number(declaration.flops({ inputs, attributes }));
    const key = `${scope.phase} ${scope.term}`;
    const row = rows.get(key) ?? { phase: scope.phase, term: scope.term, products: 0, others: 0 };
    row[kernel === 'BatchMatMul' ? 'products' : 'others'] += flops;
    rows.set(key, row);
  });
  try {
    forwardBackward(bench.card(name), { batch, sequence });
  } finally {
    stop();
  }
  return [...rows.values()];
}

/** The FLOPs of matrix products of a phase; with `term`, of that term alone. */
export function productsOf({ rows }: FlopCase, phase: string, term?: string): number {
  const wanted = rows.filter((row) => row.phase === phase && (term === undefined || row.term === term));
  return wanted.reduce((total, { products }) => total + products, 0);
}
