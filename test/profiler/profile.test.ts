// The profiler on small programs: known numbers of FLOPs and bytes, births and deaths, views, nesting, and code that throws.
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { withScope } from '../../src/engine/scope.ts';
import { declareKernel } from '../../src/kernels/declaration.ts';
import { matMul } from '../../src/kernels/matmul.ts';
import { cast, identity, reshape, slice } from '../../src/kernels/shape.ts';
import type { Profile, ProfileEvent } from '../../src/profiler/events.ts';
import { endOfForward, liveAfter, memoryPeak, memoryTimeline, survivors } from '../../src/profiler/memory.ts';
import { profile, profileSync, Recording } from '../../src/profiler/profile.ts';
import { memoryViews } from '../../src/profiler/views.ts';
import { kernelRuns, totalWork, workBy } from '../../src/profiler/work.ts';
import { leavesNothing, onEveryBackend } from '../support/backend.ts';

const flopsOf = (result: Profile) => totalWork(kernelRuns(result)).flops;
const kinds = ({ events }: Profile) => events.map(({ kind }) => kind);
const bytesOf = (events: readonly ProfileEvent[]) =>
  events.flatMap((event) => (event.kind === 'birth' ? event.bytes : []));

/** All methods of the engine and kernels of the backend, to see that they are the same ones again. */
function surface(): unknown[] {
  const engine = tf.engine() as unknown as Record<string, unknown>;
  const methods = ['trackTensor', 'removeDataId', 'saveTensorsForBackwardMode', 'customGrad', 'gradients'];
  const kernels = tf.getKernelsForBackend(tf.getBackend()).sort((a, b) => (a.kernelName < b.kernelName ? -1 : 1));
  return [
    Object.keys(engine),
    ...methods.map((method) => engine[method]),
    ...kernels.map((kernel) => kernel.kernelFunc),
  ];
}

onEveryBackend(() => {
  describe('work', () => {
    it.each([
      ['mm', [4, 5], [5, 6], 240n],
      ['bmm', [3, 4, 5], [3, 5, 6], 720n],
      ['64³', [64, 64], [64, 64], 524288n],
    ] as const)('%s', (_, a, b, flops) => {
      tf.tidy(() => {
        const [x, y] = [tf.ones([...a]), tf.ones([...b])];
        expect(flopsOf(profileSync(() => matMul(x, y)))).toBe(flops);
        expect(flopsOf(profileSync(() => tf.matMul(x, y)))).toBe(flops);
      });
    });

    it('64³ touches 49,152 unique bytes', () => {
      tf.tidy(() => {
        const [x, y] = [tf.ones([64, 64]), tf.ones([64, 64])];
        const result = profileSync(() => matMul(x, y));
        const { read, written } = totalWork(kernelRuns(result));
        expect([read, written]).toEqual([32768n, 16384n]);
        expect(liveAfter(result, result.events.length - 1).total).toBe(49152);
        expect(memoryPeak(result).total).toBe(49152);
      });
    });

    it('knows phase, module, term, attributes and time of each kernel', () => {
      let time = 100;
      tf.tidy(() => {
        const x = tf.ones([2, 3]);
        const result = profileSync(
          () => withScope({ phase: 'forward', module: 'blocks.0', term: 'mlp.up' }, () => matMul(x, x, false, true)),
          { now: () => time++ },
        );
        const [run] = kernelRuns(result);
        expect(run).toMatchObject({
          name: 'BatchMatMul',
          attributes: { transposeA: false, transposeB: true },
          scope: { phase: 'forward', module: 'blocks.0', term: 'mlp.up' },
          ...{ startMs: 1, milliseconds: 1, flops: 24n },
        });
        expect(result.wallMs).toBe(3);
        expect([...workBy(result, 'term').keys()]).toEqual(['mlp.up']);
        expect(endOfForward(result)).toBe(result.events.length - 1);
      });
    });
  });

  describe('buffers', () => {
    it('alloc, alloc, free, alloc: peak 2', () => {
      const result = profileSync(() => {
        const [a, b] = [tf.tensor1d([1]), tf.tensor1d([2])];
        a.dispose();
        tf.dispose([b, tf.tensor1d([3])]);
      });
      expect(bytesOf(result.events)).toEqual([4, 4, 4]);
      expect(memoryPeak(result).total).toBe(8);
      expect(memoryTimeline(result).map(({ total }) => total)).toEqual([0, 4, 8, 4, 8, 4, 0]);
      expect(survivors(result)).toEqual([]);
    });

    it('handles on the same memory are one buffer, which lives as long as any of them', () => {
      const result = profileSync(() => {
        const x = tf.ones([16, 16]);
        const views = [reshape(x, [256]), identity(x), cast(x, 'float32')];
        x.dispose();
        views.push(reshape(views[0]!, [4, 64]));
        tf.dispose(views);
      });
      expect(bytesOf(result.events)).toEqual([1024]);
      expect(kinds(result).filter((kind) => kind === 'death')).toHaveLength(1);
      expect(kinds(result).at(-1)).toBe('death');
    });

    it('a slice along the first axis is a view on native and cpu, and a copy on wasm', () => {
      const result = profileSync(() => tf.tidy(() => void slice(tf.ones([16, 16]), [4, 0], [2, 16])));
      expect(bytesOf(result.events)).toEqual(tf.getBackend() === 'wasm' ? [1024, 128] : [1024]);
      expect(memoryPeak(result).total).toBe(tf.getBackend() === 'wasm' ? 1152 : 1024);
    });

    it('a view made inside a kernel, and what a kernel makes for itself, are neither born nor lost', () => {
      const backend = tf.getBackend();
      const kernelName = 'TestOfWorkspace';
      declareKernelOnce(kernelName);
      tf.registerKernel({
        ...{ kernelName, backendName: backend },
        kernelFunc: ({ inputs }) => tf.tidy(() => tf.add(tf.mul(inputs.x as tf.Tensor, 2), 1)),
      });
      try {
        tf.tidy(() => {
          const x = tf.ones([10]);
          const result = profileSync(() => tf.engine().runKernel(kernelName, { x }));
          expect(kinds(result)).toEqual(['kernel', 'birth']);
          expect(bytesOf(result.events)).toEqual([40]);
          expect(kernelRuns(result)[0]!.workspace).toBeGreaterThanOrEqual(40);
        });
      } finally {
        tf.unregisterKernel(kernelName, backend);
      }
    });

    it('what lived before counts from the beginning, under the name that it was given', () => {
      tf.tidy(() => {
        const [x, y, z] = [tf.ones([3]), tf.ones([4]), tf.ones([5])];
        const weight = tf.variable(tf.ones([6]), true, `aWeight-${tf.getBackend()}`);
        const residents = [{ tensor: y, category: 'kvCache', owner: 'blocks.0' }] as const;
        const result = profileSync(() => tf.square(x), { residents });
        expect(liveAfter(result, -1).live).toMatchObject({ parameters: 24, kvCache: 16, temporaries: 12 });
        expect(result.residents.find(({ category }) => category === 'parameters')?.owner).toBe(weight.name);
        expect(survivors(result)).toHaveLength(1);
        z.dispose();
        weight.dispose();
      });
    });

    it('stock gradients: what the tape keeps is saved, what comes out is a gradient', () => {
      tf.tidy(() => {
        const x = tf.tensor1d([1, 2, 3]);
        const result = profileSync(() => tf.grad((x: tf.Tensor) => tf.sum(tf.square(tf.exp(x))))(x), {
          allowUnknown: true,
        });
        const seen = new Set(result.events.flatMap((event) => (event.kind === 'change' ? event.category : [])));
        expect(seen).toEqual(new Set(['savedActivations', 'gradients']));
        expect(survivors(result).map(({ category }) => category)).toEqual(['gradients']);
      });
    });

    it('three views, the differences named', () => {
      tf.tidy(() => {
        const x = tf.ones([8]);
        const result = profileSync(() => [tf.square(x), x.clone()], { processBytes: () => 1e9 });
        const { views, differences } = memoryViews(result);
        expect(views.map(({ name, bytes }) => [name, bytes])).toEqual([
          ['tf.memory()', tf.memory().numBytes],
          ['live', 64],
          ['process', 1e9],
        ]);
        expect(differences[0]).toMatchObject({ from: 'live', to: 'tf.memory()', bytes: tf.memory().numBytes - 64 });
        expect(differences[1]).toMatchObject({ from: 'live', to: 'process', bytes: 1e9 - 64 });
      });
    });
  });

  describe('profile', () => {
    it('fails at a kernel without a declaration, before it runs, or lists it', () =>
      leavesNothing(() =>
        tf.tidy(() => {
          const x = tf.ones([3]);
          expect(() => profileSync(() => tf.cumsum(x))).toThrow(
            'Kernel Cumsum has no rule for its FLOPs and bytes: give it one with declareKernel, or pass allowUnknown to list it.',
          );
          const result = profileSync(() => tf.cumsum(x), { allowUnknown: true });
          expect(result.unknown).toEqual([{ name: 'Cumsum', runs: 1 }]);
          expect(kernelRuns(result)[0]).toMatchObject({ declared: false, flops: 0n, read: 12n, written: 12n });
        }),
      ));

    it('takes a kernel of one’s own, declared in one call', () => {
      const name = `TestOfOnesOwn-${tf.getBackend()}`;
      declareKernel({ name, inputs: ['x'], outputs: ({ inputs: [x] }) => [x!], flops: () => 7n });
      tf.registerKernel({
        ...{ kernelName: name, backendName: tf.getBackend() },
        kernelFunc: ({ inputs }) => tf.neg(inputs.x as tf.Tensor),
      });
      tf.tidy(() => {
        expect(flopsOf(profileSync(() => tf.engine().runKernel(name, { x: tf.ones([2]) })))).toBe(7n);
      });
      tf.unregisterKernel(name, tf.getBackend());
    });

    it('leaves everything as it was, also when the code throws', async () => {
      const before = surface();
      tf.tidy(() => void profileSync(() => tf.square(tf.ones([2]))));
      const mine = () => {
        throw new Error('mine');
      };
      expect(() => profileSync(mine)).toThrow('mine');
      await expect(profile(mine)).rejects.toThrow('mine');
      await expect(profile(async () => mine())).rejects.toThrow('mine');
      expect(() => profileSync(() => profileSync(mine))).toThrow('mine');
      expect(surface()).toEqual(before);
    });

    it('goes on after code inside threw', () => {
      tf.tidy(() => {
        const x = tf.ones([2]);
        const result = profileSync(() => {
          expect(() => tf.matMul(x as never, tf.ones([3, 3]) as never)).toThrow();
          return tf.square(x);
        });
        expect(kernelRuns(result).at(-1)?.name).toBe('Square');
        expect(survivors(result).length).toBeGreaterThan(0);
      });
    });

    it('nests, in any order of ending', () => {
      const before = surface();
      tf.tidy(() => {
        const x = tf.ones([2]);
        let inner: Profile | undefined;
        const outer = profileSync(() => {
          const y = tf.square(x);
          inner = profileSync(() => tf.add(y, y));
          return tf.exp(inner.value as tf.Tensor);
        });
        expect(kernelRuns(outer).map(({ name }) => name)).toEqual(['Square', 'Add', 'Exp']);
        expect(kernelRuns(inner!).map(({ name }) => name)).toEqual(['Add']);
        expect(liveAfter(inner!, -1).live.temporaries).toBe(16);

        const [first, second] = [new Recording(), new Recording()];
        const y = tf.square(x);
        expect(kernelRuns(first.finish(y))).toHaveLength(1);
        tf.square(y);
        expect(kernelRuns(second.finish(y))).toHaveLength(2);
      });
      expect(surface()).toEqual(before);
    });

    it('waits for code that waits', async () => {
      const x = tf.ones([2]);
      const { value, ...result } = await profile(async () => {
        const y = tf.square(x);
        const values = await y.data();
        y.dispose();
        return values;
      });
      expect(value).toEqual(Float32Array.of(1, 1));
      expect(kinds({ ...result, value })).toEqual(['kernel', 'birth', 'death']);
      x.dispose();
    });

    it('stock Adam: 44 bytes per parameter of temporaries when it has updated', () => {
      const parameters = 100_000;
      const weight = tf.variable(tf.zeros([parameters]));
      const optimizer = tf.train.adam(0.01);
      const gradient = tf.ones([parameters]);
      const update = () => optimizer.applyGradients([{ name: weight.name, tensor: gradient }]);
      update();
      const residents = [{ tensor: gradient, category: 'gradients', owner: weight.name }] as const;
      const result = profileSync(update, { allowUnknown: true, residents });
      const { live, total } = memoryPeak(result);
      const settled = memoryTimeline(result).findLast((instant) => instant.live.temporaries >= 44 * parameters)!;
      const perParameter = (bytes: number) => Math.round(bytes / parameters);
      expect(perParameter(settled.live.temporaries)).toBe(44);
      // Fullest is the instant before, when the new weight is there beside the old one.
      expect(perParameter(live.temporaries)).toBe(48);
      expect([live.parameters, live.gradients, live.optimizer].map(perParameter)).toEqual([4, 4, 8]);
      expect(perParameter(total)).toBe(64);
      optimizer.dispose();
      tf.dispose([weight, gradient]);
    });
  });
});

function declareKernelOnce(name: string): void {
  try {
    declareKernel({ name, inputs: ['x'], outputs: ({ inputs: [x] }) => [x!], flops: () => 0n });
  } catch {
    // The suite before, on another backend, declared it.
  }
}
