// Real training steps, timed: forward, backward, clip at a global norm of 1, AdamW, the loss read every step.
import { Transformer } from '../architectures/transformer.ts';
import type { ModelCard } from '../cards/model-card.ts';
import { TrainingBatches } from '../data/batches.ts';
import type { RunningBackend } from '../engine/backends.ts';
import { type Clock, probeMatmul } from '../engine/probe.ts';
import { uniformArray } from '../engine/random.ts';
import { countFlops } from '../theory/flops.ts';
import { parameterTotal } from '../theory/parameters.ts';
import { gradientNorms, Optimizer } from '../training/optimizer.ts';
import { optimizerSettings } from '../training/settings.ts';
import { forwardBackward, readLosses } from '../training/step.ts';
import { timeKernels } from './kernel-times.ts';
import { type StepPart, stepParts, type TrainingJob, type TrainingMeasurement } from './measurement.ts';
import { savedForBackwardBytes } from './saved-bytes.ts';
import { median } from './statistics.ts';

const learningRate = 1e-3;
const clip = 1;
export const benchOptimizer = optimizerSettings('adamw', { beta1: 0.9, beta2: 0.95, weightDecay: 0.1, momentum: 0 });

/** As the peer does: the first three steps are not timed. */
const mostWarmupSteps = 3;
/** Seconds that warm-up may take before it is cut short, and that the timed steps shall take. */
const warmupSeconds = 4;
const timedSeconds = 9;
const fewest = 3;
const most = 50;

/** What the process that measures lends. */
export interface Services {
  readonly now: Clock;
  /** Lets signals through between two steps. */
  readonly breathe: () => Promise<unknown>;
  /** The most memory that the process has held so far. */
  readonly peakRssBytes: () => number;
}

export interface TimedStep {
  readonly loss: number;
  readonly seconds: number;
  /** Seconds of each part. */
  readonly parts: Readonly<Record<StepPart, number>>;
}

/** A model in training on random tokens, each step timed. */
export class TimedTraining {
  readonly model: Transformer;
  readonly batches: TrainingBatches;
  private readonly optimizer: Optimizer;
  private readonly names: string[];

  constructor(
    private readonly job: Pick<TrainingJob, 'card' | 'batch' | 'sequence' | 'seed'>,
    private readonly now: Clock,
  ) {
    const { card, batch, sequence, seed } = job;
    this.model = new Transformer(card, seed);
    const weights = this.model.namedWeights();
    this.names = weights.map(({ name }) => name);
    this.batches = new TrainingBatches(randomTokens(card, batch * sequence, seed), batch, sequence, { seed, step: 0 });
    this.optimizer = new Optimizer(weights, benchOptimizer);
  }

  /** @throws Error where the loss is not finite: such a time would mean nothing */
  async step(): Promise<TimedStep> {
    const { job, now, optimizer } = this;
    const { step } = optimizer;
    const start = now();
    const batch = this.batches.rows(step, 0, job.batch);
    const { losses, gradients } = forwardBackward(this.model, [batch], { step, dropoutSeed: job.seed });
    const loss = await readLosses(losses);
    const afterBackward = now();
    if (!Number.isFinite(loss)) throw new Error(`The loss of step ${step + 1} is ${loss}.`);
    const { total } = await gradientNorms(gradients, this.names);
    const afterNorm = now();
    optimizer.apply(gradients, learningRate, Math.min(1, clip / (total + 1e-6)));
    const end = now();
    const parts = {
      forwardBackward: afterBackward - start,
      norm: afterNorm - afterBackward,
      optimizer: end - afterNorm,
    };
    const seconds = (milliseconds: number) => milliseconds / 1000;
    return {
      loss,
      seconds: seconds(end - start),
      parts: {
        forwardBackward: seconds(parts.forwardBackward),
        norm: seconds(parts.norm),
        optimizer: seconds(parts.optimizer),
      },
    };
  }

  dispose(): void {
    this.optimizer.dispose();
    this.model.dispose();
  }
}

/** Eight batches' worth of tokens, each equally likely. */
export function randomTokens({ vocabulary }: ModelCard, tokensPerStep: number, seed: number): Int32Array {
  const numbers = uniformArray(seed, 'benchmark tokens', 8 * tokensPerStep + 1);
  return Int32Array.from(numbers, (x) => Math.min(vocabulary - 1, Math.floor(x * vocabulary)));
}

/** How many steps to time where nobody said: what fits into the time of a row, not so few that a median means little. */
export function stepsFor(secondsPerStep: number): number {
  return Math.min(most, Math.max(fewest, Math.floor(timedSeconds / secondsPerStep)));
}

/** Measures the current backend, which `backend` describes. */
export async function measureTraining(
  job: TrainingJob,
  backend: RunningBackend,
  { now, breathe, peakRssBytes }: Services,
): Promise<TrainingMeasurement> {
  const { card, batch, sequence } = job;
  const before = await probeMatmul(now);
  const training = new TimedTraining(job, now);
  try {
    const saved = savedForBackwardBytes(training.model, training.batches.rows(0, 0, batch), job.seed);
    const warmup: TimedStep[] = [];
    while (warmup.length < mostWarmupSteps && total(warmup) < warmupSeconds) {
      warmup.push(await training.step());
      await breathe();
    }
    const count = job.steps ?? stepsFor(warmup.at(-1)!.seconds);
    const steps: TimedStep[] = [];
    while (steps.length < count) {
      steps.push(await training.step());
      await breathe();
    }
    const rss = peakRssBytes();
    const kernelTimes = job.kernels ? await timeKernels(() => training.step(), Math.min(3, count), now) : undefined;
    const after = await probeMatmul(now);
    const peak = after.flopsPerSecond > before.flopsPerSecond ? after : before;

    const seconds = steps.map((step) => step.seconds);
    const medianSeconds = median(seconds);
    const flopsPerStep = countFlops(card, { batch, sequence }, 'palm').forwardBackward.value;
    const flopsPerSecond = Number(flopsPerStep) / medianSeconds;
    return {
      backend,
      parameters: parameterTotal(card).value,
      warmupSteps: warmup.length,
      seconds,
      medianSeconds,
      minimumSeconds: Math.min(...seconds),
      tokensPerSecond: (batch * sequence) / medianSeconds,
      flopsPerStep,
      flopsPerSecond,
      matmulPeak: peak,
      mfu: flopsPerSecond / peak.flopsPerSecond,
      savedForBackwardBytes: saved,
      peakRssBytes: rss,
      shares: sharesOf(steps),
      loss: { first: warmup[0]!.loss, last: steps.at(-1)!.loss },
      ...(kernelTimes && { kernelTimes }),
    };
  } finally {
    training.dispose();
  }
}

const total = (steps: readonly TimedStep[]) => steps.reduce((sum, { seconds }) => sum + seconds, 0);

/** The parts' shares of the time of all steps. */
export function sharesOf(steps: readonly TimedStep[]): Record<StepPart, number> {
  const all = total(steps);
  const share = (part: StepPart) => steps.reduce((sum, { parts }) => sum + parts[part], 0) / all;
  return Object.fromEntries(stepParts.map((part) => [part, share(part)])) as Record<StepPart, number>;
}
