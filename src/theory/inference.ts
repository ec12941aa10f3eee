// Inference on a machine: how long prefill and decoding take, what holds them back, and from which batch on it is compute.
import { type ComputePrecision, formatOf, type HardwareCard, type NumberFormat } from '../cards/hardware.ts';
import type { ModelCard } from '../cards/model-card.ts';
import { type Count, count, type Measure, measure } from '../terms/quantities.ts';
import type { Term } from '../terms/term.ts';
import { type Request, type Serving, servingBytes } from './inference-letters.ts';
import { type Cached, kvCache, type ServingMemory, servingMemory } from './inference-memory.ts';
import { type AttentionCount, type Stage, type StageWork, stageWork } from './inference-work.ts';
import { checkWhole } from './input.ts';
import { type Bound, machineOf, ridgePoint, timeOf, type WorkTime } from './roofline.ts';

/** The time of a term, or of all-reduces between devices. */
export interface TimedTerm {
  readonly id: string;
  readonly time: WorkTime;
}

/** A stage on hardware. */
export interface StageTime {
  readonly stage: Stage;
  readonly terms: readonly TimedTerm[];
  /** One term after the other, each at its own bound: what a machine that loses nothing needs. */
  readonly seconds: Measure<'seconds'>;
  /** Everything overlapped: the larger of all FLOPs at the peak and all bytes at full bandwidth. */
  readonly overlapped: WorkTime;
  /** What most of `seconds` goes to. */
  readonly bound: Bound;
  /** Share of the peak that the stage's FLOPs reach in `seconds`. */
  readonly mfu: number;
}

/** The precision that products run in: int8 weights are widened to 16 bits where the hardware has no int8 products. */
export function productPrecision(hardware: HardwareCard, { precision = 'mixed' }: Serving): ComputePrecision {
  return precision === 'int8' && formatOf(hardware, 'int8') === undefined ? 'mixed' : precision;
}

/**
 * How long a stage takes at least on `tensorParallel` accelerators. Passes of a decode are timed together: exact while each
 * term keeps its bound over the whole generation.
 * @throws UserError where the hardware has no peak in the precision
 */
export function stageTime(work: StageWork, hardware: HardwareCard, serving: Serving = {}): StageTime {
  const machine = machineOf(hardware, productPrecision(hardware, serving));
  const devices = BigInt(serving.tensorParallel ?? 1);
  const share = <U extends 'FLOPs' | 'bytes'>({ unit, value }: Count<U>) => count(unit, value / devices);
  const timed: TimedTerm[] = work.terms.map(({ id, flops, bytes }) => ({
    id,
    time: timeOf({ flops: share(flops), bytes: share(bytes) }, machine),
  }));
  const nothing = { flops: count('FLOPs', 0n), bytes: count('bytes', 0n) };
  const sent = share(work.sent);
  const terms =
    sent.value > 0n ? [...timed, { id: 'communication', time: timeOf({ ...nothing, sent }, machine) }] : timed;
  const seconds = terms.reduce((total, { time }) => total + time.seconds.value, 0);
  return {
    stage: work.stage,
    terms,
    seconds: measure('seconds', seconds),
    overlapped: timeOf({ flops: share(work.flops), bytes: share(work.bytes), sent }, machine),
    bound: largestBound(terms),
    mfu: seconds > 0 ? Number(work.flops.value) / (Number(devices) * machine.peak.value * seconds) : 0,
  };
}

function largestBound(terms: readonly TimedTerm[]): Bound {
  const spent = new Map<Bound, number>();
  for (const { time } of terms) spent.set(time.bound, (spent.get(time.bound) ?? 0) + time.seconds.value);
  return [...spent].reduce((most, next) => (next[1] > most[1] ? next : most))[0];
}

/** The documents' latencies of one token (section 7). */
export interface DocumentLatency {
  /** 2BSN / λ_FLOPs, shared by T devices. */
  readonly naive: Measure<'seconds'>;
  /** (pN + 2pBSDL) / λ_mem, shared by T devices. */
  readonly cached: Measure<'seconds'>;
  /** 2BN / λ_FLOPs, shared by T devices: what the cached token computes meanwhile. */
  readonly compute: Measure<'seconds'>;
}

/** Section 7's latencies of one more token behind `cached` tokens. */
export function documentLatency(
  card: ModelCard,
  cached: Cached,
  hardware: HardwareCard,
  serving: Serving = {},
): DocumentLatency {
  const { peak, bandwidth } = machineOf(hardware, productPrecision(hardware, serving));
  const devices = serving.tensorParallel ?? 1;
  const request = { batch: cached.batch, prompt: cached.sequence, generated: 1 };
  const seconds = ({ value }: Term, speed: number) => Number(value) / (devices * speed);
  const { weights } = servingMemory(card, cached, serving);
  const cache = kvCache(card, cached, serving).documents;
  return {
    naive: measure('seconds', seconds(stageWork(card, 'naive', request, serving).documents, peak.value)),
    cached: measure('seconds', seconds(weights, bandwidth.value) + seconds(cache, bandwidth.value)),
    compute: measure('seconds', seconds(stageWork(card, 'decode', request, serving).documents, peak.value)),
  };
}

/** From which batch on decoding is bound by compute. */
export interface Saturation {
  /** FLOPs per byte of the hardware, λ_math. */
  readonly ridge: number;
  /** 2B FLOPs per p bytes of weights: p·λ_math / 2 (decoder-only D: "B ∼ 200"). */
  readonly weightsOnly: number;
  /** With the cache counted; null where its bytes grow faster with the batch than what is computed, so that no batch is enough. */
  readonly withCache: bigint | null;
}

/** The batch that saturates the hardware while decoding one token behind `sequence` others. */
export function saturatingBatch(
  card: ModelCard,
  sequence: number,
  hardware: HardwareCard,
  serving: Serving = {},
): Saturation {
  checkWhole('sequence', sequence);
  const ridge = ridgePoint(machineOf(hardware, productPrecision(hardware, serving)));
  const { p } = servingBytes(serving);
  const at = (batch: number) => stageWork(card, 'decode', { batch, prompt: sequence, generated: 1 }, serving);
  // FLOPs are proportional to the batch; bytes are those of the weights and a part proportional to the batch.
  const [one, two] = [at(1), at(2)];
  const bytesPerSequence = Number(two.bytes.value - one.bytes.value);
  const weightBytes = Number(one.bytes.value) - bytesPerSequence;
  const gain = Number(one.flops.value) - ridge * bytesPerSequence;
  return {
    ridge,
    weightsOnly: (Number(p) * ridge) / 2,
    withCache: gain > 0 ? BigInt(Math.ceil((ridge * weightBytes) / gain)) : null,
  };
}

/** A number format of the hardware and the times of a request. */
export interface InferenceTimes {
  readonly format: NumberFormat;
  readonly prefill: StageTime;
  readonly decode: StageTime;
  readonly naive: StageTime;
  /** Until the first token, and from one token to the next on average. */
  readonly firstToken: Measure<'seconds'>;
  readonly perToken: Measure<'seconds'>;
  /** Generated tokens of the whole batch per second of decoding. */
  readonly throughput: Measure<'tokens/s'>;
  readonly saturation: Saturation;
  readonly documents: DocumentLatency;
  readonly fits: boolean;
  /** US dollars for a million generated tokens, prefill included; absent without a price. */
  readonly dollarsPerMillionTokens?: number;
}

/** Everything that formulas say about serving a request. */
export interface InferencePrediction {
  /** With all prompts and generated tokens in the cache. */
  readonly memory: ServingMemory;
  readonly work: Readonly<Record<Stage, StageWork>>;
  readonly times?: InferenceTimes;
}

/**
 * Predicts prefill and decoding of `request`, with a cache and naively, and on `hardware` their times.
 * @throws UserError for counts that are none, devices that cannot share the model, or a precision that the hardware lacks
 */
export function predictInference(
  card: ModelCard,
  request: Request,
  {
    serving = {},
    hardware,
    attention = 'full',
  }: { serving?: Serving; hardware?: HardwareCard; attention?: AttentionCount },
): InferencePrediction {
  checkWhole('number of tokens to generate', request.generated, 1, 1e9);
  const stage = (name: Stage) => stageWork(card, name, request, serving, attention);
  const work = { prefill: stage('prefill'), decode: stage('decode'), naive: stage('naive') };
  const cached = { batch: request.batch, sequence: request.prompt + request.generated };
  const memory = servingMemory(card, cached, serving);
  if (!hardware) return { memory, work };
  const timeFor = (name: Stage) => stageTime(work[name], hardware, serving);
  const [prefill, decode, naive] = [timeFor('prefill'), timeFor('decode'), timeFor('naive')];
  const generated = request.batch * request.generated;
  const gpuSeconds = (prefill.seconds.value + decode.seconds.value) * (serving.tensorParallel ?? 1);
  const price = hardware.pricePerHour;
  return {
    memory,
    work,
    times: {
      format: formatOf(hardware, productPrecision(hardware, serving))!,
      prefill,
      decode,
      naive,
      firstToken: prefill.seconds,
      perToken: measure('seconds', decode.seconds.value / request.generated),
      throughput: measure('tokens/s', generated / decode.seconds.value),
      saturation: saturatingBatch(card, cached.sequence, hardware, serving),
      documents: documentLatency(card, { batch: request.batch, sequence: request.prompt }, hardware, serving),
      fits: memory.perDevice.value <= BigInt(hardware.memoryBytes),
      ...(price && { dollarsPerMillionTokens: ((gpuSeconds / 3600) * price.dollars * 1e6) / generated }),
    },
  };
}
