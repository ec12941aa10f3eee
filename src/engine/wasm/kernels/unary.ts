// Functions of one float: Exp, Tanh, Sqrt …, in vector instructions and on all threads.
import * as tf from '@tensorflow/tfjs-core';
import { type Body, Vector } from '../language.ts';
import { eachVector } from '../loops.ts';
import { erf, exp, log, sigmoid, tanh } from '../math.ts';
import { type Override, sizeOf } from '../runtime.ts';

const functions: Record<string, (f: Body, x: Vector) => Vector> = {
  [tf.Abs]: (_, x) => x.abs(),
  [tf.Erf]: erf,
  [tf.Exp]: exp,
  [tf.Log]: log,
  [tf.Neg]: (_, x) => x.neg(),
  [tf.Reciprocal]: (_, x) => Vector.of(1).div(x),
  [tf.Relu]: (_, x) => x.max(0),
  [tf.Rsqrt]: (_, x) => Vector.of(1).div(x.sqrt()),
  [tf.Sigmoid]: sigmoid,
  [tf.Sqrt]: (_, x) => x.sqrt(),
  [tf.Square]: (f, x) => {
    const value = f.let(x);
    return value.mul(value);
  },
  [tf.Tanh]: tanh,
};

export const unary: Override = {
  kernels: Object.keys(functions),
  code(program) {
    for (const [name, apply] of Object.entries(functions)) {
      program.add(`unary.${name}`, 'iiii', (f, x, target, from, to) => {
        eachVector(f, from, to, (offset, lanes) =>
          lanes.store(target.add(offset), apply(f, lanes.load(x.add(offset)))),
        );
      });
    }
  },
  kernel: (name, runtime, stock) => (call) => {
    const x = call.inputs.x as tf.TensorInfo;
    if (x.dtype !== 'float32') return stock!(call);
    const target = runtime.output(x.shape);
    runtime.run(`unary.${name}`, [runtime.pointer(x), runtime.pointer(target)], sizeOf(x.shape), 2, 4);
    return target;
  },
};

/** ClipByValue: NaN stays NaN. */
export const clip: Override = {
  kernels: [tf.ClipByValue],
  code(program) {
    program.add('clip', 'iiffii', (f, x, target, least, most, from, to) => {
      const [low, high] = [f.let(least.splat()), f.let(most.splat())];
      eachVector(f, from, to, (offset, lanes) =>
        lanes.store(target.add(offset), lanes.load(x.add(offset)).max(low).min(high)),
      );
    });
  },
  kernel: (_, runtime, stock) => (call) => {
    const x = call.inputs.x as tf.TensorInfo;
    if (x.dtype !== 'float32') return stock!(call);
    const { clipValueMin, clipValueMax } = call.attrs as unknown as tf.ClipByValueAttrs;
    const target = runtime.output(x.shape);
    runtime.run(
      'clip',
      [runtime.pointer(x), runtime.pointer(target), clipValueMin, clipValueMax],
      sizeOf(x.shape),
      1,
      4,
    );
    return target;
  },
};
