// Functions of two floats with broadcasting: Add, Multiply …
import * as tf from '@tensorflow/tfjs-core';
import { I32, type Vector } from '../language.ts';
import { eachVector } from '../loops.ts';
import { type Override, sizeOf } from '../runtime.ts';
import { broadcastStrides, fold, padRank } from '../shapes.ts';

const functions: Record<string, (a: Vector, b: Vector) => Vector> = {
  [tf.Add]: (a, b) => a.add(b),
  [tf.Sub]: (a, b) => a.sub(b),
  [tf.Multiply]: (a, b) => a.mul(b),
  [tf.RealDiv]: (a, b) => a.div(b),
  [tf.Maximum]: (a, b) => a.max(b),
  [tf.Minimum]: (a, b) => a.min(b),
};

/** Which operand runs along the row: both, or one while the other is a single float. */
const mode = { both: 0, onlyB: 1, onlyA: 2 };

export const binary: Override = {
  kernels: Object.keys(functions),
  code(program) {
    for (const [name, apply] of Object.entries(functions)) {
      program.add(`binary.${name}.flat`, 'iiiiii', (f, a, b, target, along, from, to) => {
        const loop = (left: (offset: I32, load: (address: I32) => Vector) => Vector, right: typeof left) =>
          eachVector(f, from, to, (offset, { load, store }) =>
            store(target.add(offset), apply(left(offset, load), right(offset, load))),
          );
        const oneByOne = (operand: I32) => (offset: I32, load: (address: I32) => Vector) => load(operand.add(offset));
        const repeated = (operand: I32) => {
          const value = f.let(operand.loadSplat());
          return () => value;
        };
        f.if(along.eq(mode.both), () => loop(oneByOne(a), oneByOne(b)));
        f.if(along.eq(mode.onlyB), () => loop(repeated(a), oneByOne(b)));
        f.if(along.eq(mode.onlyA), () => loop(oneByOne(a), repeated(b)));
      });
      program.add(`binary.${name}.rows`, 'iiiiiiiii', (f, a, b, target, along, row, stepA, stepB, from, to) => {
        f.for(from, to, 1, (index) => {
          const place = (start: I32, step: I32) => start.add(index.mul(step).floats());
          f.call(`binary.${name}.flat`, place(a, stepA), place(b, stepB), place(target, row), along, I32.of(0), row);
        });
      });
    }
  },
  kernel: (name, runtime, stock) => (call) => {
    const { a, b } = call.inputs as Record<'a' | 'b', tf.TensorInfo>;
    if (a.dtype !== 'float32' || b.dtype !== 'float32') return stock!(call);
    const shape = tf.broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape);
    const target = runtime.output(shape);
    if (sizeOf(shape) === 0) return target;
    const walk = padRank(fold(shape, [broadcastStrides(a.shape, shape), broadcastStrides(b.shape, shape)]), 2);
    const [stridesA, stridesB] = walk.strides as [number[], number[]];
    const [rows, row] = walk.shape.slice(-2) as [number, number];
    const along = stridesA.at(-1) === 0 ? mode.onlyB : stridesB.at(-1) === 0 ? mode.onlyA : mode.both;
    const bytes = rows * row * 4;
    /** Runs the two innermost dimensions for every place in the outer ones. */
    const run = (axis: number, addressA: number, addressB: number, address: number): number => {
      if (axis === walk.shape.length - 2) {
        if (rows === 1) runtime.run(`binary.${name}.flat`, [addressA, addressB, address, along], row, 1, 4);
        else
          runtime.run(
            `binary.${name}.rows`,
            [addressA, addressB, address, along, row, stridesA.at(-2)!, stridesB.at(-2)!],
            rows,
            row,
          );
        return address + bytes;
      }
      for (let index = 0; index < walk.shape[axis]!; index++) {
        address = run(
          axis + 1,
          addressA + index * stridesA[axis]! * 4,
          addressB + index * stridesB[axis]! * 4,
          address,
        );
      }
      return address;
    };
    run(0, runtime.pointer(a), runtime.pointer(b), runtime.pointer(target));
    return target;
  },
};
