// Quantities that carry their unit, so that FLOPs and FLOP/s, or GB and GiB, cannot be mixed up.

/** Every unit that the program counts in. A `byte` count is exact; GB is 10⁹ bytes and GiB is 2³⁰ bytes. */
export type Unit =
  | 'parameters'
  | 'tokens'
  | 'FLOPs'
  | 'bytes'
  | 'seconds'
  | 'FLOP/s'
  | 'bytes/s'
  | 'tokens/s'
  | keyof typeof BYTES_IN;

/** How many bytes the larger units of memory hold. */
export const BYTES_IN = {
  kB: 10n ** 3n,
  MB: 10n ** 6n,
  GB: 10n ** 9n,
  TB: 10n ** 12n,
  KiB: 2n ** 10n,
  MiB: 2n ** 20n,
  GiB: 2n ** 30n,
  TiB: 2n ** 40n,
} as const;

/** An exact count in one unit. */
export interface Count<U extends Unit = Unit> {
  readonly unit: U;
  readonly value: bigint;
}

/** A measured or divided quantity in one unit. */
export interface Measure<U extends Unit = Unit> {
  readonly unit: U;
  readonly value: number;
}

/** An exact count, as in `count('FLOPs', 12n)`. */
export const count = <U extends Unit>(unit: U, value: bigint): Count<U> => ({ unit, value });

/** A measured quantity, as in `measure('seconds', 0.25)`. */
export const measure = <U extends Unit>(unit: U, value: number): Measure<U> => ({ unit, value });

/** The sum of counts, all in the unit that is named (so that the compiler refuses a stranger). */
export function sum<U extends Unit>(unit: U, counts: readonly Count<NoInfer<U>>[]): Count<U> {
  return count(
    unit,
    counts.reduce((total, { value }) => total + value, 0n),
  );
}

/** Bytes in a larger unit: `inUnit(bytes, 'GiB')`. */
export function inUnit<U extends keyof typeof BYTES_IN>(bytes: Count<'bytes'>, unit: U): Measure<U> {
  return measure(unit, Number(bytes.value) / Number(BYTES_IN[unit]));
}

const RATES = { FLOPs: 'FLOP/s', bytes: 'bytes/s', tokens: 'tokens/s' } as const;
type Countable = keyof typeof RATES;
type RateOf<U extends Countable> = (typeof RATES)[U];

/** What was done per second. */
export function rate<U extends Countable>(done: Count<U>, time: Measure<'seconds'>): Measure<RateOf<U>> {
  return measure(RATES[done.unit], Number(done.value) / time.value);
}

/** How long `work` takes at `speed`; the two must be of the same kind. */
export function duration<U extends Countable>(work: Count<U>, speed: Measure<RateOf<NoInfer<U>>>): Measure<'seconds'> {
  return measure('seconds', Number(work.value) / speed.value);
}
