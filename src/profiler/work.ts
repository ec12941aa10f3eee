// Work from a profile's events: FLOPs, bytes moved and time, by phase, term, module or kernel.
import type { KernelRun, Profile } from './events.ts';

export interface Work {
  readonly runs: number;
  /** of all kernels */
  readonly flops: bigint;
  /** of matrix products alone */
  readonly matmulFlops: bigint;
  readonly read: bigint;
  readonly written: bigint;
  readonly milliseconds: number;
}

const none: Work = { runs: 0, flops: 0n, matmulFlops: 0n, read: 0n, written: 0n, milliseconds: 0 };

/** The kernels of a profile in the order in which they ran. */
export function kernelRuns({ events }: Profile): KernelRun[] {
  return events.filter((event): event is KernelRun => event.kind === 'kernel');
}

export const isMatmul = ({ name }: KernelRun): boolean => name === 'BatchMatMul';

/** The sum over kernel runs. */
export function totalWork(runs: readonly KernelRun[]): Work {
  return runs.reduce(plus, none);
}

function plus(sum: Work, run: KernelRun): Work {
  return {
    runs: sum.runs + 1,
    flops: sum.flops + run.flops,
    matmulFlops: sum.matmulFlops + (isMatmul(run) ? run.flops : 0n),
    read: sum.read + run.read,
    written: sum.written + run.written,
    milliseconds: sum.milliseconds + run.milliseconds,
  };
}

/** Work by phase, module path, term or kernel name, in the order in which each first ran. Work outside scopes has the key ''. */
export function workBy(profile: Profile, by: 'phase' | 'module' | 'term' | 'kernel'): Map<string, Work> {
  const sums = new Map<string, Work>();
  for (const run of kernelRuns(profile)) {
    const key = by === 'kernel' ? run.name : run.scope[by];
    sums.set(key, plus(sums.get(key) ?? none, run));
  }
  return sums;
}

/** FLOPs of matrix products: of the forward pass, and of forward and backward together with what is recomputed left out. */
export function matmulFlops(profile: Profile): { forward: bigint; forwardBackward: bigint } {
  const phases = workBy(profile, 'phase');
  const of = (phase: string) => phases.get(phase)?.matmulFlops ?? 0n;
  return { forward: of('forward'), forwardBackward: of('forward') + of('backward') };
}
