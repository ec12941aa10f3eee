// Rows picked by number, and the reverse: GatherV2, and UnsortedSegmentSum, which is its gradient and which the stock backend lacks.
import * as tf from '@tensorflow/tfjs-core';
import { I32 } from '../language.ts';
import { eachVector } from '../loops.ts';
import { type Override, sizeOf } from '../runtime.ts';

export const gather: Override = {
  kernels: [tf.GatherV2],
  code(program) {
    program.add('gather', 'iiiiii', (f, x, indices, target, row, from, to) => {
      const bytes = f.let(row.floats());
      f.for(from, to, 1, (item) => {
        const source = f.let(x.add(indices.add(item.floats()).load().mul(bytes)));
        const place = f.let(target.add(item.mul(bytes)));
        eachVector(f, I32.of(0), row, (offset, lanes) =>
          lanes.store(place.add(offset), lanes.load(source.add(offset))),
        );
      });
    });
  },
  kernel: (_, runtime, stock) => (call) => {
    const { x, indices } = call.inputs as Record<'x' | 'indices', tf.TensorInfo>;
    const { axis, batchDims } = call.attrs as unknown as tf.GatherV2Attrs;
    const along = tf.util.parseAxisParam(axis, x.shape)[0]!;
    if (along !== 0 || batchDims !== 0 || (x.dtype !== 'float32' && x.dtype !== 'int32') || indices.dtype !== 'int32')
      return stock!(call);
    const rows = x.shape[0]!;
    for (const index of runtime.backend.typedArrayFromHeap(indices)) {
      tf.util.assert(index >= 0 && index < rows, () => `GatherV2: the index ${index} is not in 0 … ${rows - 1}.`);
    }
    const shape = [...indices.shape, ...x.shape.slice(1)];
    const row = sizeOf(x.shape.slice(1));
    const target = runtime.output(shape, x.dtype);
    runtime.run(
      'gather',
      [runtime.pointer(x), runtime.pointer(indices), runtime.pointer(target), row],
      sizeOf(indices.shape),
      row,
    );
    return target;
  },
};

/** Columns that one work item adds up. */
const columnsAtOnce = 16;

/** out[s] = the sum of the rows x[i] with segmentIds[i] = s; a negative or too large number drops the row. */
export const segmentSum: Override = {
  kernels: [tf.UnsortedSegmentSum],
  code(program) {
    program.add('segment-sum', 'iiiiiiii', (f, x, ids, target, count, row, segments, from, to) => {
      const bytes = f.let(row.floats());
      const first = f.let(from.mul(columnsAtOnce));
      const end = f.let(to.mul(columnsAtOnce).min(row));
      f.for(0, segments, 1, (segment) => {
        f.zeroBytes(target.add(segment.mul(bytes)).add(first.floats()), end.sub(first).floats());
      });
      f.for(0, count, 1, (index) => {
        const segment = f.let(ids.add(index.floats()).load());
        f.if(segment.ge(0).and(segment.lt(segments)), () => {
          const source = f.let(x.add(index.mul(bytes)));
          const place = f.let(target.add(segment.mul(bytes)));
          eachVector(f, first, end, (offset, lanes) => {
            lanes.store(place.add(offset), lanes.load(place.add(offset)).add(lanes.load(source.add(offset))));
          });
        });
      });
    });
  },
  kernel: (_, runtime) => (call) => {
    const { x, segmentIds } = call.inputs as Record<'x' | 'segmentIds', tf.TensorInfo>;
    const { numSegments } = call.attrs as unknown as tf.UnsortedSegmentSumAttrs;
    tf.util.assert(
      x.dtype === 'float32' &&
        segmentIds.dtype === 'int32' &&
        tf.util.arraysEqual(segmentIds.shape, x.shape.slice(0, segmentIds.shape.length)),
      () =>
        `UnsortedSegmentSum: the numbers [${segmentIds.shape}] (${segmentIds.dtype}) do not fit the rows [${x.shape}] (${x.dtype}).`,
    );
    const count = sizeOf(segmentIds.shape);
    const rowShape = x.shape.slice(segmentIds.shape.length);
    const row = sizeOf(rowShape);
    const target = runtime.output([numSegments, ...rowShape]);
    const values = [runtime.pointer(x), runtime.pointer(segmentIds), runtime.pointer(target), count, row, numSegments];
    runtime.run('segment-sum', values, Math.ceil(row / columnsAtOnce), (count + numSegments) * columnsAtOnce);
    return target;
  },
};
