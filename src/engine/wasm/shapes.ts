// Shapes and strides: folding many dimensions into the few that a loop needs.

/** Row-major strides of a shape, in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

/** Strides with which an operand is read so that it fills `target` by broadcasting: 0 where it repeats. */
export function broadcastStrides(shape: readonly number[], target: readonly number[]): number[] {
  const own = stridesOf(shape);
  const missing = target.length - shape.length;
  return target.map((_, axis) => (axis < missing || shape[axis - missing] === 1 ? 0 : own[axis - missing]!));
}

export interface Folded {
  shape: number[];
  /** One list of strides for each operand. */
  strides: number[][];
}

/** The same walk over memory with the fewest dimensions: those of size 1 are dropped, neighbours that follow one another in every operand become one. */
export function fold(shape: readonly number[], strides: readonly (readonly number[])[]): Folded {
  const folded: Folded = { shape: [], strides: strides.map(() => []) };
  shape.forEach((size, axis) => {
    if (size === 1) return;
    const last = folded.shape.length - 1;
    const follows = last >= 0 && strides.every((own, operand) => folded.strides[operand]![last] === own[axis]! * size);
    if (follows) folded.shape[last]! *= size;
    else folded.shape.push(size);
    strides.forEach((own, operand) => {
      folded.strides[operand]![follows ? last : last + 1] = own[axis]!;
    });
  });
  return folded;
}

/** Puts dimensions of size 1 in front until there are `rank`. */
export function padRank({ shape, strides }: Folded, rank: number): Folded {
  const missing = Math.max(0, rank - shape.length);
  const front = (values: readonly number[], value: number) => [...new Array<number>(missing).fill(value), ...values];
  return { shape: front(shape, 1), strides: strides.map((own) => front(own, 0)) };
}
