// How a model is divided among workers: the layout, what must divide, and the documents' letters as one worker sees them.
import type { ModelCard } from '../cards/model-card.ts';
import type { Letters } from '../terms/formula.ts';
import { UserError } from '../terms/user-error.ts';
import { shapeLetters } from './letters.ts';
import { dividedUp } from './parallelism-terms.ts';

/** What ZeRO divides among the data-parallel workers: nothing, optimizer states, gradients too, parameters too. */
export const ZERO_STAGES = [0, 1, 2, 3] as const;
export type ZeroStage = (typeof ZERO_STAGES)[number];

/** A division of the work among tensor · pipeline · context · data workers. */
export interface Layout {
  /** T: workers that share every matrix. */
  readonly tensor: number;
  /** Whether norms, dropout and residuals are divided by T along the sequence too. */
  readonly sequenceParallel: boolean;
  /** P: stages that hold L/P layers each. */
  readonly pipeline: number;
  /** v: pieces of a stage that take turns (interleaved schedule); 1 is plain 1F1B. */
  readonly interleave: number;
  /** C: workers that share every sequence and pass keys and values around a ring. */
  readonly context: number;
  /** R: replicas that see different sequences. */
  readonly data: number;
  readonly zero: ZeroStage;
}

/** The work of one step of one replica: `microBatches` times `batch` sequences of `sequence` tokens. */
export interface WorkerShape {
  /** B: sequences of a micro-batch. */
  readonly batch: number;
  readonly sequence: number;
  /** m: micro-batches of a step. */
  readonly microBatches: number;
}

/** One worker alone. */
export const NO_PARALLELISM: Layout = {
  tensor: 1,
  sequenceParallel: false,
  pipeline: 1,
  interleave: 1,
  context: 1,
  data: 1,
  zero: 0,
};

/** How many workers a layout needs. */
export const workersOf = ({ tensor, pipeline, context, data }: Layout): number => tensor * pipeline * context * data;

/** Z: the workers that hold the same weights, among whom ZeRO divides; context workers see other tokens, as replicas do. */
export const zeroWorkers = ({ context, data }: Layout): number => context * data;

/** What the letters mean that a worker adds to the documents'. */
export const WORKER_LETTER_MEANINGS = {
  a: 'heads of a worker, A/T',
  B: 'sequences of a micro-batch',
  C: 'context-parallel workers',
  f: 'MLP width of a worker, F/T',
  k: 'key/value heads of a worker, at least 1',
  l: 'layers of a worker, L/P',
  m: 'micro-batches of a step',
  n: 'parameters of a worker',
  P: 'pipeline stages',
  R: 'data-parallel replicas',
  s: 'tokens of a sequence on a worker, S/C',
  t: 'T with sequence parallelism, else 1',
  T: 'tensor-parallel workers',
  u: 'vocabulary rows of a worker, V/T rounded up',
  v: 'pieces of a stage',
  Z: 'workers that ZeRO divides among, R·C',
} as const;

const isWhole = (value: number) => Number.isSafeInteger(value) && value >= 1;

/** The divisors of `whole` up to `most`, in words. */
function divisorList(whole: number, most = Number.POSITIVE_INFINITY): string {
  const divisors: number[] = [];
  for (let candidate = 1; candidate * candidate <= whole; candidate++) {
    if (whole % candidate === 0) divisors.push(candidate, whole / candidate);
  }
  const listed = [...new Set(divisors)].filter((divisor) => divisor <= most).sort((a, b) => a - b);
  return listed.length > 10 ? `${listed.slice(0, 10).join(', ')} …` : listed.join(', ');
}

type Rule = readonly [broken: boolean, sentence: () => string];

const DEGREES = ['tensor', 'pipeline', 'interleave', 'context', 'data'] as const;

function wholeRules(layout: Layout, { microBatches }: WorkerShape): Rule[] {
  const degrees = [...DEGREES.map((name) => [name, layout[name]] as const), ['microBatches', microBatches] as const];
  return degrees.map(([name, value]) => [
    !isWhole(value),
    () => `The layout's ${name} is ${value} and must be a whole number of at least 1`,
  ]);
}

/** Tensor parallelism divides heads and the MLP's width; it copies key/value heads where there are fewer than workers. */
function tensorRules({ heads, kvHeads, mlp }: ModelCard, { tensor }: Layout): Rule[] {
  return [
    [
      heads % tensor !== 0,
      () => `${heads} heads do not divide among ${tensor} tensor-parallel workers: choose ${divisorList(heads)}`,
    ],
    [
      kvHeads % tensor !== 0 && tensor % kvHeads !== 0,
      () =>
        `${kvHeads} key/value heads neither divide among ${tensor} tensor-parallel workers nor can be copied evenly to ` +
        `them: choose a divisor or a multiple of ${kvHeads}, such as ${divisorList(kvHeads)}`,
    ],
    [
      mlp.width % tensor !== 0,
      () =>
        `The MLP's width ${mlp.width} does not divide among ${tensor} tensor-parallel workers: ` +
        `choose ${divisorList(mlp.width, heads)}`,
    ],
  ];
}

function pipelineRules({ layers }: ModelCard, layout: Layout, { microBatches }: WorkerShape): Rule[] {
  const { pipeline, interleave } = layout;
  return [
    [
      layers % pipeline !== 0,
      () => `${layers} layers do not divide among ${pipeline} pipeline stages: choose ${divisorList(layers)}`,
    ],
    [
      interleave > 1 && pipeline === 1,
      () => `A single pipeline stage has nothing to interleave: set interleave to 1, or pipeline to at least 2`,
    ],
    [
      (layers / pipeline) % interleave !== 0,
      () =>
        `${layers / pipeline} layers of a pipeline stage do not divide into ${interleave} interleaved pieces: ` +
        `choose ${divisorList(layers / pipeline)}`,
    ],
    [
      interleave > 1 && microBatches % pipeline !== 0,
      () =>
        `An interleaved schedule goes round in groups of as many micro-batches as stages, and ${microBatches} ` +
        `micro-batches do not divide by ${pipeline} stages: set interleave to 1, or choose a multiple of ${pipeline}`,
    ],
  ];
}

/** With causal attention each context worker takes an early and a late piece of the sequence, so it is cut into 2C. */
function sequenceRules({ tensor, sequenceParallel, context }: Layout, { sequence }: WorkerShape): Rule[] {
  const pieces = context === 1 ? 1 : 2 * context;
  return [
    [
      sequence % pieces !== 0,
      () =>
        `A sequence of ${sequence} tokens does not divide into ${pieces} equal pieces, two for each of ${context} ` +
        `context-parallel workers: choose a multiple of ${pieces}`,
    ],
    [
      sequenceParallel && (sequence / context) % tensor !== 0,
      () =>
        `${sequence / context} tokens of a sequence do not divide among ${tensor} sequence-parallel workers: ` +
        `choose a sequence that is a multiple of ${context * tensor}, or leave sequence parallelism off`,
    ],
  ];
}

/** The sentence about the first thing that does not divide; undefined for a layout that is possible. */
export function layoutProblem(card: ModelCard, shape: WorkerShape, layout: Layout): string | undefined {
  const rules = [
    ...wholeRules(layout, shape),
    [
      !ZERO_STAGES.includes(layout.zero),
      () => `There is no ZeRO stage ${layout.zero}: choose ${ZERO_STAGES.join(', ')}`,
    ] as Rule,
    ...tensorRules(card, layout),
    ...pipelineRules(card, layout, shape),
    ...sequenceRules(layout, shape),
  ];
  const broken = rules.find(([isBroken]) => isBroken);
  return broken && `Model card '${card.name}': ${broken[1]()}.`;
}

/** @throws UserError with one sentence: what does not divide, and what would */
export function checkLayout(card: ModelCard, shape: WorkerShape, layout: Layout): void {
  const problem = layoutProblem(card, shape, layout);
  if (problem) throw new UserError(problem);
}

/**
 * How many micro-batches each replica runs so that a step has `globalBatch` sequences.
 * @throws UserError where the batch does not divide by replicas times micro-batch
 */
export function microBatchesOf(globalBatch: number, data: number, batch: number): number {
  const atOnce = data * batch;
  if (isWhole(globalBatch) && globalBatch % atOnce === 0) return globalBatch / atOnce;
  throw new UserError(
    `A global batch of ${globalBatch} sequences does not divide by ${data} data-parallel replicas × ${batch} sequences ` +
      `of a micro-batch: choose a multiple of ${atOnce}, such as ${Math.max(1, Math.round(globalBatch / atOnce)) * atOnce}.`,
  );
}

/** Key/value heads that one tensor-parallel worker holds: its share, or a copy of one where workers outnumber heads. */
export const workerKvHeads = ({ kvHeads }: ModelCard, { tensor }: Layout): number => Math.max(1, kvHeads / tensor);

/** The letters of a card, a shape and a layout, checked: {@link WORKER_LETTER_MEANINGS} beside the documents'. */
export function workerLetters(card: ModelCard, shape: WorkerShape, layout: Layout): Letters {
  const { tensor, pipeline, context, data, interleave, sequenceParallel } = layout;
  const letters = shapeLetters(card, shape);
  checkLayout(card, shape, layout);
  return {
    ...letters,
    a: BigInt(card.heads / tensor),
    C: BigInt(context),
    f: BigInt(card.mlp.width / tensor),
    k: BigInt(workerKvHeads(card, layout)),
    l: BigInt(card.layers / pipeline),
    m: BigInt(shape.microBatches),
    P: BigInt(pipeline),
    R: BigInt(data),
    s: BigInt(shape.sequence / context),
    T: BigInt(tensor),
    t: BigInt(sequenceParallel ? tensor : 1),
    u: dividedUp(BigInt(card.vocabulary), BigInt(tensor)),
    v: BigInt(interleave),
    Z: BigInt(zeroWorkers(layout)),
  };
}
