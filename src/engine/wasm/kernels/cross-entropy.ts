// Cross-entropy with its gradient: each row of logits is read once and stays in the cache until its gradient is written.
import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { crossEntropyKernel } from '../../../kernels/cross-entropy.ts';
import { F32 } from '../language.ts';
import { exponentials, scaleRow } from '../loops.ts';
import { log } from '../math.ts';
import { type Override, sizeOf } from '../runtime.ts';

export const crossEntropy: Override = {
  kernels: [crossEntropyKernel.name],
  code(program) {
    program.add('cross-entropy', 'iiiiiii', (f, logits, labels, losses, gradient, size, from, to) => {
      const bytes = f.let(size.floats());
      f.for(from, to, 1, (row) => {
        const source = f.let(logits.add(row.mul(bytes)));
        const place = f.let(gradient.add(row.mul(bytes)));
        const { most, total } = exponentials(f, source, place, size);
        scaleRow(f, place, size, f.let(F32.of(1).div(total).splat()));
        const label = f.let(labels.add(row.floats()).load().floats());
        f.storeLane(losses.add(row.floats()), log(f, total.splat()).add(most).sub(source.add(label).loadLane()));
        f.store(place.add(label), place.add(label).loadF32().sub(1));
      });
    });
  },
  kernel: (_, runtime) => (call) => {
    const { logits, labels } = call.inputs as Record<'logits' | 'labels', TensorInfo>;
    const [rows, size] = [sizeOf(labels.shape), logits.shape.at(-1)!];
    for (const label of runtime.backend.typedArrayFromHeap(labels)) {
      util.assert(label >= 0 && label < size, () => `The label ${label} is not in 0 … ${size - 1}.`);
    }
    const targets = [runtime.output([rows]), runtime.output(logits.shape)];
    const addresses = [logits, labels, ...targets].map((tensor) => runtime.pointer(tensor));
    runtime.run('cross-entropy', [...addresses, size], rows, size * 4);
    return targets;
  },
};
