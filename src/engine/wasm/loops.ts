// Loops over floats in memory, four at a time, and one at a time for what is left over.
import { type Body, F32, I32, type Variable, Vector } from './language.ts';
import { exp } from './math.ts';

/** How the body of a loop reads and writes: whole vectors, or one float in lane 0. */
export interface Lanes {
  load(address: I32): Vector;
  store(address: I32, value: Vector): void;
  /** Whether it is one float. */
  single: boolean;
}

/** Runs the statements for the floats from … to; `offset` is the place of the first, in bytes. The statements are written twice into the code. */
export function eachVector(
  f: Body,
  from: I32,
  to: I32,
  statements: (offset: Variable<I32>, lanes: Lanes) => void,
): void {
  const offset = f.let(from.floats());
  const end = f.let(to.floats());
  f.while(offset, end.sub(12), 16, () =>
    statements(offset, {
      load: (address) => address.loadVector(),
      store: (address, value) => f.store(address, value),
      single: false,
    }),
  );
  f.while(offset, end, 4, () =>
    statements(offset, {
      load: (address) => address.loadLane(),
      store: (address, value) => f.storeLane(address, value),
      single: true,
    }),
  );
}

/** How to fold many floats into one. */
export interface Fold {
  /** What changes nothing. */
  neutral: number;
  vector(sum: Vector, value: Vector): Vector;
  scalar(sum: F32, value: F32): F32;
}

export const sum: Fold = { neutral: 0, vector: (a, b) => a.add(b), scalar: (a, b) => a.add(b) };
export const maximum: Fold = { neutral: -Infinity, vector: (a, b) => a.max(b), scalar: (a, b) => a.max(b) };

/** The maximum of a row in which a NaN need not be noticed, because what follows meets it anyway: one instruction instead of many. */
export const largest: Fold = { ...maximum, vector: (a, b) => a.pmax(b) };

/** Folds the floats of one row of `bytes` bytes at `address`; `map` changes each before it is folded. */
export function foldRow(
  f: Body,
  fold: Fold,
  address: I32,
  bytes: I32,
  map: (value: Vector) => Vector = (value) => value,
): Variable<F32> {
  const neutral = Vector.of(fold.neutral);
  // Four chains, so that one addition need not wait for the one before.
  const chains = [f.let(neutral), f.let(neutral), f.let(neutral), f.let(neutral)] as const;
  const offset = f.let(I32.of(0));
  f.while(offset, bytes.sub(60), 64, () => {
    for (const [index, chain] of chains.entries())
      f.set(chain, fold.vector(chain, map(address.add(offset).loadVector(index * 16))));
  });
  f.while(offset, bytes.sub(12), 16, () =>
    f.set(chains[0], fold.vector(chains[0], map(address.add(offset).loadVector()))),
  );
  const all = f.let(fold.vector(fold.vector(chains[0], chains[1]), fold.vector(chains[2], chains[3])));
  const result = f.let(fold.scalar(fold.scalar(all.lane(0), all.lane(1)), fold.scalar(all.lane(2), all.lane(3))));
  f.while(offset, bytes, 4, () => f.set(result, fold.scalar(result, map(address.add(offset).loadLane()).lane(0))));
  return result;
}

/**
 * Writes e^(x − largest) of one row and returns the largest x and the sum of what was written: the first half of a softmax.
 * @param size floats in the row
 */
export function exponentials(
  f: Body,
  source: I32,
  target: I32,
  size: I32,
): { most: Variable<Vector>; total: Variable<F32> } {
  const most = f.let(foldRow(f, largest, source, size.floats()).splat());
  const total = f.let(Vector.of(0));
  // A lane that holds no float would add e⁰: only the one that does is added.
  const rest = f.let(F32.of(0));
  eachVector(f, I32.of(0), size, (offset, { load, store, single }) => {
    const power = f.let(exp(f, load(source.add(offset)).sub(most)));
    store(target.add(offset), power);
    if (single) f.set(rest, rest.add(power.lane(0)));
    else f.set(total, total.add(power));
  });
  f.set(
    rest,
    rest.add(
      total
        .lane(0)
        .add(total.lane(1))
        .add(total.lane(2).add(total.lane(3))),
    ),
  );
  return { most, total: rest };
}

/** Multiplies a row in place. */
export function scaleRow(f: Body, row: I32, size: I32, factor: Vector): void {
  eachVector(f, I32.of(0), size, (offset, { load, store }) =>
    store(row.add(offset), load(row.add(offset)).mul(factor)),
  );
}
