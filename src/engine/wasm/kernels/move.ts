// Kernels that only move numbers: Transpose, Slice, Concat and SplitV as copies between strided places.
import * as tf from '@tensorflow/tfjs-core';
import { I32 } from '../language.ts';
import { eachVector } from '../loops.ts';
import { type Override, type Runtime, sizeOf } from '../runtime.ts';
import { fold, padRank, stridesOf } from '../shapes.ts';

/** Dimensions that the copy loop counts, the one along the row not among them. */
const copyRank = 4;

const fourBytes = (tensor: tf.TensorInfo) => tensor.dtype === 'float32' || tensor.dtype === 'int32';

/**
 * Copies `shape` elements of four bytes each from one strided place to another.
 * @returns false, with nothing done, if more dimensions are left than the loop counts
 */
function copy(
  runtime: Runtime,
  shape: number[],
  from: number,
  fromStrides: number[],
  to: number,
  toStrides: number[],
): boolean {
  if (sizeOf(shape) === 0) return true;
  let walk = fold(shape, [fromStrides, toStrides]);
  // Rows that are not contiguous are copied as rows of one element.
  if (walk.strides.some((strides) => strides.at(-1) !== 1)) {
    walk = { shape: [...walk.shape, 1], strides: walk.strides.map((strides) => [...strides, 1]) };
  }
  walk = padRank(walk, copyRank + 1);
  if (walk.shape.length > copyRank + 1) return false;
  const row = walk.shape.at(-1)!;
  const outer = walk.shape.slice(0, -1);
  const [source, target] = walk.strides as [number[], number[]];
  runtime.run(
    'copy',
    [from, to, row, ...outer.slice(1), ...source.slice(0, -1), ...target.slice(0, -1)],
    sizeOf(outer),
    row,
  );
  return true;
}

/** The strided copy, and the transposition of matrices in blocks of 4 × 4. */
export const transpose: Override = {
  kernels: [tf.Transpose],
  code(program) {
    program.add(
      'copy',
      'iiiiiiiiiiiiiiii',
      (f, source, target, row, d1, d2, d3, s0, s1, s2, s3, t0, t1, t2, t3, from, to) => {
        const item = f.let(from);
        const [i3, left] = [f.let(I32.of(0)), f.let(I32.of(0))];
        // One turn for every line along the last dimension, so that places are computed once a line.
        f.while(item, to, left, () => {
          f.set(i3, item.rem(d3));
          f.set(left, d3.sub(i3));
          f.set(left, left.min(to.sub(item)));
          const rest = f.let(item.div(d3));
          const i2 = f.let(rest.rem(d2));
          f.set(rest, rest.div(d2));
          const i1 = f.let(rest.rem(d1));
          const i0 = f.let(rest.div(d1));
          const place = (start: I32, strides: I32[]) => {
            const steps = [i0, i1, i2, i3].map((index, axis) => index.mul(strides[axis]!));
            return f.let(start.add(steps.reduce((a, b) => a.add(b)).floats()));
          };
          const input = place(source, [s0, s1, s2, s3]);
          const output = place(target, [t0, t1, t2, t3]);
          f.for(0, left, 1, () => {
            eachVector(f, I32.of(0), row, (offset, lanes) =>
              lanes.store(output.add(offset), lanes.load(input.add(offset))),
            );
            f.set(input, input.add(s3.floats()));
            f.set(output, output.add(t3.floats()));
          });
        });
      },
    );
    // A work item is four rows (the last may be fewer) of one matrix.
    program.add('transpose', 'iiiiiii', (f, source, target, rows, columns, items, from, to) => {
      const sourceRow = f.let(columns.floats());
      const targetRow = f.let(rows.floats());
      f.for(from, to, 1, (item) => {
        const matrix = f.let(item.div(items).mul(rows).mul(sourceRow));
        const row = f.let(item.rem(items).mul(4));
        const input = f.let(source.add(matrix).add(row.mul(sourceRow)));
        const output = f.let(target.add(matrix).add(row.floats()));
        const column = f.let(I32.of(0));
        f.if(row.add(4).le(rows), () => {
          f.while(column, columns.sub(3), 4, () => {
            const line = [0, 1, 2, 3].map((index) => f.let(input.add(sourceRow.mul(index)).loadVector()));
            const [low01, high01] = [
              f.let(line[0]!.shuffle(line[1]!, [0, 4, 1, 5])),
              f.let(line[0]!.shuffle(line[1]!, [2, 6, 3, 7])),
            ];
            const [low23, high23] = [
              f.let(line[2]!.shuffle(line[3]!, [0, 4, 1, 5])),
              f.let(line[2]!.shuffle(line[3]!, [2, 6, 3, 7])),
            ];
            const turned = [low01.shuffle(low23, [0, 1, 4, 5]), low01.shuffle(low23, [2, 3, 6, 7])];
            turned.push(high01.shuffle(high23, [0, 1, 4, 5]), high01.shuffle(high23, [2, 3, 6, 7]));
            for (const [index, value] of turned.entries()) f.store(output.add(targetRow.mul(index)), value);
            f.set(input, input.add(16));
            f.set(output, output.add(targetRow.mul(4)));
          });
        });
        f.while(column, columns, 1, () => {
          f.for(0, f.let(rows.sub(row).min(4)), 1, (index) => {
            f.store(output.add(index.floats()), input.add(index.mul(sourceRow)).load());
          });
          f.set(input, input.add(4));
          f.set(output, output.add(targetRow));
        });
      });
    });
  },
  kernel: (_, runtime, stock) => (call) => {
    const x = call.inputs.x as tf.TensorInfo;
    const { perm } = call.attrs as unknown as tf.TransposeAttrs;
    if (!fourBytes(x)) return stock!(call);
    const shape = perm.map((axis) => x.shape[axis]!);
    const own = stridesOf(x.shape);
    const strides = perm.map((axis) => own[axis]!);
    const walk = fold(shape, [strides]);
    const target = runtime.output(shape, x.dtype as 'float32');
    const [from, to] = [runtime.pointer(x), runtime.pointer(target)];
    const { shape: lengths, strides: steps } = padRank(walk, 3);
    const [batch, columns, rows] = lengths as [number, number, number];
    const [batchStep, columnStep, rowStep] = steps[0] as [number, number, number];
    const matrices = columnStep === 1 && rowStep === columns && (batch === 1 || batchStep === rows * columns);
    if (walk.shape.length <= 3 && matrices) {
      const items = Math.ceil(rows / 4);
      runtime.run('transpose', [from, to, rows, columns, items], batch * items, 4 * columns);
      return target;
    }
    if (copy(runtime, shape, from, strides, to, stridesOf(shape))) return target;
    runtime.backend.disposeData(target.dataId);
    return stock!(call);
  },
};

export const slice: Override = {
  kernels: [tf.Slice],
  kernel: (_, runtime, stock) => (call) => {
    const x = call.inputs.x as tf.TensorInfo;
    const { begin, size } = call.attrs as unknown as tf.SliceAttrs;
    if (!fourBytes(x)) return stock!(call);
    const [start, shape] = tf.slice_util.parseSliceParams(x as tf.Tensor, begin, size) as [number[], number[]];
    tf.slice_util.assertParamsValid(x as tf.Tensor, start, shape);
    const strides = stridesOf(x.shape);
    const target = runtime.output(shape, x.dtype as 'float32');
    const offset = start.reduce((sum, index, axis) => sum + index * strides[axis]!, 0);
    const done = copy(
      runtime,
      shape,
      runtime.pointer(x) + offset * 4,
      strides,
      runtime.pointer(target),
      stridesOf(shape),
    );
    if (done) return target;
    runtime.backend.disposeData(target.dataId);
    return stock!(call);
  },
};

export const concat: Override = {
  kernels: [tf.Concat],
  kernel: (_, runtime, stock) => (call) => {
    const parts = call.inputs as unknown as tf.TensorInfo[];
    const axis = tf.util.parseAxisParam((call.attrs as unknown as tf.ConcatAttrs).axis, parts[0]!.shape)[0]!;
    if (!parts.every((part) => fourBytes(part) && part.dtype === parts[0]!.dtype)) return stock!(call);
    tf.backend_util.assertParamsConsistent(
      parts.map((part) => part.shape),
      axis,
    );
    const shape = tf.backend_util.computeOutShape(
      parts.map((part) => part.shape),
      axis,
    );
    const target = runtime.output(shape, parts[0]!.dtype as 'float32');
    const strides = stridesOf(shape);
    let place = runtime.pointer(target);
    for (const part of parts) {
      // One dimension more than the copy loop counts cannot be left: a part is contiguous but for the one axis.
      copy(runtime, part.shape, runtime.pointer(part), stridesOf(part.shape), place, strides);
      place += part.shape[axis]! * strides[axis]! * 4;
    }
    return target;
  },
};

export const split: Override = {
  kernels: [tf.SplitV],
  kernel: (_, runtime, stock) => (call) => {
    const x = call.inputs.x as tf.TensorInfo;
    const { numOrSizeSplits, axis } = call.attrs as unknown as tf.SplitVAttrs;
    if (!fourBytes(x)) return stock!(call);
    const along = tf.util.parseAxisParam(axis, x.shape)[0]!;
    const strides = stridesOf(x.shape);
    let place = runtime.pointer(x);
    return tf.backend_util.prepareSplitSize(x as tf.Tensor, numOrSizeSplits, along).map((size) => {
      const shape = x.shape.with(along, size);
      const target = runtime.output(shape, x.dtype as 'float32');
      copy(runtime, shape, place, strides, runtime.pointer(target), stridesOf(shape));
      place += size * strides[along]! * 4;
      return target;
    });
  },
};
