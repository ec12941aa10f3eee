// What inference may cost bounds the size of a model: "first determine the upmost inference cost, then train the biggest model
// within that boundary" (training-llms, lecture-compute-memory, transformer-math-101).
import type { HardwareCard } from '../cards/hardware.ts';
import type { ModelCard } from '../cards/model-card.ts';
import { UserError } from '../terms/user-error.ts';
import { predictInference } from '../theory/inference.ts';
import { deviceCounts } from '../theory/inference-letters.ts';
import { largestBatch } from '../theory/inference-memory.ts';
import { countParameters } from '../theory/parameters.ts';
import type { Precision } from '../theory/precision.ts';

/** What a served model may cost. */
export interface ServingLimits {
  /** From one token to the next, for one sequence alone. */
  readonly maxLatencySeconds?: number;
  /** Weights and the cache of one sequence, on all devices together. */
  readonly maxMemoryBytes?: number;
  /** Where the batch is as large as the memory or the arithmetic allows. */
  readonly maxDollarsPerMillionTokens?: number;
}

/** On what it is served. */
export interface ServingPlace {
  readonly hardware: HardwareCard;
  readonly precision: Precision;
  /** Accelerators that share the model; the fewest that hold it unless given. */
  readonly devices?: number;
  /** Tokens of a request: three quarters prompt, a quarter generated. */
  readonly sequence: number;
}

/** What serving a card costs, in the quantities of {@link ServingLimits}. */
export interface ServingCost {
  readonly devices: number;
  readonly latencySeconds: number;
  readonly memoryBytes: number;
  readonly batch: number;
  readonly dollarsPerMillionTokens?: number;
}

/** Does the model fit the devices that are there? */
function devicesFor(card: ModelCard, { hardware, precision, devices, sequence }: ServingPlace): number | undefined {
  const possible = deviceCounts(card).filter((count) => devices === undefined || count === devices);
  return possible.find(
    (count) => largestBatch(card, sequence, { hardware, serving: { precision, tensorParallel: count } }) > 0n,
  );
}

/** What serving costs; undefined where the model does not fit the devices. */
export function servingCost(card: ModelCard, place: ServingPlace): ServingCost | undefined {
  const devices = devicesFor(card, place);
  if (devices === undefined) return undefined;
  const { hardware, precision, sequence } = place;
  const serving = { precision, tensorParallel: devices };
  const generated = Math.max(1, Math.floor(sequence / 4));
  const request = { prompt: Math.max(1, sequence - generated), generated };
  const single = predictInference(card, { ...request, batch: 1 }, { serving, hardware });
  const room = Number(largestBatch(card, sequence, { hardware, serving }));
  const batch = Math.max(1, Math.min(room, Math.ceil(single.times!.saturation.weightsOnly)));
  const full = predictInference(card, { ...request, batch }, { serving, hardware });
  const dollars = full.times!.dollarsPerMillionTokens;
  return {
    devices,
    latencySeconds: single.times!.perToken.value,
    memoryBytes: Number(single.memory.total.value),
    batch,
    ...(dollars === undefined ? {} : { dollarsPerMillionTokens: dollars }),
  };
}

const withDigits = (value: number) =>
  Number(value.toPrecision(3)).toLocaleString('en-US', { maximumSignificantDigits: 3 });

/** The first limit that serving a card passes, in words; undefined where it stays within all. */
export function passedLimit(card: ModelCard, limits: ServingLimits, place: ServingPlace): string | undefined {
  const cost = servingCost(card, place);
  if (!cost) return `does not fit ${place.devices ?? 'any number of'} × ${place.hardware.name} that can share it`;
  const { maxLatencySeconds, maxMemoryBytes, maxDollarsPerMillionTokens } = limits;
  const { devices, latencySeconds, memoryBytes, dollarsPerMillionTokens } = cost;
  const on = `on ${devices} × ${place.hardware.name}`;
  if (maxLatencySeconds !== undefined && latencySeconds > maxLatencySeconds) {
    return `takes ${withDigits(1000 * latencySeconds)} ms a token ${on}, more than --max-latency ${withDigits(1000 * maxLatencySeconds)} ms`;
  }
  if (maxMemoryBytes !== undefined && memoryBytes > maxMemoryBytes) {
    return `takes ${withDigits(memoryBytes / 1e9)} GB to serve, more than --max-memory ${withDigits(maxMemoryBytes / 1e9)} GB`;
  }
  if (maxDollarsPerMillionTokens === undefined) return undefined;
  if (dollarsPerMillionTokens === undefined) {
    throw new UserError(
      `The hardware '${place.hardware.name}' has no price, so --cost-per-million-tokens says nothing of it: give --price.`,
    );
  }
  return dollarsPerMillionTokens > maxDollarsPerMillionTokens
    ? `costs $${withDigits(dollarsPerMillionTokens)} per million tokens ${on}, more than --cost-per-million-tokens ${withDigits(maxDollarsPerMillionTokens)}`
    : undefined;
}

/** The model of so many parameters; undefined where its kind has none as small. */
function modelOf(make: (parameters: number) => ModelCard, parameters: number): ModelCard | undefined {
  try {
    return make(parameters);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** The largest N whose model stays within the limits, found by halving; `make` builds the model of so many parameters. */
export function largestWithin(
  make: (parameters: number) => ModelCard,
  limits: ServingLimits,
  place: ServingPlace,
): { parameters: number; limit: string } {
  const limitOf = (parameters: number) => passedLimit(make(parameters), limits, place);
  let [within, beyond] = [0, 1e13];
  let limit = limitOf(beyond);
  if (!limit) return { parameters: beyond, limit: 'no limit is reached' };
  for (let least = beyond / 2; within === 0; least /= 2) {
    const model = modelOf(make, least);
    if (model === undefined) break;
    const passed = passedLimit(model, limits, place);
    if (passed) [beyond, limit] = [least, passed];
    else within = least;
  }
  if (within === 0) {
    const { total } = countParameters(make(beyond));
    throw new UserError(
      `No model is small enough for what inference may cost: even one of ${total.toLocaleString('en-US')} parameters ${limit}.`,
    );
  }
  while (beyond / within > 1.01) {
    const middle = Math.sqrt(within * beyond);
    const passed = limitOf(middle);
    if (passed) [beyond, limit] = [middle, passed];
    else within = middle;
  }
  return { parameters: Number(countParameters(make(within)).total), limit: `a larger one ${limit}` };
}
