// The rows of `yarn bench train`: each model on each backend, alternating with what it is compared to.
import type { BackendName } from '../engine/backends.ts';
import type { Speed, TrainingMeasurement } from './measurement.ts';
import { type PeerMeasurement, peerFlags } from './pytorch-peer.ts';
import type { Subject } from './request.ts';
import { median, medianBy } from './statistics.ts';

/** Our own backends, and wasm as tfjs ships it. */
export type BenchBackend = BackendName | 'wasm-stock';

/** A run that did not come about: the backend is not here, or the steps failed. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}

/** Runs things, each in a process of its own. */
export interface Runner {
  /** @throws Unavailable where the backend does not start, any other Error where the steps fail */
  ours(subject: Subject, backend: BenchBackend, steps: number | undefined): Promise<TrainingMeasurement>;
  /** @throws Error where the peer fails */
  peer(flags: readonly string[], steps: number, threads: number | undefined): Promise<PeerMeasurement>;
}

export interface Pair {
  readonly ours: number;
  readonly other: number;
  /** Ours over the other's. */
  readonly ratio: number;
}

/** Ours against another, run by run in turn. */
export interface Comparison {
  /** Such as `torch 2.15.0` or `stock wasm`. */
  readonly name: string;
  /** Tokens per second. */
  readonly pairs: readonly Pair[];
  readonly medianRatio: number;
  readonly savedForBackwardBytes: { readonly ours: number; readonly other: number; readonly ratio: number };
  /** What is not the same on both sides. */
  readonly differences: readonly string[];
  /** How it was called. */
  readonly flags?: readonly string[];
}

export interface Row {
  readonly subject: Subject;
  readonly backend: BenchBackend;
  /** Of all repetitions, the one in the middle by tokens per second. */
  readonly measurement: TrainingMeasurement;
  /** Tokens per second of every repetition. */
  readonly repetitions: readonly number[];
  readonly comparisons: readonly Comparison[];
  /** Why a comparison that was asked for is missing. */
  readonly remarks: readonly string[];
}

export interface RowOptions {
  readonly steps?: number;
  readonly repeats: number;
  readonly peer: boolean;
  readonly stock: boolean;
}

/**
 * One row; with `stock`, wasm brings a second one. Ours and the others take turns, A B A B, so that a machine that slows down slows
 * both. Later repetitions, and the peer, time as many steps as the first.
 */
export async function rowsOf(
  subject: Subject,
  backend: BackendName,
  options: RowOptions,
  runner: Runner,
): Promise<Row[]> {
  const { repeats } = options;
  const peer = options.peer ? peerFlags(subject.card, subject) : undefined;
  const stock = options.stock && backend === 'wasm';
  const ours: TrainingMeasurement[] = [];
  const peers: PeerMeasurement[] = [];
  const stocks: TrainingMeasurement[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const measurement = await runner.ours(subject, backend, ours[0]?.seconds.length ?? options.steps);
    ours.push(measurement);
    const { seconds, backend: running } = measurement;
    if (peer && 'flags' in peer) peers.push(await runner.peer(peer.flags, seconds.length, running.threads));
    if (stock) stocks.push(await runner.ours(subject, 'wasm-stock', stocks[0]?.seconds.length ?? options.steps));
  }
  const comparisons: Comparison[] = [];
  if (peers.length > 0 && peer && 'flags' in peer) {
    const differences = [...peer.differences, ...parameterDifference(ours[0]!, peers[0]!)];
    comparisons.push({ ...compare(peers[0]!.name, ours, peers, differences), flags: peer.flags });
  }
  if (stocks.length > 0) comparisons.push(compare('stock wasm', ours, stocks, []));
  const remarks = peer && 'reason' in peer ? [`not run beside PyTorch: ${peer.reason}`] : [];
  const row = (name: BenchBackend, runs: TrainingMeasurement[], more: Pick<Row, 'comparisons' | 'remarks'>): Row => ({
    subject,
    backend: name,
    measurement: medianBy(runs, ({ tokensPerSecond }) => tokensPerSecond),
    repetitions: runs.map(({ tokensPerSecond }) => tokensPerSecond),
    ...more,
  });
  return [
    row(backend, ours, { comparisons, remarks }),
    ...(stocks.length > 0 ? [row('wasm-stock', stocks, { comparisons: [], remarks: [] })] : []),
  ];
}

/** The comparison of runs that took turns: pair by pair, and the median of the pairs. */
export function compare(
  name: string,
  ours: readonly Speed[],
  others: readonly Speed[],
  differences: readonly string[],
): Comparison {
  const pairs = ours.map(({ tokensPerSecond }, i) => {
    const other = others[i]!.tokensPerSecond;
    return { ours: tokensPerSecond, other, ratio: tokensPerSecond / other };
  });
  const [saved, otherSaved] = [ours[0]!.savedForBackwardBytes, others[0]!.savedForBackwardBytes];
  return {
    name,
    pairs,
    medianRatio: median(pairs.map(({ ratio }) => ratio)),
    savedForBackwardBytes: { ours: saved, other: otherSaved, ratio: saved / otherSaved },
    differences,
  };
}

/** The two models have as many parameters, or it is said. */
function parameterDifference({ parameters }: TrainingMeasurement, peer: PeerMeasurement): string[] {
  if (parameters === BigInt(peer.parameters)) return [];
  return [`it has ${peer.parameters.toLocaleString('en')} parameters, the card ${parameters.toLocaleString('en')}`];
}
