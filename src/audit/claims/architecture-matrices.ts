// Plain matrices of numbers: the arithmetic that small checks are made of, in float64 and without any library.
import { normalArray } from '../../engine/random.ts';

/** Rows of numbers, all of one length. */
export type Matrix = readonly (readonly number[])[];

/** Normal numbers with mean 0; the same for the same name. */
export function randomMatrix(name: string, rows: number, columns: number, deviation = 1): Matrix {
  const values = normalArray(1, name, rows * columns, deviation);
  return Array.from({ length: rows }, (_, row) => [...values.subarray(row * columns, (row + 1) * columns)]);
}

export const columnsOf = (x: Matrix): number => x[0]?.length ?? 0;

export const map = (x: Matrix, f: (value: number, row: number, column: number) => number): Matrix =>
  x.map((values, row) => values.map((value, column) => f(value, row, column)));

export const add = (x: Matrix, y: Matrix): Matrix => map(x, (value, row, column) => value + y[row]![column]!);
export const times = (x: Matrix, y: Matrix): Matrix => map(x, (value, row, column) => value * y[row]![column]!);
export const transpose = (x: Matrix): Matrix =>
  Array.from({ length: columnsOf(x) }, (_, at) => x.map((row) => row[at]!));
export const dot = (x: readonly number[], y: readonly number[]): number =>
  x.reduce((sum, value, at) => sum + value * y[at]!, 0);

/** [a, b] × [b, c] → [a, c]. @throws RangeError where the inner sizes differ */
export function product(x: Matrix, y: Matrix): Matrix {
  if (columnsOf(x) !== y.length) {
    throw new RangeError(`[${x.length}, ${columnsOf(x)}] cannot be multiplied by [${y.length}, ${columnsOf(y)}]`);
  }
  const columns = transpose(y);
  return x.map((row) => columns.map((column) => dot(row, column)));
}

/** Columns `from` to `from + count`. */
export const columns = (x: Matrix, from: number, count: number): Matrix =>
  x.map((row) => row.slice(from, from + count));
/** Matrices side by side. */
export const beside = (parts: readonly Matrix[]): Matrix =>
  parts[0]!.map((_, row) => parts.flatMap((part) => part[row]!));
export const sumOf = (parts: readonly Matrix[]): Matrix => parts.reduce(add);

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
export function variance(values: readonly number[]): number {
  const middle = mean(values);
  return mean(values.map((value) => (value - middle) ** 2));
}

/** The largest difference of two matrices; infinite where their shapes differ or a value is not a number. */
export function difference(x: Matrix, y: Matrix): number {
  if (x.length !== y.length || columnsOf(x) !== columnsOf(y)) return Number.POSITIVE_INFINITY;
  const differences = x.flatMap((row, at) => row.map((value, column) => Math.abs(value - y[at]![column]!)));
  return differences.some(Number.isNaN) ? Number.POSITIVE_INFINITY : Math.max(...differences);
}

/** Softmax of every row; −∞ gives 0. */
export function softmax(x: Matrix): Matrix {
  return x.map((row) => {
    const largest = Math.max(...row);
    const powers = row.map((value) => Math.exp(value - largest));
    const total = powers.reduce((sum, value) => sum + value, 0);
    return powers.map((value) => value / total);
  });
}

export const silu = (value: number): number => value / (1 + Math.exp(-value));
/** The derivative of {@link silu}. */
export const siluSlope = (value: number): number => {
  const share = 1 / (1 + Math.exp(-value));
  return share * (1 + value * (1 - share));
};

/** Zero mean and unit variance for every row: over the hidden index where rows are positions. */
export function layerNorm(x: Matrix, epsilon = 1e-5): Matrix {
  return x.map((row) => {
    const [middle, deviation] = [mean(row), Math.sqrt(variance(row) + epsilon)];
    return row.map((value) => (value - middle) / deviation);
  });
}

/** Added to the scores of query s (row) and key s' (column): 0 where attended, −∞ elsewhere. */
export const maskOf = (queries: number, attends: (s: number, key: number) => boolean, keys = queries): Matrix =>
  Array.from({ length: queries }, (_, s) =>
    Array.from({ length: keys }, (_, key) => (attends(s, key) ? 0 : Number.NEGATIVE_INFINITY)),
  );
export const causal = (s: number, key: number): boolean => s >= key;

/** softmax(q·kᵀ/√H + mask)·v of one head. */
export function attend(q: Matrix, k: Matrix, v: Matrix, mask: Matrix): Matrix {
  const scale = 1 / Math.sqrt(columnsOf(q));
  const scores = product(q, transpose(k));
  return product(softmax(map(scores, (score, row, column) => score * scale + mask[row]![column]!)), v);
}

/** The weights of a multi-head attention of width D: all [D, D]. */
export interface AttentionWeights {
  readonly query: Matrix;
  readonly key: Matrix;
  readonly value: Matrix;
  readonly output: Matrix;
}

export const randomAttention = (name: string, hidden: number): AttentionWeights => {
  const weight = (part: string) => randomMatrix(`${name}.${part}`, hidden, hidden, hidden ** -0.5);
  return { query: weight('query'), key: weight('key'), value: weight('value'), output: weight('output') };
};

/** Heads side by side: queries, keys and values [S, heads·H] → [S, heads·H]. */
export function attendHeads(q: Matrix, k: Matrix, v: Matrix, heads: number, mask: Matrix): Matrix {
  const size = columnsOf(q) / heads;
  const part = (x: Matrix, head: number) => columns(x, head * size, size);
  const each = Array.from({ length: heads }, (_, head) => attend(part(q, head), part(k, head), part(v, head), mask));
  return beside(each);
}

/** Multi-head attention, [S, D] → [S, D]. */
export function multiHead(z: Matrix, weights: AttentionWeights, heads: number, mask: Matrix): Matrix {
  const { query, key, value, output } = weights;
  return product(attendHeads(product(z, query), product(z, key), product(z, value), heads, mask), output);
}
