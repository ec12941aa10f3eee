// The few statistics that timings need.

/** The middle value; the mean of the two middle ones where their number is even. @throws for an empty list */
export function median(values: readonly number[]): number {
  const sorted = sort(values);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** The element whose `size` is in the middle; of two middle ones the smaller. @throws for an empty list */
export function medianBy<T>(items: readonly T[], size: (item: T) => number): T {
  if (items.length === 0) throw new Error('There is no median of nothing.');
  return items.toSorted((a, b) => size(a) - size(b))[Math.floor((items.length - 1) / 2)]!;
}

function sort(values: readonly number[]): number[] {
  if (values.length === 0) throw new Error('There is no median of nothing.');
  return values.toSorted((a, b) => a - b);
}
