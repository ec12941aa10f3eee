// Kernels that change no number: Identity and a Cast to the same type share the memory of their input (the stock ones copy it).
import { Cast, type CastAttrs, Identity, type TensorInfo } from '@tensorflow/tfjs-core';
import type { Override } from '../runtime.ts';

export const identity: Override = {
  kernels: [Identity],
  kernel: (_, runtime, stock) => (call) => {
    const x = call.inputs.x as TensorInfo;
    return x.dtype === 'string' ? stock!(call) : runtime.alias(x);
  },
};

/** Also corrects the stock cast to bool, which makes 0.5 false. */
export const cast: Override = {
  kernels: [Cast],
  kernel: (_, runtime, stock) => (call) => {
    const x = call.inputs.x as TensorInfo;
    const { dtype } = call.attrs as unknown as CastAttrs;
    if (x.dtype === dtype) return runtime.alias(x);
    if (dtype !== 'bool') return stock!(call);
    const target = runtime.output(x.shape, 'bool');
    const from = runtime.backend.typedArrayFromHeap(x);
    const to = runtime.backend.typedArrayFromHeap(target);
    for (let index = 0; index < from.length; index++) to[index] = from[index] === 0 ? 0 : 1;
    return target;
  },
};
