// The backward pass: bit-equal to tfjs's own, with less alive at the peak, and nothing left behind, whatever fails.
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { Transformer } from '../../src/architectures/transformer.ts';
import { valueAndGradients } from '../../src/engine/backward.ts';
import { differentiable } from '../../src/engine/differentiable.ts';
import { multiply } from '../../src/kernels/elementwise.ts';
import { residual } from '../../src/ops/residual.ts';
import { alive, leavesNothing, onEveryBackend, onFastBackend } from '../support/backend.ts';
import { randomBatch, variants, withDropout } from '../support/models.ts';

const bits = (tensors: readonly tf.Tensor[]) => tensors.map((tensor) => tensor.dataSync());

/** The loss of a batch as a function, its ids and labels owned by the enclosing tidy. */
function lossOf(model: Transformer): () => tf.Scalar {
  const { inputs, labels, rows, length } = randomBatch(model.card, 2, 6);
  const tokens = { ids: tf.tensor1d(inputs, 'int32'), batch: rows, sequence: length };
  const labelTensor = tf.tensor1d(labels, 'int32');
  return () => model.loss(tokens, labelTensor, { dropout: { seed: 1, step: 1 } }) as tf.Scalar;
}

onEveryBackend(() => {
  it.each(Object.entries(variants))('%s: loss and gradients equal those of tf.variableGrads bit for bit', (_, card) =>
    leavesNothing(() => {
      const model = new Transformer(withDropout(card), 2);
      tf.tidy(() => {
        const loss = lossOf(model);
        const theirs = tf.variableGrads(loss, model.variables());
        const ours = valueAndGradients(loss, model.variables());
        expect(bits([ours.value])).toEqual(bits([theirs.value]));
        const named = model.variables().map(({ name }) => theirs.grads[name]!);
        expect(bits(ours.gradients)).toEqual(bits(named));
        expect(ours.gradients.map(({ shape }) => shape)).toEqual(model.variables().map(({ shape }) => shape));
      });
      model.dispose();
    }),
  );

  it('equals tf.grads on a function of tfjs’s own ops with several outputs, broadcasting and reuse', () => {
    const f = (x: tf.Tensor, y: tf.Tensor) => {
      const [left, right] = tf.split(tf.tanh(tf.add(tf.mul(x, y), y)), 2, 1) as [tf.Tensor, tf.Tensor];
      const sums = tf.sum(tf.mul(tf.mul(left, left), tf.sub(tf.sum(x), 2)));
      return tf.add(sums, tf.mean(tf.exp(right))) as tf.Scalar;
    };
    tf.tidy(() => {
      const xs = [tf.tile(tf.tensor2d([[1, -2, 0.5, 3]]), [3, 1]), tf.tensor1d([0.1, 0.2, 0.3, 0.4])];
      const { gradients } = valueAndGradients(() => f(xs[0]!, xs[1]!), xs);
      expect(bits(gradients)).toEqual(bits(tf.grads(f)(xs)));
    });
  });
});

describe('on one backend', () => {
  onFastBackend(() => {
    it('leaves value and gradients alive outside a tidy, and to the tidy inside one', () => {
      const x = tf.scalar(3);
      const before = alive();
      const { value, gradients } = valueAndGradients(() => tf.square(x), [x]);
      expect([value.dataSync()[0], gradients[0]!.dataSync()[0]]).toEqual([9, 6]);
      expect(alive().tensors).toBe(before.tensors + 2);
      tf.dispose([value, gradients]);
      expect(alive()).toEqual(before);
      tf.tidy(() => {
        valueAndGradients(() => tf.square(x), [x]);
      });
      expect(alive()).toEqual(before);
      x.dispose();
    });

    it('nests: a gradient inside a function that is differentiated, and inside tf.grads', () => {
      tf.tidy(() => {
        const x = tf.scalar(2);
        const inner = () => {
          const { value, gradients } = valueAndGradients(() => tf.pow(x, 3), [x]);
          value.dispose();
          return gradients[0]!;
        };
        const outer = valueAndGradients(() => tf.mul(tf.square(x), inner()), [x]);
        // The inner gradient, 3x² = 12, counts as a constant: d(12x²)/dx = 24x.
        expect([outer.value.dataSync()[0], outer.gradients[0]!.dataSync()[0]]).toEqual([48, 48]);
        const theirs = tf.grad((x: tf.Tensor) => tf.mul(tf.square(x), inner()))(x);
        expect(theirs.dataSync()[0]).toBe(48);
      });
    });

    it('records nothing after it ended', () => {
      const x = tf.scalar(2);
      tf.dispose([valueAndGradients(() => tf.square(x), [x])].flatMap(({ value, gradients }) => [value, ...gradients]));
      const before = alive();
      differentiable([x], {
        term: 'residual',
        forward: (save) => {
          save(x);
          return multiply(x, x);
        },
        backward: () => [],
      }).dispose();
      expect(alive()).toEqual(before);
      x.dispose();
    });

    it('says which input does not influence the value, and disposes the value', () => {
      const [x, y] = [tf.scalar(2), tf.ones([4, 5])];
      const before = alive();
      expect(() => valueAndGradients(() => tf.square(x), [x, y])).toThrow(
        /does not depend on input 1 of shape \[4,5\]/,
      );
      expect(alive()).toEqual(before);
      // A value that f did not make is not ours to dispose.
      expect(() => valueAndGradients(() => x as tf.Scalar, [y])).toThrow('input 0');
      expect(x.isDisposed).toBe(false);
      tf.dispose([x, y]);
    });

    it('lets a rule hand on its dy, one tensor twice, a saved tensor or one of somebody else', () => {
      const factor = tf.scalar(7);
      const rule = (gradients: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.Tensor[]) =>
        tf.customGrad((...args: unknown[]) => {
          const [a, b, save] = args as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
          save([a]);
          return { value: tf.add(a, b), gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => gradients(dy, saved) };
        }) as unknown as (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;
      const rules = {
        dy: rule((dy) => [dy, dy]),
        twice: rule((dy) => Array(2).fill(tf.mul(dy, 2)) as tf.Tensor[]),
        saved: rule((_, [a]) => [a!, a!]),
        foreign: rule(() => [factor, factor]),
      };
      for (const op of Object.values(rules)) {
        tf.tidy(() => {
          const xs = [tf.scalar(3), tf.scalar(4)];
          const f = (x: tf.Tensor, y: tf.Tensor) => op(op(x, y), tf.mul(x, y)) as tf.Scalar;
          const ours = valueAndGradients(() => f(xs[0]!, xs[1]!), xs);
          expect(bits(ours.gradients)).toEqual(bits(tf.grads(f)(xs)));
        });
      }
      expect(factor.isDisposed).toBe(false);
      factor.dispose();
    });

    it.each([
      ['in the middle of forward', 'forward'],
      ['in a gradient', 'backward'],
      ['after the last op of forward', 'after'],
    ])('leaves nothing when something fails %s', (_, where) =>
      leavesNothing(() => {
        const model = new Transformer(withDropout(variants.llama3!), 2);
        const fail = (now: string) => {
          if (now === where) throw new Error(`failed in ${where}`);
        };
        const fragile = (x: tf.Tensor) =>
          differentiable([x], {
            term: 'residual',
            forward: (save) => {
              const y = multiply(x, x);
              fail('forward');
              save(x);
              return y;
            },
            backward: (dy, [x]) => {
              const slope = multiply(dy, x!);
              fail('backward');
              return [slope];
            },
          });
        tf.tidy(() => {
          const loss = lossOf(model);
          loss().dispose(); // makes the model's constants
          const before = alive();
          // The fragile op stands in the middle: the model runs before it and once more after it.
          const f = () => {
            const result = tf.add(fragile(loss()), loss());
            fail('after');
            return result;
          };
          expect(() => valueAndGradients(f, model.variables())).toThrow(`failed in ${where}`);
          expect(alive()).toEqual(before);
          expect(() => valueAndGradients(loss, model.variables())).not.toThrow();
        });
        model.dispose();
      }),
    );

    /** x², which notes how much is alive whenever its gradient is computed. */
    const noting = (live: number[]) => (x: tf.Tensor) =>
      differentiable([x], {
        term: 'residual',
        forward: (save) => {
          const y = multiply(x, x);
          save(x);
          return y;
        },
        backward: (dy, [x]) => {
          live.push(tf.memory().numTensors);
          return [multiply(dy, x!)];
        },
      });

    it('releases what a node saved as soon as the node was used', () => {
      const live: number[] = [];
      tf.tidy(() => {
        const x = tf.scalar(1);
        const square = noting(live);
        valueAndGradients(() => square(square(square(square(square(x))))) as tf.Scalar, [x]);
      });
      // Each node frees what it saved; its gradient takes the place of the one that it was given.
      expect(live.map((count) => count - live[0]!)).toEqual([0, -1, -2, -3, -4]);
    });

    it('holds one sum, not every part, of a gradient that comes from many places', () => {
      const live: number[] = [];
      tf.tidy(() => {
        const x = tf.scalar(1);
        const square = noting(live);
        valueAndGradients(() => {
          let sum = square(x);
          for (let i = 0; i < 5; i++) sum = residual(sum, square(x));
          return sum as tf.Scalar;
        }, [x]);
      });
      expect(live).toHaveLength(6);
      // After the first part there is one sum; from then on each node frees what it saved.
      expect(live.slice(1).map((count) => count - live[1]!)).toEqual([0, -1, -2, -3, -5]);
    });

    it('has a lower peak of live bytes than tf.variableGrads, buffers counted once', () => {
      const model = new Transformer({ ...variants.gpt!, layers: 6 }, 2);
      const [ours, theirs] = tf.tidy(() => {
        const loss = lossOf(model);
        const grads = () => tf.dispose(Object.values(tf.variableGrads(loss, model.variables()).grads));
        const own = () => tf.dispose(valueAndGradients(loss, model.variables()).gradients);
        own();
        return [peakBytes(own), peakBytes(grads)] as const;
      }) as unknown as [number, number];
      expect(ours).toBeGreaterThan(0);
      expect(ours).toBeLessThan(0.3 * theirs);
      model.dispose();
    });
  });
});

/** The most bytes of new buffers alive at one time while `body` runs; several handles on a buffer count once. */
function peakBytes(body: () => void): number {
  type Hook = (tensor: tf.Tensor, ...rest: unknown[]) => unknown;
  const engine = tf.engine() as unknown as Record<'trackTensor' | 'disposeTensor', Hook>;
  const { trackTensor, disposeTensor } = engine;
  const handles = new Map<object, number>();
  let [now, peak] = [0, 0];
  engine.trackTensor = (tensor, ...rest) => {
    const count = handles.get(tensor.dataId) ?? 0;
    handles.set(tensor.dataId, count + 1);
    if (count === 0) now += tensor.size * 4;
    peak = Math.max(peak, now);
    return trackTensor.call(engine, tensor, ...rest);
  };
  engine.disposeTensor = (tensor, ...rest) => {
    const count = handles.get(tensor.dataId);
    if (count !== undefined) handles.set(tensor.dataId, count - 1);
    if (count === 1) now -= tensor.size * 4;
    return disposeTensor.call(engine, tensor, ...rest);
  };
  try {
    body();
  } finally {
    Object.assign(engine, { trackTensor, disposeTensor });
  }
  return peak;
}
