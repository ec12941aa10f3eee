// Sum, Mean and Max over neighbouring axes.
import * as tf from '@tensorflow/tfjs-core';
import { type I32, Vector } from '../language.ts';
import { type Fold, foldRow, maximum, sum } from '../loops.ts';
import { type Override, sizeOf } from '../runtime.ts';

const folds: Record<string, Fold> = { [tf.Sum]: sum, [tf.Mean]: sum, [tf.Max]: maximum };

/** Columns that one work item folds together: two cache lines of every row. */
const columnsAtOnce = 32;
/** Rows that are summed before they are added to the total: shorter sums lose fewer digits. */
const rowsAtOnce = 64;

export const reduce: Override = {
  kernels: Object.keys(folds),
  code(program) {
    for (const [name, fold] of Object.entries({ Sum: sum, Max: maximum })) {
      // target[row] = factor · fold of x[row, …].
      program.add(`reduce.${name}.rows`, 'iiifii', (f, x, target, size, factor, from, to) => {
        const bytes = f.let(size.floats());
        f.for(from, to, 1, (row) => {
          const result = foldRow(f, fold, f.let(x.add(row.mul(bytes))), bytes);
          f.store(target.add(row.floats()), result.mul(factor));
        });
      });
      // target[outer, column] = factor · fold over the middle of x[outer, …, column]; a work item is 32 columns (the last may be fewer).
      program.add(`reduce.${name}.columns`, 'iiiifiii', (f, x, target, size, columns, factor, items, from, to) => {
        const rowBytes = f.let(columns.floats());
        const scale = f.let(factor.splat());
        const foldColumns = (
          vectors: number,
          source: I32,
          place: I32,
          load: (address: I32, offset: number) => Vector,
          single: boolean,
        ) => {
          const totals = Array.from({ length: vectors }, () => f.let(Vector.of(fold.neutral)));
          const address = f.let(source);
          f.for(0, size, rowsAtOnce, (start) => {
            const sums = totals.map(() => f.let(Vector.of(fold.neutral)));
            f.for(0, f.let(size.sub(start).min(rowsAtOnce)), 1, () => {
              for (const [index, value] of sums.entries()) f.set(value, fold.vector(value, load(address, index * 16)));
              f.set(address, address.add(rowBytes));
            });
            for (const [index, total] of totals.entries()) f.set(total, fold.vector(total, sums[index]!));
          });
          totals.forEach((total, index) => {
            if (single) f.storeLane(place, total.mul(scale));
            else f.store(place, total.mul(scale), index * 16);
          });
        };
        f.for(from, to, 1, (item) => {
          const outer = f.let(item.div(items));
          const column = f.let(item.rem(items).mul(columnsAtOnce));
          const end = f.let(columns.min(column.add(columnsAtOnce)));
          const source = (at: I32) => x.add(outer.mul(size).mul(rowBytes)).add(at.floats());
          const place = (at: I32) => target.add(outer.mul(rowBytes)).add(at.floats());
          const vector = (address: I32, offset: number) => address.loadVector(offset);
          f.while(column, end.sub(columnsAtOnce - 1), columnsAtOnce, () =>
            foldColumns(8, source(column), place(column), vector, false),
          );
          f.while(column, end.sub(3), 4, () => foldColumns(1, source(column), place(column), vector, false));
          f.while(column, end, 1, () =>
            foldColumns(1, source(column), place(column), (address) => address.loadLane(), true),
          );
        });
      });
    }
  },
  kernel: (name, runtime, stock) => (call) => {
    const x = call.inputs.x as tf.TensorInfo;
    const { axis, keepDims } = call.attrs as unknown as tf.SumAttrs & { reductionIndices?: number[] };
    const given = axis ?? (call.attrs as unknown as tf.MaxAttrs).reductionIndices;
    const axes = tf.util.parseAxisParam(given, x.shape).sort((left, right) => left - right);
    const [first, last] = [axes[0] ?? 0, axes.at(-1) ?? -1];
    // Axes with a gap between them, and integers, are rare: the stock kernel transposes first.
    if (x.dtype !== 'float32' || last - first + 1 !== axes.length || sizeOf(x.shape) === 0) return stock!(call);
    const outer = sizeOf(x.shape.slice(0, first));
    const size = sizeOf(x.shape.slice(first, last + 1));
    const columns = sizeOf(x.shape.slice(last + 1));
    const shape = x.shape.flatMap((length, index) => (axes.includes(index) ? (keepDims ? [1] : []) : [length]));
    const target = runtime.output(shape);
    const factor = name === tf.Mean ? 1 / size : 1;
    const code = name === tf.Max ? 'Max' : 'Sum';
    const addresses = [runtime.pointer(x), runtime.pointer(target), size];
    if (columns === 1) {
      runtime.run(`reduce.${code}.rows`, [...addresses, factor], outer, size);
    } else {
      const items = Math.ceil(columns / columnsAtOnce);
      runtime.run(
        `reduce.${code}.columns`,
        [...addresses, columns, factor, items],
        outer * items,
        size * columnsAtOnce,
      );
    }
    return target;
  },
};
