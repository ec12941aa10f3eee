// How well a training run uses its hardware, what it costs, and how much more hardware can help.
import { type ComputePrecision, type HardwareCard, peakOf } from '../cards/hardware.ts';
import type { ModelCard } from '../cards/model-card.ts';
import { type Count, count, type Measure, measure, rate } from '../terms/quantities.ts';
import { type Term, term } from '../terms/term.ts';
import { UserError } from '../terms/user-error.ts';
import { countFlops, type FormulaConvention } from './flops.ts';
import { checkPositive, checkShare, checkWhole } from './input.ts';
import { type Shape, shapeLetters } from './letters.ts';

/** The accelerators of a run, all alike. */
export interface Fleet {
  readonly hardware: HardwareCard;
  readonly gpus: number;
  /** 16-bit products unless said otherwise. */
  readonly precision?: ComputePrecision;
}

/** The peak of the whole fleet. @throws UserError for a count that is none, or a precision that the hardware lacks */
export function fleetPeak({ hardware, gpus, precision = 'mixed' }: Fleet): Measure<'FLOP/s'> {
  checkWhole('number of accelerators', gpus, 1, 1e8);
  return measure('FLOP/s', gpus * peakOf(hardware, precision).value);
}

/**
 * The share of the peak that `flops` in `time` are: MFU where the FLOPs are those of the model, HFU where they include what
 * is computed again. More than 1 means that a count, the time or the peak is wrong.
 */
export function utilization(flops: Count<'FLOPs'>, time: Measure<'seconds'>, fleet: Fleet): number {
  checkPositive('time in seconds', time.value);
  return rate(flops, time).value / fleetPeak(fleet).value;
}

/** MFU of one training step on a batch of `shape`; every product with full attention and head unless another convention is named. */
export function modelFlopsUtilization(
  card: ModelCard,
  shape: Shape,
  time: Measure<'seconds'>,
  fleet: Fleet,
  convention: FormulaConvention = 'palm',
): number {
  return utilization(countFlops(card, shape, convention).forwardBackward, time, fleet);
}

/** FLOPs of training on one token of a sequence of `sequence`: a step's, divided by its tokens. */
export function trainingFlopsPerToken(
  card: ModelCard,
  sequence: number,
  convention: FormulaConvention = 'palm',
): Measure<'FLOPs'> {
  const { value } = countFlops(card, { batch: 1, sequence }, convention).forwardBackward;
  return measure('FLOPs', Number(value) / sequence);
}

/**
 * MFU = F·τ / (GPUs·peak), with F the FLOPs of *one token* and τ the tokens per second of the whole fleet (training-llms,
 * llm-pretraining; decoder-only (3.5) takes F of a batch, which is BS times too large for its τ).
 */
export function utilizationFromThroughput(
  flopsPerToken: Measure<'FLOPs'>,
  tokens: Measure<'tokens/s'>,
  fleet: Fleet,
): number {
  checkPositive('FLOPs per token', flopsPerToken.value);
  checkPositive('throughput in tokens/s', tokens.value);
  return (flopsPerToken.value * tokens.value) / fleetPeak(fleet).value;
}

/** Tokens per second of the fleet, and of each accelerator. */
export function throughput(
  { batch, sequence }: Shape,
  time: Measure<'seconds'>,
  gpus = 1,
): { total: Measure<'tokens/s'>; perGpu: Measure<'tokens/s'> } {
  checkWhole('number of accelerators', gpus, 1, 1e8);
  checkPositive('time in seconds', time.value);
  const total = rate(count('tokens', BigInt(batch) * BigInt(sequence)), time);
  return { total, perGpu: measure('tokens/s', total.value / gpus) };
}

/** FLOPs of a step as Korthikanti et al. 2022 count them, for models like GPT-3. */
export interface PublishedStepFlops {
  readonly model: Term<'FLOPs', 'model'>;
  /** With the attention core computed again. The paper adds all of its 12BLS²D, though only the forward 4BLS²D runs twice. */
  readonly selective: Term<'FLOPs', 'selective'>;
  /** With the forward pass of every block computed again. */
  readonly full: Term<'FLOPs', 'full'>;
}

/** Model and hardware FLOPs of one step by the formulas behind the paper's MFU and HFU. */
export function korthikantiFlops(card: ModelCard, shape: Shape): PublishedStepFlops {
  const letters = shapeLetters(card, shape);
  const paper = 'Korthikanti et al. 2022, appendix A';
  return {
    model: term('model', 'FLOPs', '72B·L·S·D² + 12B·L·S²·D + 6B·S·D·V', letters, paper),
    selective: term('selective', 'FLOPs', '72B·L·S·D² + 24B·L·S²·D + 6B·S·D·V', letters, paper),
    full: term('full', 'FLOPs', '96B·L·S·D² + 16B·L·S²·D + 6B·S·D·V', letters, 'Narayanan et al. 2021, (3)'),
  };
}

const SECONDS_PER_DAY = 24 * 3600;

/** 1 PFLOP-day = 10¹⁵ FLOP/s during a day = 8.64·10¹⁹ FLOPs (training-llms, lecture-compute-memory). */
export function pflopDays(flops: Measure<'FLOPs'>): number {
  return flops.value / (1e15 * SECONDS_PER_DAY);
}

/** What a run takes. */
export interface RunCost {
  readonly time: Measure<'seconds'>;
  readonly days: number;
  readonly gpuHours: number;
  readonly pflopDays: number;
  /** US dollars; absent where the hardware's card has no price. */
  readonly dollars?: number;
}

/**
 * Time and cost of `flops` on a fleet that reaches `mfu` of its peak.
 * @throws UserError for an MFU outside (0, 1] or numbers that are not positive
 */
export function runCost(flops: Measure<'FLOPs'>, fleet: Fleet, mfu: number): RunCost {
  checkPositive('MFU', mfu, 1);
  checkPositive('number of FLOPs', flops.value, 1e40);
  const seconds = flops.value / (fleetPeak(fleet).value * mfu);
  const gpuHours = (fleet.gpus * seconds) / 3600;
  const price = fleet.hardware.pricePerHour;
  return {
    time: measure('seconds', seconds),
    days: seconds / SECONDS_PER_DAY,
    gpuHours,
    pflopDays: pflopDays(flops),
    ...(price && { dollars: gpuHours * price.dollars }),
  };
}

/** Amdahl: how much faster N processors finish the *same* work of which `serial` cannot be divided: 1/(s + (1 − s)/N). */
export function strongScaling(serial: number, processors: number): number {
  checkShare('serial share', serial);
  checkWhole('number of processors', processors);
  return 1 / (serial + (1 - serial) / processors);
}

/**
 * The largest serial share with which `processors` still give `speedup`: (1/X − 1/N) / (1 − 1/N).
 * @throws UserError for a speedup below 1 or beyond the number of processors
 */
export function largestSerialShare(speedup: number, processors: number): number {
  checkWhole('number of processors', processors, 2);
  if (!(speedup >= 1 && speedup <= processors)) {
    throw new UserError(`The speedup is ${speedup} and must be from 1 to ${processors}, the number of processors.`);
  }
  return (1 / speedup - 1 / processors) / (1 - 1 / processors);
}

/** Gustafson: how much *more* work N processors do in the same time: s + (1 − s)·N. */
export function weakScaling(serial: number, processors: number): number {
  checkShare('serial share', serial);
  checkWhole('number of processors', processors);
  return serial + (1 - serial) * processors;
}
