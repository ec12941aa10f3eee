// When no layout is possible: the sentence that says why, and the smallest change that makes one possible.
import { UserError } from '../terms/user-error.ts';
import { type Layout, layoutProblem, NO_PARALLELISM } from '../theory/parallelism.ts';
import { Estimator } from './estimator.ts';
import { allDegrees, candidatesOf } from './layouts.ts';
import { type Candidate, defaultBatch, type Pins, type PlanProblem, usableBytes } from './problem.ts';

const gigabytes = (bytes: bigint) =>
  `${(Number(bytes) / 1e9).toLocaleString('en-US', { maximumFractionDigits: 1 })} GB`;
const grouped = (value: number) => value.toLocaleString('en-US');

interface Least {
  readonly candidate: Candidate;
  readonly bytes: bigint;
}

/** The candidate that needs least memory on its fullest worker, micro-batches as small as the pins allow. */
function leastMemory(problem: PlanProblem, enough?: bigint): Least | undefined {
  const { pins } = problem;
  const small = { ...problem, pins: { ...pins, microBatch: pins.microBatch ?? 1, interleave: pins.interleave ?? 1 } };
  const estimator = new Estimator(small);
  let least: Least | undefined;
  for (const degrees of allDegrees(small)) {
    for (const candidate of [...candidatesOf(small, degrees)].flat()) {
      const bytes = estimator.memory(candidate);
      if (!least || bytes < least.bytes) least = { candidate, bytes };
      if (enough !== undefined && bytes <= enough) return { candidate, bytes };
    }
  }
  return least;
}

const fits = (problem: PlanProblem): Least | undefined => {
  const usable = usableBytes(problem);
  const found = leastMemory(problem, usable);
  return found && found.bytes <= usable ? found : undefined;
};

/** Numbers of GPUs above `gpus`, nearest first: within a node each one that fills it evenly, then whole nodes. */
function* moreGpus(gpus: number, perNode: number, most: number): Generator<number> {
  for (let more = gpus + 1; more < perNode; more++) if (perNode % more === 0) yield more;
  const first = (Math.floor(gpus / perNode) + 1) * perNode;
  for (let more = first, tried = 0; more <= most && tried < 48; more += perNode, tried++) yield more;
  for (let more = 2 ** Math.ceil(Math.log2(first + 48 * perNode)); more <= most; more *= 2) yield more;
}

/** The least number of GPUs, among those worth trying, on which some layout fits; an open batch follows their number. */
export function leastGpus(problem: PlanProblem, most = 131_072): { gpus: number; least: Least } | undefined {
  const { gpus, hardware } = problem;
  const bytes = leastMemory(problem)?.bytes ?? 0n;
  const perNode = hardware.gpusPerNode;
  // Dividing everything evenly is the best that more GPUs can do.
  const bound = Math.floor((Number(bytes) * gpus) / Number(usableBytes(problem)) / 2);
  for (const more of moreGpus(Math.max(gpus, bound - (bound % perNode)), perNode, most)) {
    const globalBatch = problem.batchIsOpen ? defaultBatch(problem.sequence, more) : problem.globalBatch;
    const least = fits({ ...problem, gpus: more, globalBatch });
    if (least) return { gpus: more, least };
  }
  return undefined;
}

/** Changes of what was asked for, from the cheapest on; each is tried alone. */
function looserChanges(problem: PlanProblem): { problem: PlanProblem; words: string }[] {
  const { pins, states, attention } = problem;
  const unpin = (key: keyof Pins, words: string) =>
    pins[key] === undefined ? [] : [{ problem: { ...problem, pins: { ...pins, [key]: undefined } }, words }];
  const set = (change: Partial<Pins>, words: string) => ({
    problem: { ...problem, pins: { ...pins, ...change } },
    words,
  });
  return [
    ...(pins.microBatch !== undefined && pins.microBatch > 1 ? [set({ microBatch: 1 }, '--micro-batch 1')] : []),
    ...(attention === 'materialized'
      ? [{ problem: { ...problem, attention: 'flash' as const }, words: '--attention flash' }]
      : []),
    ...(pins.zero !== undefined && pins.zero < 3 ? [set({ zero: 3 }, '--zero 3')] : []),
    ...(pins.recompute !== undefined && pins.recompute !== 'full'
      ? [set({ recompute: 'full' }, 'full recomputation (--recompute full)')]
      : []),
    ...unpin('tensor', 'leaving --tensor free'),
    ...unpin('pipeline', 'leaving --pipeline free'),
    ...unpin('context', 'leaving --context free'),
    ...(states.optimizer === 'adamw'
      ? [
          {
            problem: { ...problem, states: { ...states, optimizer: 'adamw-8bit' as const } },
            words: '--optimizer adamw-8bit',
          },
        ]
      : []),
  ];
}

const degreesInWords = ({ tensor, pipeline, context, data, zero }: Layout) =>
  [
    `tensor ${tensor}`,
    `pipeline ${pipeline}`,
    ...(context > 1 ? [`context ${context}`] : []),
    `data ${data}`,
    ...(zero > 0 ? [`ZeRO ${zero}`] : []),
  ].join(' · ');

/** All savings together, where no single one is enough and something was pinned. */
function everythingLoose(problem: PlanProblem): { words: string } | undefined {
  const { microBatch, zero, recompute } = problem.pins;
  const pins: Pins = {
    ...problem.pins,
    ...(microBatch === undefined ? {} : { microBatch: 1 }),
    ...(zero === undefined ? {} : { zero: 3 }),
    ...(recompute === undefined ? {} : { recompute: 'full' }),
  };
  const words = [
    ...(microBatch !== undefined && microBatch > 1 ? ['--micro-batch 1'] : []),
    ...(zero !== undefined && zero < 3 ? ['--zero 3'] : []),
    ...(recompute !== undefined && recompute !== 'full' ? ['--recompute full'] : []),
  ];
  return words.length > 1 && fits({ ...problem, pins }) ? { words: words.join(' with ') } : undefined;
}

const recomputed = (recompute: Candidate['recompute']) => `${recompute === 'none' ? 'no' : recompute} recomputation`;

/** Fewer may do where a node is left partly empty; only full ones are tried. */
const wholeNodes = (gpus: number, perNode: number) =>
  perNode > 1 && gpus % perNode === 0 ? ` in whole nodes of ${perNode}` : '';

/** The error for a problem whose layouts all need more memory than there is. */
export function impossible(problem: PlanProblem): UserError {
  const { card, gpus, hardware, reserve } = problem;
  const least = leastMemory(problem)!;
  const loose = looserChanges(problem).find((change) => fits(change.problem)) ?? everythingLoose(problem);
  const more = leastGpus(problem);
  const changes = [
    ...(loose ? [loose.words] : []),
    ...(more
      ? [
          `${grouped(more.gpus)} GPUs${wholeNodes(more.gpus, hardware.gpusPerNode)} (${degreesInWords(more.least.candidate.layout)}, ` +
            `${recomputed(more.least.candidate.recompute)}: ${gigabytes(more.least.bytes)} each)`,
        ]
      : []),
  ];
  const advice =
    changes.length > 0
      ? `the smallest change that fits is ${changes.join(', or ')}`
      : `no number of this hardware is enough: choose a shorter sequence (--seq) or hardware with more memory`;
  return new UserError(
    `'${card.name}' does not fit on ${grouped(gpus)} × ${hardware.name}: the best layout (` +
      `${degreesInWords(least.candidate.layout)}, ${recomputed(least.candidate.recompute)}) needs ${gigabytes(least.bytes)} a GPU ` +
      `of ${gigabytes(usableBytes(problem))} usable (${gigabytes(BigInt(hardware.memoryBytes))} less ${Math.round(100 * reserve)} % ` +
      `kept free); ${advice}.`,
  );
}

/** The layout that the pins alone describe. */
function pinnedLayout({ gpus, pins }: PlanProblem): Layout {
  const { tensor = 1, pipeline = 1, context = 1, zero = 0, interleave = 1, sequenceParallel = false } = pins;
  const data = pins.data ?? Math.max(1, Math.floor(gpus / (tensor * pipeline * context)));
  return { ...NO_PARALLELISM, tensor, pipeline, context, data, zero, interleave, sequenceParallel };
}

/** The global batch nearest to the one asked for that some layout divides. */
function nearestBatch(problem: PlanProblem): number | undefined {
  const { globalBatch, pins } = problem;
  const replicas = Array.from({ length: problem.gpus }, (_, index) => index + 1)
    .filter((data) => problem.gpus % data === 0 && (pins.data ?? data) === data)
    .filter((data) => allDegrees({ ...problem, globalBatch: data, pins: { ...pins, data } }).length > 0)
    .map((data) => data * (pins.microBatch ?? 1));
  const multiples = replicas.map((unit) => Math.max(1, Math.round(globalBatch / unit)) * unit);
  const distance = (batch: number) => Math.abs(batch - globalBatch);
  return multiples.length === 0
    ? undefined
    : multiples.reduce((a, b) => (distance(b) < distance(a) || (distance(b) === distance(a) && b > a) ? b : a));
}

/** The error for a problem in which nothing divides: by what was pinned, by the number of GPUs, or by the batch. */
export function nothingDivides(problem: PlanProblem): UserError {
  const { card, gpus, globalBatch, sequence, pins } = problem;
  const layout = pinnedLayout(problem);
  const shape = { batch: pins.microBatch ?? 1, sequence, microBatches: layout.interleave > 1 ? layout.pipeline : 1 };
  const broken = layoutProblem(card, shape, layout);
  if (broken) return new UserError(broken);
  const { tensor, pipeline, context, data } = layout;
  const product = tensor * pipeline * context * (pins.data ?? 1);
  if (gpus % product !== 0 || (pins.data !== undefined && product !== gpus)) {
    const nearest = Math.max(1, Math.round(gpus / product)) * product;
    return new UserError(
      `${grouped(gpus)} GPUs are not tensor ${tensor} × pipeline ${pipeline} × context ${context}` +
        `${pins.data === undefined ? ' times whole replicas' : ` × data ${data}`}: choose ${grouped(nearest)} GPUs, or other degrees.`,
    );
  }
  const batch = nearestBatch(problem);
  if (batch !== undefined) {
    return new UserError(
      `No layout of ${grouped(gpus)} GPUs divides a global batch of ${grouped(globalBatch)} sequences: the nearest batch that ` +
        `does is ${grouped(batch)} sequences (--batch ${batch}).`,
    );
  }
  return new UserError(
    `'${card.name}' with its ${card.layers} layers and ${card.heads} heads does not divide among ${grouped(gpus)} GPUs as asked: ` +
      `leave --tensor, --pipeline, --context or --data free, or choose a number of GPUs that is a power of two.`,
  );
}
