// The planner: of all layouts that divide and fit, the fastest of each division of the GPUs, with its memory, times and reasons.

import { peakOf } from '../cards/hardware.ts';
import { type Count, count, type Measure, measure, sum } from '../terms/quantities.ts';
import { UserError } from '../terms/user-error.ts';
import { stageTraffic } from '../theory/communication.ts';
import { countFlops } from '../theory/flops.ts';
import { workerLetters } from '../theory/parallelism.ts';
import { activationBytes } from '../theory/parallelism-activations.ts';
import { workerFlops } from '../theory/parallelism-flops.ts';
import { fullestWorker, type WorkerMemory, workerMemory } from '../theory/parallelism-memory.ts';
import { workerParameterCount, workerParameterTerms } from '../theory/parallelism-parameters.ts';
import { microBatchTime, type StepTime, secondsOf, stepTime, type TimedTraffic } from '../theory/parallelism-time.ts';
import { bubbleShare, extremeStages } from '../theory/pipeline.ts';
import { ACTIVATION_BYTES, stateTerms } from '../theory/precision.ts';
import { Estimator } from './estimator.ts';
import { allDegrees, candidatesOf } from './layouts.ts';
import { type Candidate, checkProblem, choiceOf, type PlanProblem, paceOf, usableBytes } from './problem.ts';
import { layoutReasons } from './reasons.ts';
import { impossible, nothingDivides } from './smallest-change.ts';

/** A layout that fits, with everything that is predicted of it. */
export interface PlannedLayout {
  readonly candidate: Candidate;
  readonly memory: WorkerMemory;
  /** Traffic of the slowest stage; seconds per micro-batch or per step. */
  readonly traffic: readonly TimedTraffic[];
  readonly time: StepTime;
  readonly bubble: number;
  /** Model FLOPs of a step / (time · GPUs · peak), full attention and head counted, recomputation not. */
  readonly mfu: number;
  readonly tokensPerSecond: Measure<'tokens/s'>;
  readonly run: RunPrediction;
  readonly reasons: readonly string[];
}

/** What the whole run takes. */
export interface RunPrediction {
  readonly steps: number;
  readonly time: Measure<'seconds'>;
  readonly days: number;
  readonly gpuHours: number;
  /** US dollars, where a price is known. */
  readonly dollars?: number;
}

/** The answer: layouts from the fastest to the slowest, one for each division of the GPUs. */
export interface Plan {
  readonly problem: PlanProblem;
  readonly tokens: number;
  /** Exact model FLOPs of one step. */
  readonly stepFlops: Count<'FLOPs'>;
  readonly usable: Count<'bytes'>;
  /** How many layouts divide, and how many of them fit with as much recomputation as they need. */
  readonly considered: number;
  readonly fitting: number;
  readonly layouts: readonly PlannedLayout[];
}

/** Time and memory of one candidate as the search sees them. */
interface Found {
  readonly candidate: Candidate;
  readonly bytes: bigint;
  readonly time: StepTime;
}

/** Faster first; of two that are equally fast, what needs less memory. */
function isBetter(a: Found, b: Found): boolean {
  const ratio = a.time.total / b.time.total;
  return ratio < 1 - 1e-9 || (ratio < 1 + 1e-9 && a.bytes < b.bytes);
}

interface Search {
  readonly best: Found[];
  readonly considered: number;
  readonly fitting: number;
}

function search(problem: PlanProblem, estimator: Estimator): Search {
  const usable = usableBytes(problem);
  const best: Found[] = [];
  let considered = 0;
  let fitting = 0;
  for (const degrees of allDegrees(problem)) {
    let fastest: Found | undefined;
    for (const variants of candidatesOf(problem, degrees)) {
      considered++;
      const candidate = variants.find((variant) => estimator.memory(variant) <= usable);
      if (!candidate) continue;
      fitting++;
      const found = { candidate, bytes: estimator.memory(candidate), time: estimator.time(candidate) };
      if (!fastest || isBetter(found, fastest)) fastest = found;
    }
    if (fastest) best.push(fastest);
  }
  best.sort((a, b) => (isBetter(a, b) ? -1 : isBetter(b, a) ? 1 : 0));
  return { best: best.filter((found) => !isNeedless(found, best)), considered, fitting };
}

/** Context parallelism that gains nothing over less of it. */
function isNeedless({ candidate, time }: Found, all: readonly Found[]): boolean {
  const { tensor, pipeline, context } = candidate.layout;
  return all.some(
    ({ candidate: { layout }, time: other }) =>
      layout.tensor === tensor &&
      layout.pipeline === pipeline &&
      layout.context < context &&
      other.total <= time.total * (1 + 1e-9),
  );
}

/** Traffic and time of one candidate from the theory's terms with its real numbers in. */
function timedStages(problem: PlanProblem, candidate: Candidate) {
  const { card, hardware, states } = problem;
  const { layout, shape } = candidate;
  const choice = choiceOf(problem, candidate);
  const pace = paceOf(problem);
  const base = { ...workerLetters(card, shape, layout), p: ACTIVATION_BYTES[states.precision] };
  const stages = extremeStages(layout).map((stage) => {
    const n = workerParameterCount(workerParameterTerms(card, layout, base, stage));
    const letters = { ...base, n };
    const whole = stateTerms({ ...letters, N: n }, states.precision, states.optimizer, states.convention);
    const input = { card, layout, choice, letters, gpusPerNode: hardware.gpusPerNode };
    const flops = workerFlops(card, choice, letters, stage === layout.pipeline - 1);
    const activations = activationBytes(card, problem.attention, letters);
    return microBatchTime(flops, activations, stageTraffic(input, whole, stage), shape.microBatches, pace);
  });
  return { stages, slowest: stages.reduce((a, b) => (secondsOf(b) > secondsOf(a) ? b : a)) };
}

function runPrediction(problem: PlanProblem, tokens: number, seconds: number): RunPrediction {
  const { gpus, globalBatch, sequence, hardware } = problem;
  const steps = Math.ceil(tokens / (globalBatch * sequence));
  const time = steps * seconds;
  const gpuHours = (gpus * time) / 3600;
  const price = hardware.pricePerHour;
  return {
    steps,
    time: measure('seconds', time),
    days: time / 86400,
    gpuHours,
    ...(price ? { dollars: gpuHours * price.dollars } : {}),
  };
}

/** Everything about one layout. */
export function describeLayout(
  problem: PlanProblem,
  tokens: number,
  candidate: Candidate,
  estimator = new Estimator(problem),
  fastest?: StepTime,
): PlannedLayout {
  const { card, gpus, globalBatch, sequence, hardware, states } = problem;
  const { stages, slowest } = timedStages(problem, candidate);
  const memory = fullestWorker(card, candidate.shape, candidate.layout, choiceOf(problem, candidate));
  const { layout, shape } = candidate;
  const optimizer = extremeStages(layout)
    .map(
      (stage) => sum('bytes', workerMemory(card, shape, layout, choiceOf(problem, candidate), stage).optimizer).value,
    )
    .reduce((a, b) => (b > a ? b : a));
  const time = stepTime(stages, layout, shape.microBatches, optimizer, paceOf(problem));
  const flops = countFlops(card, { batch: globalBatch, sequence }, 'palm').forwardBackward;
  return {
    candidate,
    memory,
    traffic: slowest.rows,
    time,
    bubble: bubbleShare(layout, shape),
    mfu: Number(flops.value) / (time.total * gpus * peakOf(hardware, states.precision).value),
    tokensPerSecond: measure('tokens/s', (globalBatch * sequence) / time.total),
    run: runPrediction(problem, tokens, time.total),
    reasons: layoutReasons(problem, candidate, time, estimator, fastest),
  };
}

/**
 * Finds the layouts of a problem that divide and fit, fastest first.
 * @param tokens how many tokens the run trains on
 * @param most how many layouts to describe
 * @throws UserError for numbers that make no sense, and for a problem without a layout: with the smallest change that has one
 */
export function plan(problem: PlanProblem, tokens: number, most = 8): Plan {
  checkProblem(problem);
  if (!(tokens >= 1 && tokens <= 1e18)) {
    throw new UserError(`The number of tokens is ${tokens} and must be from 1 to 1e18.`);
  }
  const { card, globalBatch, sequence } = problem;
  const estimator = new Estimator(problem);
  const { best, considered, fitting } = search(problem, estimator);
  if (considered === 0) throw nothingDivides(problem);
  const fastest = best[0];
  if (!fastest) throw impossible(problem);
  const { value } = countFlops(card, { batch: globalBatch, sequence }, 'palm').forwardBackward;
  return {
    problem,
    tokens,
    stepFlops: count('FLOPs', value),
    usable: count('bytes', usableBytes(problem)),
    considered,
    fitting,
    layouts: best
      .slice(0, most)
      .map(({ candidate }) => describeLayout(problem, tokens, candidate, estimator, fastest.time)),
  };
}
