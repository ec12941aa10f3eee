// Memory of a model that is served: its weights, its cache of keys and values, and where one outgrows the other.
import type { HardwareCard } from '../cards/hardware.ts';
import type { ModelCard } from '../cards/model-card.ts';
import { type Count, count } from '../terms/quantities.ts';
import { type Term, term, totalTerm } from '../terms/term.ts';
import { UserError } from '../terms/user-error.ts';
import { deviceCounts, requestLetters, type Serving, servingLetters } from './inference-letters.ts';
import { checkWhole } from './input.ts';

/** Sequences whose keys and values are kept: `batch` of `sequence` tokens each. */
export interface Cached {
  readonly batch: number;
  readonly sequence: number;
}

/** The cache of keys and values. Terms count all devices together. */
export interface KvCache {
  readonly perToken: Term<'bytes', 'kvCache'>;
  readonly total: Term<'bytes', 'kvCache'>;
  /** On each of the T devices. */
  readonly perDevice: Count<'bytes'>;
  /** 2pBSDL, which is right for multi-head attention. */
  readonly documents: Term<'bytes', 'kvCache'>;
}

/** Memory of a model that is served. Terms count all devices together. */
export interface ServingMemory {
  readonly weights: Term<'bytes', 'parameters'>;
  readonly kvCache: KvCache;
  readonly total: Term<'bytes', 'total'>;
  readonly perDevice: Count<'bytes'>;
}

const dividedUp = (value: bigint, by: bigint): bigint => (value + by - 1n) / by;

/** The cache of `batch` sequences of `sequence` tokens: a key and a value for each KV head, layer and token. */
export function kvCache(card: ModelCard, { batch, sequence }: Cached, serving: Serving = {}): KvCache {
  const letters = requestLetters(card, { batch, prompt: sequence, generated: 0 }, serving);
  const source = 'decoder-only (6.1), with the heads that keys and values have';
  const total = term('kvCache', 'bytes', '2c·B·S·L·G·H', letters, source);
  return {
    perToken: term('kvCache', 'bytes', '2c·L·G·H', letters, source),
    total,
    perDevice: count('bytes', total.value / BigInt(serving.tensorParallel ?? 1)),
    documents: term('kvCache', 'bytes', '2c·B·S·D·L', letters, 'decoder-only (6.1), all devices'),
  };
}

/** Weights and cache: (7.1). The documents' own form, 2pBSDL for the cache, is `kvCache.documents`. */
export function servingMemory(card: ModelCard, cached: Cached, serving: Serving = {}): ServingMemory {
  const letters = requestLetters(card, { batch: cached.batch, prompt: cached.sequence, generated: 0 }, serving);
  const weights = term('parameters', 'bytes', 'p·N', letters, 'decoder-only (7.1)');
  const cache = kvCache(card, cached, serving);
  const parts = [weights, cache.total];
  const total = totalTerm('total', parts, 'bytes', 'p·N + 2c·B·S·L·G·H', letters, 'decoder-only (7.1)');
  return {
    weights,
    kvCache: cache,
    total,
    perDevice: count('bytes', dividedUp(total.value, BigInt(serving.tensorParallel ?? 1))),
  };
}

/** From how many cached tokens (batch times sequence) on the cache is larger than the weights. */
export function cacheCrossover(card: ModelCard, serving: Serving = {}): { tokens: bigint; documents: bigint } {
  const letters = servingLetters(card, serving);
  const weights = term('parameters', 'bytes', 'p·N', letters, 'decoder-only 6').value;
  const perToken = term('kvCache', 'bytes', '2c·L·G·H', letters, 'decoder-only (6.1)').value;
  // The documents' rule, "when BS ≳ D", drops every factor of order 1.
  return { tokens: weights / perToken + 1n, documents: BigInt(card.hidden) };
}

/** The room on T devices of `hardware`. */
export interface Room {
  readonly hardware: HardwareCard;
  readonly serving?: Serving;
}

/** The largest batch of sequences of `sequence` tokens that fits beside the weights; 0 where not even the weights fit. */
export function largestBatch(card: ModelCard, sequence: number, { hardware, serving = {} }: Room): bigint {
  const { weights, kvCache: cache } = servingMemory(card, { batch: 1, sequence }, serving);
  const room = BigInt(hardware.memoryBytes) * BigInt(serving.tensorParallel ?? 1) - weights.value;
  return room < 0n ? 0n : room / cache.total.value;
}

/**
 * The fewest devices, among those that can share the model, which hold a batch of sequences.
 * @throws UserError where even the most devices that can share it are not enough
 */
export function fewestDevices(card: ModelCard, cached: Cached, { hardware, serving = {} }: Room): number {
  checkWhole('batch', cached.batch, 1, 1e9);
  const possible = deviceCounts(card);
  const sharedBy = (devices: number) => ({ ...serving, tensorParallel: devices });
  const fits = (devices: number) =>
    servingMemory(card, cached, sharedBy(devices)).perDevice.value <= BigInt(hardware.memoryBytes);
  const fewest = possible.find(fits);
  if (fewest !== undefined) return fewest;
  const most = possible.at(-1)!;
  const batch = largestBatch(card, cached.sequence, { hardware, serving: sharedBy(most) });
  throw new UserError(
    `'${card.name}' with a batch of ${cached.batch} sequences of ${cached.sequence} tokens fits no number of ` +
      `'${hardware.name}' that can share its layers; on the largest, ${most}, a batch of ${batch} fits.`,
  );
}
