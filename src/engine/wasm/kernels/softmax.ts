// Softmax over the last axis in one pass through memory: each row stays in the first-level cache.
import { Softmax, type SoftmaxAttrs, type TensorInfo } from '@tensorflow/tfjs-core';
import { F32 } from '../language.ts';
import { exponentials, scaleRow } from '../loops.ts';
import { type Override, sizeOf } from '../runtime.ts';

export const softmax: Override = {
  kernels: [Softmax],
  code(program) {
    program.add('softmax', 'iiiii', (f, x, target, size, from, to) => {
      const bytes = f.let(size.floats());
      f.for(from, to, 1, (row) => {
        const source = f.let(x.add(row.mul(bytes)));
        const place = f.let(target.add(row.mul(bytes)));
        const { total } = exponentials(f, source, place, size);
        scaleRow(f, place, size, f.let(F32.of(1).div(total).splat()));
      });
    });
  },
  kernel: (_, runtime, stock) => (call) => {
    const logits = call.inputs.logits as TensorInfo;
    const { dim } = call.attrs as unknown as SoftmaxAttrs;
    if (logits.dtype !== 'float32' || dim !== logits.shape.length - 1) return stock!(call);
    const size = logits.shape[dim]!;
    const target = runtime.output(logits.shape);
    runtime.run(
      'softmax',
      [runtime.pointer(logits), runtime.pointer(target), size],
      size === 0 ? 0 : sizeOf(logits.shape) / size,
      size * 4,
    );
    return target;
  },
};
