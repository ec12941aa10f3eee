// Attention of one head, once with its whole matrix of weights and once tile by tile (Dao et al. 2022, algorithm 1): the same numbers.

type Rows = readonly Float64Array[];

const rows = (count: number, width: number, phase: number): Rows =>
  Array.from({ length: count }, (_, at) =>
    Float64Array.from({ length: width }, (_, i) => Math.sin(phase + 3 * at + 7 * i)),
  );

const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, at) => sum + value * b[at]!, 0);

/** softmax(q·kᵀ)·v with all weights of all rows in memory. */
function whole(q: Rows, k: Rows, v: Rows): Rows {
  const weights = q.map((query) => {
    const scores = k.map((key) => dot(query, key));
    const largest = Math.max(...scores);
    const exponentials = scores.map((score) => Math.exp(score - largest));
    const sum = exponentials.reduce((total, value) => total + value, 0);
    return exponentials.map((value) => value / sum);
  });
  return weights.map((row) => v[0]!.map((_, i) => row.reduce((total, weight, at) => total + weight * v[at]![i]!, 0)));
}

/** The same with `tile` keys at a time: a running maximum, a running sum and a running result per row. */
function tiled(q: Rows, k: Rows, v: Rows, tile: number): Rows {
  return q.map((query) => {
    let largest = Number.NEGATIVE_INFINITY;
    let sum = 0;
    let result = new Float64Array(v[0]!.length);
    for (let from = 0; from < k.length; from += tile) {
      const scores = k.slice(from, from + tile).map((key) => dot(query, key));
      const next = Math.max(largest, ...scores);
      const shrink = Math.exp(largest - next);
      const exponentials = scores.map((score) => Math.exp(score - next));
      sum = sum * shrink + exponentials.reduce((total, value) => total + value, 0);
      result = result.map(
        (value, i) =>
          value * shrink + exponentials.reduce((total, weight, at) => total + weight * v[from + at]![i]!, 0),
      );
      largest = next;
    }
    return result.map((value) => value / sum);
  });
}

/** The largest difference between the two, and how many scores each holds at once. */
export function compareTiled(sequence: number, headSize: number, tile: number) {
  const [q, k, v] = [1, 2, 3].map((phase) => rows(sequence, headSize, phase)) as [Rows, Rows, Rows];
  const [exact, tiles] = [whole(q, k, v), tiled(q, k, v, tile)];
  const worst = Math.max(...exact.flatMap((row, at) => [...row.map((value, i) => Math.abs(value - tiles[at]![i]!))]));
  return { sequence, worst, scoresWhole: sequence ** 2, scoresTiled: tile };
}
