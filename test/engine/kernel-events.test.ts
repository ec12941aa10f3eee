// Kernel events, and `strictly`: undeclared kernels, kernels outside scopes and lying declarations fail; whole training steps do not.
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { Transformer } from '../../src/architectures/transformer.ts';
import { type KernelEvent, observeKernels, strictly, UnaccountedKernelError } from '../../src/engine/kernel-events.ts';
import { type Scope, withScope } from '../../src/engine/scope.ts';
import { declareKernel, findDeclaration } from '../../src/kernels/declaration.ts';
import { add, square } from '../../src/kernels/elementwise.ts';
import { matMul } from '../../src/kernels/matmul.ts';
import { run } from '../../src/kernels/run.ts';
import { gradientNormsSync, OPTIMIZERS, Optimizer } from '../../src/training/optimizer.ts';
import { accumulate, evaluateBatch } from '../../src/training/step.ts';
import { alive, leavesNothing, onEveryBackend } from '../support/backend.ts';
import { adamwSettings, randomBatch, variants, withDropout } from '../support/models.ts';

const scope: Scope = { phase: 'forward', module: 'blocks.0', term: 'residual' };
const inScope = <T>(body: () => T): T => withScope(scope, body);

/** Says that it returns what it is given, and returns two zeros. */
const liar = declareKernel({
  name: 'TestOfALie',
  inputs: ['x'],
  outputs: ({ inputs: [x] }) => [x!],
  flops: () => 0n,
  own: Object.fromEntries(
    ['native', 'wasm', 'cpu'].map((lowering) => [
      lowering,
      () => tf.engine().makeTensor(new Float32Array(2) as never, [2], 'float32'),
    ]),
  ),
});

onEveryBackend(() => {
  const strict = <T>(body: () => T) => strictly(tf.getBackend(), body);

  describe('strictly', () => {
    it('fails for a kernel that is not declared', () => {
      expect(findDeclaration('Cumsum')).toBeUndefined();
      tf.tidy(() => {
        const x = tf.ones([3]);
        expect(() => strict(() => inScope(() => tf.cumsum(x)))).toThrow(
          'Kernel Cumsum is not declared in src/kernels.',
        );
        expect(() => strict(() => inScope(() => tf.cumsum(x)))).toThrow(UnaccountedKernelError);
        expect(() => inScope(() => tf.cumsum(x))).not.toThrow();
      });
    });

    it.each([
      ['every scope', {}],
      ['a phase', { module: 'blocks.0', term: 'residual' }],
      ['a module', { phase: 'forward', term: 'residual' }],
      ['a term', { phase: 'forward', module: 'blocks.0' }],
    ] as const)('fails for a kernel outside %s', (_, entered) => {
      tf.tidy(() => {
        const x = tf.ones([3]);
        expect(() => strict(() => withScope(entered, () => square(x)))).toThrow(/Kernel Square ran outside a scope: /);
        expect(strict(() => inScope(() => square(x))).dataSync()).toEqual(Float32Array.of(1, 1, 1));
      });
    });

    it('fails for a kernel whose declaration lies about its outputs', () => {
      tf.tidy(() => {
        expect(() => strict(() => inScope(() => run(liar, { x: tf.ones([3]) })))).toThrow(
          'Kernel TestOfALie returned float32[2] where its declaration says float32[3].',
        );
        expect(() => strict(() => inScope(() => run(liar, { x: tf.ones([2]) })))).not.toThrow();
      });
    });

    it('ends with its body, also when that fails', () => {
      const kernels = () => tf.getKernelsForBackend(tf.getBackend()).map(({ kernelFunc }) => kernelFunc);
      const before = new Set(kernels());
      expect(() =>
        strict(() => {
          throw new Error('mine');
        }),
      ).toThrow('mine');
      expect(kernels().every((kernel) => before.has(kernel))).toBe(true);
    });

    it.each(Object.entries(variants).flatMap(([name, card]) => OPTIMIZERS.map((kind) => [kind, name, card] as const)))(
      'accounts for every kernel of a step with dropout and %s: %s',
      (kind, _, card) =>
        leavesNothing(() => {
          const model = new Transformer(withDropout(card), 1);
          const optimizer = new Optimizer(model.namedWeights(), { ...adamwSettings, kind });
          const names = model.namedWeights().map(({ name }) => name);
          const live: object[] = [];
          const losses = [1, 2].map((step) => {
            const micro = [randomBatch(card, 2, 5), randomBatch(card, 2, 5, 2)];
            const loss = strict(() => {
              const { loss, gradients } = accumulate(model, micro, { dropoutSeed: 1, step });
              const { total } = gradientNormsSync(gradients, names);
              expect(total).toBeGreaterThan(0);
              optimizer.apply(gradients, 0.01, 0.5 * Math.min(1, 1 / total));
              return loss;
            });
            strict(() => evaluateBatch(model, micro[0]!));
            live.push(alive());
            return loss;
          });
          expect(losses.every(Number.isFinite)).toBe(true);
          expect(losses[0]).not.toBe(losses[1]);
          expect(live[1]).toEqual(live[0]);
          model.dispose();
          optimizer.dispose();
        }),
    );
  });

  describe('observeKernels', () => {
    it('tells name, scope, inputs, outputs and attributes of each kernel, in order, until it is stopped', () => {
      tf.tidy(() => {
        const [a, b] = [tf.ones([2, 3]), tf.ones([4, 3])];
        const events: KernelEvent[] = [];
        const stop = observeKernels(tf.getBackend(), (event) => events.push(event));
        try {
          inScope(() => matMul(a, b, false, true));
          withScope({ phase: 'optimizer', module: 'm', term: 't' }, () => add(a, tf.scalar(1)));
        } finally {
          stop();
        }
        square(a);
        const spec = (...shape: number[]) => ({ shape, dtype: 'float32' });
        expect(events).toEqual([
          {
            ...{ name: 'BatchMatMul', scope, inputs: [spec(2, 3), spec(4, 3)], outputs: [spec(2, 4)] },
            attributes: { transposeA: false, transposeB: true },
          },
          {
            ...{ name: 'Add', scope: { phase: 'optimizer', module: 'm', term: 't' } },
            ...{ inputs: [spec(2, 3), spec()], outputs: [spec(2, 3)], attributes: {} },
          },
        ]);
      });
    });

    it('counts a kernel that runs inside another once, also after one failed', () => {
      const backend = tf.getBackend();
      tf.registerKernel({
        kernelName: 'TestOuter',
        backendName: backend,
        kernelFunc: ({ inputs }) => {
          const x = inputs.x as tf.Tensor;
          if (x.size === 1) throw new Error('too small');
          return tf.square(x);
        },
      });
      const names: string[] = [];
      const stop = observeKernels(backend, ({ name }) => names.push(name));
      try {
        tf.tidy(() => {
          const outer = (x: tf.Tensor) => tf.engine().runKernel('TestOuter', { x });
          expect(() => outer(tf.ones([1]))).toThrow('too small');
          outer(tf.ones([2]));
          square(tf.ones([2]));
        });
      } finally {
        stop();
        tf.unregisterKernel('TestOuter', backend);
      }
      expect(names).toEqual(['TestOuter', 'Square']);
    });
  });
});
