// Products of very few rows, as in decoding token by token: the right operand is read once, in place, because packing it would cost more than the product.
import { I32, type Program, Vector } from '../language.ts';
import { eachVector } from '../loops.ts';

/** Rows up to which this is faster than packing. */
export const mostRows = 4;
/** Columns of one work item. */
export const itemColumns = 256;

/**
 * Adds `matvec`: a work item is 256 columns (the last may be fewer) of one row of one matrix of the batch.
 * Parameters: addresses of a [batch, M, K], b and the target; M, N, K; whether b is transposed; floats from one matrix of the batch to the next in a and b; from, to.
 */
export function matvecCode(program: Program): void {
  // target[column] = Σ a[k]·b[k, column]: the target stays in the cache while four rows of b are added to it at a time.
  program.add('matvec.along', 'iiiiii', (f, row, b, target, depth, stride, columns) => {
    const rowBytes = f.let(stride.floats());
    f.zeroBytes(target, columns.floats());
    const addRows = (count: number) => {
      const factors = Array.from({ length: count }, (_, index) => f.let(row.loadSplat(index * 4)));
      const sources = factors.map((_, index) => f.let(b.add(rowBytes.mul(index))));
      eachVector(f, I32.of(0), columns, (offset, { load, store }) => {
        const sum = f.let(load(target.add(offset)));
        for (const [index, factor] of factors.entries())
          f.set(sum, f.multiplyAdd(load(sources[index]!.add(offset)), factor, sum));
        store(target.add(offset), sum);
      });
      f.set(row, row.add(count * 4));
      f.set(b, b.add(rowBytes.mul(count)));
    };
    const k = f.let(I32.of(0));
    f.while(k, depth.sub(3), 4, () => addRows(4));
    f.while(k, depth, 1, () => addRows(1));
  });
  // target[column] = Σ a[k]·b[column, k]: one dot product for each column.
  program.add('matvec.across', 'iiiii', (f, row, b, target, depth, columns) => {
    const bytes = f.let(depth.floats());
    f.for(0, columns, 1, (column) => {
      const other = f.let(b.add(column.mul(bytes)));
      const sums = Array.from({ length: 4 }, () => f.let(Vector.of(0)));
      const offset = f.let(I32.of(0));
      const step = (sum: (typeof sums)[0], at: number) =>
        f.set(sum, f.multiplyAdd(row.add(offset).loadVector(at), other.add(offset).loadVector(at), sum));
      f.while(offset, bytes.sub(60), 64, () => {
        for (const [index, sum] of sums.entries()) step(sum, index * 16);
      });
      f.while(offset, bytes.sub(12), 16, () => step(sums[0]!, 0));
      const all = f.let(sums[0]!.add(sums[1]!).add(sums[2]!.add(sums[3]!)));
      const result = f.let(
        all
          .lane(0)
          .add(all.lane(1))
          .add(all.lane(2).add(all.lane(3))),
      );
      f.while(offset, bytes, 4, () =>
        f.set(result, result.add(row.add(offset).loadF32().mul(other.add(offset).loadF32()))),
      );
      f.store(target.add(column.floats()), result);
    });
  });
  program.add('matvec', 'iiiiiiiiiii', (f, a, b, target, m, n, k, transposeB, batchA, batchB, from, to) => {
    const items = f.let(n.add(itemColumns - 1).div(itemColumns));
    f.for(from, to, 1, (item) => {
      const column = f.let(item.rem(items).mul(itemColumns));
      const line = f.let(item.div(items));
      const batch = f.let(line.div(m));
      const row = f.let(a.add(batch.mul(batchA).add(line.rem(m).mul(k)).floats()));
      const matrix = f.let(b.add(batch.mul(batchB).floats()));
      const place = f.let(target.add(line.mul(n).add(column).floats()));
      const columns = f.let(n.sub(column).min(itemColumns));
      f.if(
        transposeB,
        () => f.call('matvec.across', row, matrix.add(column.mul(k).floats()), place, k, columns),
        () => f.call('matvec.along', row, matrix.add(column.floats()), place, k, n, columns),
      );
    });
  });
}
