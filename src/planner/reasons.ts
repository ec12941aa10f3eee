// Why a layout is as it is: what would not fit without its choices, what its step loses, and where it is slower than the fastest.
import type { StepTime } from '../theory/parallelism-time.ts';
import type { Estimator } from './estimator.ts';
import { type Candidate, type PlanProblem, usableBytes } from './problem.ts';

const gigabytes = (bytes: bigint) => `${(Number(bytes) / 1e9).toFixed(bytes < 10n ** 10n ? 1 : 0)} GB`;
const percent = (share: number) => `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;

/** The parts of a step by the words in which reasons name them. */
export function timeParts(time: StepTime): [name: string, seconds: number][] {
  const { communication } = time;
  return [
    ['products', time.products],
    ['element-wise', time.elementwise],
    ['recomputation', time.recompute],
    ['bubble', time.bubble],
    ['tensor traffic', communication.tensor],
    ['context traffic', communication.context],
    ['pipeline traffic', communication.pipeline],
    ['data traffic', communication.data],
    ['optimizer', time.optimizer],
  ];
}

/** "ZeRO 1: 93 GB without": choices that save memory, and what the GPU would hold without them. */
function needs(problem: PlanProblem, candidate: Candidate, estimator: Estimator): string[] {
  const { layout, recompute } = candidate;
  const usable = usableBytes(problem);
  const tooLarge = (name: string, other: Candidate): string[] => {
    const bytes = estimator.memory(other);
    return bytes > usable ? [`${name}: ${gigabytes(bytes)} without`] : [];
  };
  return [
    ...(layout.zero > 0
      ? tooLarge(`ZeRO ${layout.zero}`, { ...candidate, layout: { ...layout, zero: (layout.zero - 1) as 0 | 1 | 2 } })
      : []),
    ...(recompute !== 'none' ? tooLarge(`${recompute} recomputation`, { ...candidate, recompute: 'none' }) : []),
    ...(layout.sequenceParallel
      ? tooLarge('SP', { ...candidate, layout: { ...layout, sequenceParallel: false } })
      : []),
  ];
}

/** The two largest losses of a step that are worth a word. */
function losses(time: StepTime): string[] {
  return timeParts(time)
    .filter(([name, seconds]) => name !== 'products' && name !== 'element-wise' && seconds / time.total >= 0.01)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 2)
    .map(([name, seconds]) => `${name} ${percent(seconds / time.total)}`);
}

/** "4.2 % slower: more bubble": the part that grew most against the fastest layout. */
function slower(time: StepTime, fastest: StepTime): string[] {
  const ratio = time.total / fastest.total - 1;
  if (ratio < 5e-4) return [];
  const before = timeParts(fastest);
  const [name] = timeParts(time)
    .map(([part, seconds], at) => [part, seconds - before[at]![1]] as const)
    .reduce((a, b) => (b[1] > a[1] ? b : a));
  return [`${percent(ratio)} slower: more ${name === 'products' ? 'work for the last stage (head)' : name}`];
}

/** Short reasons, the most important first. */
export function layoutReasons(
  problem: PlanProblem,
  candidate: Candidate,
  time: StepTime,
  estimator: Estimator,
  fastest?: StepTime,
): string[] {
  const comparison = fastest ? slower(time, fastest) : [];
  return [...comparison, ...losses(time), ...needs(problem, candidate, estimator)];
}
