// Collective communication: what each primitive costs a worker in bytes and steps, through a chief and around a ring.
import type { Letters } from '../terms/formula.ts';
import { type Measure, measure } from '../terms/quantities.ts';
import { type Term, term, totalTerm } from '../terms/term.ts';
import { UserError } from '../terms/user-error.ts';

/** The primitives of decoder-only, appendix B. */
export const COLLECTIVES = ['Broadcast', 'Gather', 'Reduce', 'AllGather', 'AllReduce', 'ReduceScatter'] as const;
export type Collective = (typeof COLLECTIVES)[number];

/** `naive`: everything passes through one chief. `ring`: every worker talks to its two neighbours only. */
export const ALGORITHMS = ['naive', 'ring'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** What one collective costs. Bytes are those of the busiest worker: the chief, or any worker of a ring. */
export interface CollectiveCost {
  readonly collective: Collective;
  readonly algorithm: Algorithm;
  readonly sent: Term<'bytes', 'sent'>;
  readonly received: Term<'bytes', 'received'>;
  /** Bytes over all links together. */
  readonly total: Term<'bytes', 'total'>;
  /** Bytes that follow one another on the slowest link: what divides by the bandwidth. */
  readonly serial: Term<'bytes', 'serial'>;
  /** Messages that wait for one another: what multiplies the latency. */
  readonly steps: bigint;
}

interface CostFormulas {
  readonly sent: string;
  readonly received: string;
  readonly total: string;
  readonly serial: string;
  readonly steps: (workers: bigint) => bigint;
}

const once = () => 1n;
const around = (workers: bigint) => workers - 1n;
const twiceAround = (workers: bigint) => 2n * (workers - 1n);

/** x: bytes of the whole tensor; c: one worker's part of it, x / n rounded up; n: workers. */
const FORMULAS: Readonly<Record<Algorithm, Readonly<Record<Collective, CostFormulas>>>> = {
  naive: {
    Broadcast: { sent: '(n − 1)x', received: 'x', total: '(n − 1)x', serial: '(n − 1)x', steps: once },
    Gather: { sent: 'c', received: '(n − 1)c', total: '(n − 1)c', serial: '(n − 1)c', steps: once },
    Reduce: { sent: 'x', received: '(n − 1)x', total: '(n − 1)x', serial: '(n − 1)x', steps: once },
    AllGather: {
      sent: '(n − 1)n·c',
      received: '(n − 1)c',
      total: '(n − 1)(c + n·c)',
      serial: '(n − 1)(c + n·c)',
      steps: () => 2n,
    },
    AllReduce: {
      sent: '(n − 1)x',
      received: '(n − 1)x',
      total: '2(n − 1)x',
      serial: '2(n − 1)x',
      steps: () => 2n,
    },
    ReduceScatter: {
      sent: '(n − 1)c',
      received: '(n − 1)x',
      total: '(n − 1)(x + c)',
      serial: '(n − 1)(x + c)',
      steps: () => 2n,
    },
  },
  ring: {
    Broadcast: { sent: 'n·c', received: 'n·c', total: '(n − 1)n·c', serial: '2(n − 1)c', steps: twiceAround },
    Gather: { sent: '(n − 1)c', received: '(n − 1)c', total: 'n(n − 1)c/2', serial: '(n − 1)c', steps: around },
    Reduce: { sent: 'n·c', received: 'n·c', total: '(n − 1)n·c', serial: '2(n − 1)c', steps: twiceAround },
    AllGather: {
      sent: '(n − 1)c',
      received: '(n − 1)c',
      total: 'n(n − 1)c',
      serial: '(n − 1)c',
      steps: around,
    },
    AllReduce: {
      sent: '2(n − 1)c',
      received: '2(n − 1)c',
      total: '2n(n − 1)c',
      serial: '2(n − 1)c',
      steps: twiceAround,
    },
    ReduceScatter: {
      sent: '(n − 1)c',
      received: '(n − 1)c',
      total: 'n(n − 1)c',
      serial: '(n − 1)c',
      steps: around,
    },
  },
};

const SOURCES: Readonly<Record<Algorithm, string>> = {
  naive: 'decoder-only B, through the chief',
  ring: 'decoder-only B, footnote 34; Patarasuk and Yuan 2009',
};

/** Whole numbers of workers and bytes. @throws UserError */
function checkGroup(workers: number, bytes: bigint): void {
  if (!Number.isSafeInteger(workers) || workers < 1) {
    throw new UserError(`A collective of ${workers} workers is not possible; it needs a whole number of at least 1.`);
  }
  if (bytes < 0n) throw new UserError(`A collective over ${bytes} bytes is not possible; give 0 bytes or more.`);
}

/**
 * The cost of one collective over a tensor of `bytes` in all (what a worker holds before a Reduce, AllReduce, ReduceScatter
 * or Broadcast; what it holds after a Gather or AllGather). A ring works on parts of ⌈x/n⌉ bytes. One worker sends nothing.
 * @throws UserError for a number of workers or bytes that is not one
 */
export function collectiveCost(
  collective: Collective,
  algorithm: Algorithm,
  workers: number,
  bytes: bigint,
): CollectiveCost {
  checkGroup(workers, bytes);
  const n = BigInt(workers);
  const alone = workers === 1;
  const letters: Letters = { n, x: bytes, c: (bytes + n - 1n) / n };
  const formulas = FORMULAS[algorithm][collective];
  const source = SOURCES[algorithm];
  const cost = <Id extends string>(id: Id, formula: string) =>
    term(id, 'bytes', alone ? '0' : formula, letters, alone ? 'one worker needs no communication' : source);
  const common = {
    collective,
    algorithm,
    received: cost('received', formulas.received),
    total: cost('total', formulas.total),
    serial: cost('serial', formulas.serial),
    steps: alone ? 0n : formulas.steps(n),
  };
  if (algorithm !== 'ring' || collective !== 'AllReduce' || alone) {
    return { ...common, sent: cost('sent', formulas.sent) };
  }
  const halves = (['ReduceScatter', 'AllGather'] as const).map(
    (half) => collectiveCost(half, 'ring', workers, bytes).sent,
  );
  return { ...common, sent: totalTerm('sent', halves, 'bytes', formulas.sent, letters, source) };
}

/** A connection: bytes per second one way, and the seconds until the first byte arrives. */
export interface Connection {
  readonly bytesPerSecond: number;
  readonly latencySeconds?: number;
}

/** How long a collective takes over links of one kind that work in both directions at once: bytes / λ + steps · latency. */
export function collectiveTime(cost: CollectiveCost, { bytesPerSecond, latencySeconds = 0 }: Connection) {
  return transferTime(cost.serial.value, bytesPerSecond, Number(cost.steps) * latencySeconds);
}

/** Bytes that follow one another on a link. */
export function transferTime(bytes: bigint, bytesPerSecond: number, latency = 0): Measure<'seconds'> {
  if (!(bytesPerSecond > 0)) {
    throw new UserError(`A link of ${bytesPerSecond} bytes/s carries nothing; give a number above 0.`);
  }
  return measure('seconds', Number(bytes) / bytesPerSecond + latency);
}
