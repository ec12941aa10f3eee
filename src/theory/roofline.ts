// The roofline: how long a piece of work takes at least on a machine, and what holds it back.
import { type ComputePrecision, type HardwareCard, peakOf } from '../cards/hardware.ts';
import { type Count, count, duration, type Measure, measure } from '../terms/quantities.ts';
import { type Term, term } from '../terms/term.ts';
import { checkPositive, checkWhole } from './input.ts';

/** What can hold a piece of work back. */
export const BOUNDS = ['compute', 'memory', 'communication', 'dispatch'] as const;
export type Bound = (typeof BOUNDS)[number];

/** The speeds of one accelerator. */
export interface Machine {
  readonly peak: Measure<'FLOP/s'>;
  readonly bandwidth: Measure<'bytes/s'>;
  /** One way, to the accelerators that it works with. */
  readonly link?: Measure<'bytes/s'>;
  /** What starting one kernel costs, however small its work. */
  readonly dispatch?: Measure<'seconds'>;
}

/** What one accelerator has to do. */
export interface Work {
  readonly flops: Count<'FLOPs'>;
  /** Read from and written to its memory. */
  readonly bytes: Count<'bytes'>;
  /** Sent over its link. */
  readonly sent?: Count<'bytes'>;
  /** Kernels that are started one after the other. */
  readonly kernels?: number;
}

/** A lower bound of time: the largest of its parts, because they run at the same time (decoder-only, footnote 35). */
export interface WorkTime {
  readonly seconds: Measure<'seconds'>;
  readonly bound: Bound;
  readonly parts: Readonly<Record<Bound, Measure<'seconds'>>>;
}

/** The speeds of a card in a precision. @throws UserError where the card has no peak for it */
export function machineOf(hardware: HardwareCard, precision: ComputePrecision): Machine {
  return {
    peak: peakOf(hardware, precision),
    bandwidth: measure('bytes/s', hardware.memoryBandwidth),
    link: measure('bytes/s', hardware.link.bytesPerSecond),
  };
}

/** FLOPs per byte from which on a machine is bound by compute: λ_math = λ_FLOP/s / λ_mem (decoder-only C.1). */
export function ridgePoint({ peak, bandwidth }: Pick<Machine, 'peak' | 'bandwidth'>): number {
  checkPositive('peak of the machine', peak.value);
  checkPositive('memory bandwidth of the machine', bandwidth.value);
  return peak.value / bandwidth.value;
}

/** FLOPs per byte of a piece of work; Infinity where it touches no memory. */
export function intensity({ flops, bytes }: Pick<Work, 'flops' | 'bytes'>): number {
  return flops.value === 0n ? 0 : Number(flops.value) / Number(bytes.value);
}

/** How long `work` takes at least, and why. @throws RangeError where bytes are sent and the machine has no link */
export function timeOf(work: Work, machine: Machine): WorkTime {
  const { sent = count('bytes', 0n), kernels = 0 } = work;
  if (sent.value > 0n && !machine.link) throw new RangeError('Bytes are sent, but the machine has no link.');
  const parts: Record<Bound, Measure<'seconds'>> = {
    compute: duration(work.flops, machine.peak),
    memory: duration(work.bytes, machine.bandwidth),
    communication: machine.link ? duration(sent, machine.link) : measure('seconds', 0),
    dispatch: measure('seconds', kernels * (machine.dispatch?.value ?? 0)),
  };
  const bound = BOUNDS.reduce((slowest, next) => (parts[next].value > parts[slowest].value ? next : slowest));
  return { seconds: parts[bound], bound, parts };
}

/** One product of matrices: [rows, inner] × [inner, columns], `bytesPerElement` each. */
export interface MatrixProduct {
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly bytesPerElement: number;
}

/**
 * What a product of matrices computes and moves when every operand passes memory once. With rows = BS and inner = columns
 * = D the intensity is 2·BSD / p(2BS + D); decoder-only (D.1) prints it without the 2.
 */
export function matrixProductWork(product: MatrixProduct): { flops: Term<'FLOPs'>; bytes: Term<'bytes'> } {
  for (const [name, size] of Object.entries(product)) checkWhole(`${name} of a matrix product`, size);
  const letters = {
    m: BigInt(product.rows),
    k: BigInt(product.inner),
    n: BigInt(product.columns),
    p: BigInt(product.bytesPerElement),
  };
  return {
    flops: term('matmul', 'FLOPs', '2m·k·n', letters, 'decoder-only 3'),
    bytes: term('matmul', 'bytes', 'p(m·k + k·n + m·n)', letters, 'decoder-only D'),
  };
}
