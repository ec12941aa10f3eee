// Round numbers along an axis.

/** A point of a loss curve. */
export interface Point {
  readonly step: number;
  readonly loss: number;
}

/** Round numbers (1, 2 or 5 times a power of ten apart) within [low, high], about `count` of them. */
export function ticks(low: number, high: number, count: number): number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const stride = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!;
  const firstTick = Math.ceil(low / stride - 1e-9);
  const lastTick = Math.floor(high / stride + 1e-9);
  return Array.from({ length: lastTick - firstTick + 1 }, (_, at) =>
    Number(((firstTick + at) * stride).toPrecision(12)),
  );
}

/** Decimals that tell neighbouring ticks apart. */
export function tickDecimals(values: readonly number[]): number {
  const stride = values.length > 1 ? values[1]! - values[0]! : 1;
  return Math.max(0, -Math.floor(Math.log10(stride) + 1e-9));
}

/** The extent of the losses and the floor, a little wider; [0, 1] when there is nothing finite to show. */
export function lossRange(points: readonly Point[], floor?: number): [low: number, high: number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const loss of floor === undefined
    ? points.map((point) => point.loss)
    : [...points.map(({ loss }) => loss), floor]) {
    if (!Number.isFinite(loss)) continue;
    low = Math.min(low, loss);
    high = Math.max(high, loss);
  }
  if (low > high) return [0, 1];
  const margin = high > low ? (high - low) * 0.03 : Math.max(0.05, Math.abs(high) * 0.05);
  return [low - margin, high + margin];
}
