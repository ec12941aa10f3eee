// How long a step of a layout takes: products at a share of the peak, traffic that nothing hides, the bubble, the optimizer.
import { type HardwareCard, peakOf } from '../cards/hardware.ts';
import { transferTime } from './collectives.ts';
import type { Group, Traffic } from './communication.ts';
import type { Layout } from './parallelism.ts';
import type { WorkerFlops } from './parallelism-flops.ts';
import { bubbleMicroBatches } from './pipeline.ts';
import type { TrainingPrecision } from './precision.ts';

/** What the prediction of times assumes. */
export interface Pace {
  readonly hardware: HardwareCard;
  readonly precision: TrainingPrecision;
  /** The share of the peak that matrix products reach. */
  readonly efficiency: number;
}

/**
 * How often the bytes that the backward pass needs cross the memory bus in one step, outside of products: written and read
 * forward, read backward, their gradients written and read, and what unfused operations put in between. With 0.7 of the peak
 * in products it meets the four iteration times of Korthikanti et al. 2022, table 5, within 15 %.
 */
export const MEMORY_PASSES = 8;

/** The part of {@link MEMORY_PASSES} that a repeated forward pass adds. */
const FORWARD_PASSES = 3;

/** Seconds of one kind of traffic: per micro-batch or per step, as `every` says. */
export interface TimedTraffic {
  readonly traffic: Traffic;
  readonly seconds: number;
  /** What is left when as much as possible happens behind products. */
  readonly exposed: number;
}

/** One stage's micro-batch, in seconds. */
export interface MicroBatchTime {
  readonly products: number;
  /** Norms, non-linearities, softmax, residuals: bound by memory. */
  readonly elementwise: number;
  readonly recompute: number;
  readonly rows: readonly TimedTraffic[];
}

/** Where the seconds of a step go; the parts add up to `total`. */
export interface StepTime {
  readonly products: number;
  readonly elementwise: number;
  readonly recompute: number;
  readonly bubble: number;
  /** Traffic that nothing hides, by group. */
  readonly communication: Readonly<Record<Group, number>>;
  readonly optimizer: number;
  readonly total: number;
}

/**
 * Times the work and the traffic of one stage.
 * @param activations bytes that its blocks make for one micro-batch, kept or not
 * @param microBatches how many the bytes of `rows` are for
 */
export function microBatchTime(
  flops: WorkerFlops,
  activations: bigint,
  rows: readonly Traffic[],
  microBatches: number,
  { hardware, precision, efficiency }: Pace,
): MicroBatchTime {
  const speed = peakOf(hardware, precision).value * efficiency;
  const seconds = (work: bigint) => Number(work) / speed;
  const add = (terms: WorkerFlops['forward']) => terms.reduce((total, { value }) => total + seconds(value), 0);
  const forward = add(flops.forward);
  const backward = seconds(flops.backward.value);
  const pass = Number(activations) / hardware.memoryBandwidth;
  const elementwise = MEMORY_PASSES * pass;
  const repeats = flops.recompute.some(({ id }) => id === 'mlp.up');
  const recompute = add(flops.recompute) + (repeats ? FORWARD_PASSES * pass : 0);
  const attention = 3 * add(flops.forward.filter(({ id }) => id === 'attention.scores' || id === 'attention.values'));
  const room: Record<Traffic['behind'], number> = {
    nothing: 0,
    gradients: backward / 2,
    attention,
    first: forward,
    last: backward + recompute,
    all: forward + backward + elementwise + recompute,
  };
  const timed = rows.map((traffic): TimedTraffic => {
    const whole = transferTime(traffic.sent.value, hardware[traffic.link].bytesPerSecond).value;
    const each = traffic.every === 'micro-batch' ? whole / microBatches : whole;
    const hidden = Math.min(each, room[traffic.behind]);
    // What hides behind the same products shares the link.
    room[traffic.behind] -= hidden;
    return { traffic, seconds: each, exposed: each - hidden };
  });
  return { products: forward + backward, elementwise, recompute, rows: timed };
}

/** Seconds of exposed traffic that recur with every micro-batch, or that come once. */
const exposedOf = ({ rows }: MicroBatchTime, every: Traffic['every'], group?: Group) =>
  rows
    .filter(({ traffic }) => traffic.every === every && (group === undefined || traffic.group === group))
    .reduce((total, { exposed }) => total + exposed, 0);

const GROUPS: readonly Group[] = ['tensor', 'context', 'data', 'pipeline'];

/** Seconds of one micro-batch on one stage. */
export const secondsOf = (time: MicroBatchTime): number =>
  time.products + time.elementwise + time.recompute + exposedOf(time, 'micro-batch');

/**
 * The time of a step: (m + (P − 1)/v) times the slowest stage's micro-batch, and once the exposed traffic of gradients and
 * parameters and the optimizer, which reads and writes its states.
 */
export function stepTime(
  stages: readonly MicroBatchTime[],
  schedule: Pick<Layout, 'pipeline' | 'interleave'>,
  microBatches: number,
  optimizerBytes: bigint,
  { hardware }: Pace,
): StepTime {
  const slowest = stages.reduce((a, b) => (secondsOf(b) > secondsOf(a) ? b : a));
  const communication = Object.fromEntries(
    GROUPS.map((group) => {
      const once = Math.max(...stages.map((stage) => exposedOf(stage, 'step', group)));
      return [group, microBatches * exposedOf(slowest, 'micro-batch', group) + once];
    }),
  ) as Record<Group, number>;
  const products = microBatches * slowest.products;
  const elementwise = microBatches * slowest.elementwise;
  const recompute = microBatches * slowest.recompute;
  const bubble = bubbleMicroBatches(schedule) * secondsOf(slowest);
  const optimizer = (2 * Number(optimizerBytes)) / hardware.memoryBandwidth;
  const exposed = Object.values(communication).reduce((sum, seconds) => sum + seconds, 0);
  const total = products + elementwise + recompute + bubble + exposed + optimizer;
  return { products, elementwise, recompute, bubble, communication, optimizer, total };
}
