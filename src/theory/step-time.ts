// How long a step takes: the roofline of its products and its optimizer as a floor, and an estimate at an assumed MFU.
import { type HardwareCard, peakOf } from '../cards/hardware.ts';
import type { ModelCard } from '../cards/model-card.ts';
import { type Count, count, type Measure, measure, rate, sum } from '../terms/quantities.ts';
import { countFlops } from './flops.ts';
import { productPrecision } from './inference.ts';
import { checkPositive } from './input.ts';
import type { Shape } from './letters.ts';
import { ACTIVATION_BYTES } from './precision.ts';
import { hardwareFlops } from './recompute.ts';
import { type Bound, machineOf, timeOf, type Work, type WorkTime } from './roofline.ts';
import { type StepSettings, stepMemory } from './step-memory.ts';

/** The MFU that a prediction assumes unless told, and where such values were reached. */
export const ASSUMED_MFU = {
  value: 0.4,
  source:
    'Grattafiori et al. 2024, table 4: 38–43 % on H100; Korthikanti et al. 2022, table 5: 42–56 % on A100; llm-pretraining: 35 %',
} as const;

/** The part of a step that one term takes at least. */
export interface TermTime extends WorkTime {
  readonly id: string;
  readonly flops: Count<'FLOPs'>;
  readonly bytes: Count<'bytes'>;
}

export interface StepTime {
  readonly peak: Measure<'FLOP/s'>;
  readonly bandwidth: Measure<'bytes/s'>;
  /** What each term takes at least; a term's forward, backward and repeated work together. */
  readonly terms: readonly TermTime[];
  /** The sum over terms of the larger of computing and moving: no step is faster. */
  readonly floor: Measure<'seconds'>;
  /** Model FLOPs in that time: no MFU is higher. */
  readonly floorMfu: number;
  readonly assumed: { readonly mfu: number; readonly source: string };
  /** Executed FLOPs at the assumed MFU, or the floor where that is more. */
  readonly seconds: Measure<'seconds'>;
  readonly bound: 'assumed MFU' | Bound;
  /** Model FLOPs / time / peak. Recomputation makes it lower than what was assumed. */
  readonly mfu: number;
  /** Executed FLOPs / time / peak. */
  readonly hfu: number;
  readonly throughput: Measure<'tokens/s'>;
}

/** Rows, inner and columns of each product of the forward pass, and how often it is done. */
function productSizes(card: ModelCard, { batch, sequence }: Shape): Record<string, [number, number, number, number]> {
  const { layers, hidden, heads, kvHeads, headSize, vocabulary, mlp } = card;
  const tokens = batch * sequence;
  const attention = batch * heads * layers;
  return {
    'attention.qkv': [tokens, hidden, (heads + 2 * kvHeads) * headSize, layers],
    'attention.scores': [sequence, headSize, sequence, attention],
    'attention.values': [sequence, sequence, headSize, attention],
    'attention.projection': [tokens, heads * headSize, hidden, layers],
    'mlp.up': [tokens, hidden, mlp.width, layers],
    'mlp.gate': [tokens, hidden, mlp.width, layers],
    'mlp.down': [tokens, mlp.width, hidden, layers],
    'head.logits': [tokens, hidden, vocabulary, 1],
  };
}

/** Bytes that a product moves when each operand passes memory once; a quadratic one that is never stored stays on the chip. */
function productBytes([rows, inner, columns, times]: readonly number[], bytes: bigint, id: string, flash: boolean) {
  const [m, k, n, count] = [rows!, inner!, columns!, times!].map(BigInt) as [bigint, bigint, bigint, bigint];
  if (!flash || !/^attention\.(scores|values)$/.test(id)) return bytes * count * (m * k + k * n + m * n);
  return bytes * count * (id === 'attention.scores' ? m * k + k * n : k * n + m * n);
}

/** What each term of a step does: products forward, backward and again, and the update, which only moves bytes. */
function stepWork(card: ModelCard, shape: Shape, settings: StepSettings): (Work & { id: string })[] {
  const { precision, keeps, attention, optimizer } = settings;
  const isTraining = precision !== 'int8';
  const { forwardTerms } = countFlops(card, shape, 'palm');
  const again = isTraining ? hardwareFlops(card, shape, keeps, attention).recomputeTerms : [];
  const sizes = productSizes(card, shape);
  const products = forwardTerms.map(({ id, value }) => {
    const passes = BigInt((isTraining ? 3 : 1) + again.filter((repeated) => repeated.id === id).length);
    const moved = productBytes(sizes[id]!, ACTIVATION_BYTES[precision], id, attention === 'flash');
    return { id, flops: count('FLOPs', passes * value), bytes: count('bytes', passes * moved) };
  });
  if (!isTraining) return products;
  const { parameters, gradients, optimizer: state } = stepMemory(card, shape, settings).totals;
  const moved = gradients.value + 2n * state.value + 2n * parameters.value;
  const update = { id: `optimizer.${optimizer}`, flops: count('FLOPs', 0n), bytes: count('bytes', moved) };
  return [...products, update];
}

/**
 * The time of one step on one accelerator, whether or not it fits there. Norms, activations and other element-wise work are not
 * in the floor; the assumed MFU stands for them. In `int8` it is the forward pass over
 * the prompts, with integer products where the hardware has them.
 * @param mfu the share of the peak that a step without recomputation reaches
 * @throws UserError for an MFU outside (0, 1], or a precision that the hardware does not have
 */
export function stepTime(
  card: ModelCard,
  shape: Shape,
  settings: StepSettings,
  hardware: HardwareCard,
  mfu?: number,
): StepTime {
  if (mfu !== undefined) checkPositive('MFU', mfu, 1);
  const assumed = mfu === undefined ? { mfu: ASSUMED_MFU.value, source: ASSUMED_MFU.source } : { mfu, source: 'given' };
  const precision = productPrecision(hardware, settings);
  const machine = machineOf(hardware, precision);
  const peak = peakOf(hardware, precision);
  const terms = stepWork(card, shape, settings).map((work) => ({ ...work, ...timeOf(work, machine) }));
  const floor = terms.reduce((total, { seconds }) => total + seconds.value, 0);
  const executed = sum(
    'FLOPs',
    terms.map(({ flops }) => flops),
  );
  const palm = countFlops(card, shape, 'palm');
  const model = settings.precision === 'int8' ? palm.forward : palm.forwardBackward;
  const atAssumed = Number(executed.value) / (peak.value * assumed.mfu);
  const seconds = measure('seconds', Math.max(floor, atAssumed));
  const slowest = terms.reduce((a, b) => (b.seconds.value > a.seconds.value ? b : a));
  const share = (flops: Count<'FLOPs'>, time: number) => Number(flops.value) / time / peak.value;
  return {
    peak,
    bandwidth: machine.bandwidth,
    terms,
    floor: measure('seconds', floor),
    floorMfu: share(model, floor),
    assumed,
    seconds,
    bound: atAssumed >= floor ? 'assumed MFU' : slowest.bound,
    mfu: share(model, seconds.value),
    hfu: share(executed, seconds.value),
    throughput: rate(count('tokens', BigInt(shape.batch) * BigInt(shape.sequence)), seconds),
  };
}
