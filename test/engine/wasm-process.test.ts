// The wasm backend as a process sees it: shared memory, no growth, threads that start, fail and end.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { nodePlatform } from '../../src/engine/wasm/node-threads.ts';
import { initialiseWasm, shutdownWasm } from '../../src/engine/wasm/wasm.ts';

describe('memory', () => {
  beforeAll(async () => {
    await initialiseWasm({ threads: 2 });
  });
  afterAll(() => shutdownWasm());

  it('is shared by clone, reshape, expandDims and a cast to the same type', () => {
    tf.tidy(() => {
      const backend = tf.backend() as BackendWasm;
      const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
      const address = backend.getMemoryOffset(x.dataId);
      const others = [x.clone(), tf.reshape(x, [6]), tf.expandDims(x, 0), tf.cast(x, 'float32')];
      for (const other of others) expect(backend.getMemoryOffset(other.dataId)).toBe(address);
      x.dispose();
      for (const other of others) expect([...other.dataSync()]).toEqual([1, 2, 3, 4, 5, 6]);
    });
  });

  it('does not grow over many products', () => {
    const x = tf.ones([64, 64]) as tf.Tensor2D;
    const heapBytes = () => ((tf.backend() as BackendWasm).wasm as unknown as { HEAPU8: Uint8Array }).HEAPU8.length;
    tf.matMul(x, x).dispose();
    const before = { tensors: tf.memory().numTensors, bytes: heapBytes() };
    for (let index = 0; index < 5000; index++) tf.matMul(x, x, true).dispose();
    expect({ tensors: tf.memory().numTensors, bytes: heapBytes() }).toEqual(before);
    x.dispose();
  });
});

describe('threads', () => {
  afterEach(() => {
    vi.restoreAllMocks();
    shutdownWasm();
  });

  const product = () => {
    const x = tf.fill([300, 300], 2) as tf.Tensor2D;
    return tf.tidy(() => tf.matMul(x, x).dataSync()[89_999]);
  };

  it('are started anew after a shutdown, as many as asked for', async () => {
    for (const threads of [2, 1, 3]) {
      expect(await initialiseWasm({ threads })).toMatchObject({ threads });
      expect(product()).toBe(1200);
      shutdownWasm();
    }
  });

  it('stay when the same number is asked for again', async () => {
    const first = await initialiseWasm({ threads: 2 });
    const kept = tf.scalar(7);
    expect(await initialiseWasm({ threads: 2 })).toEqual(first);
    expect(kept.dataSync()[0]).toBe(7);
  });

  it('give way to one, with the reason, where none can be started', async () => {
    vi.spyOn(nodePlatform, 'startWorker').mockImplementation(() => {
      throw new Error('no threads today');
    });
    expect(await initialiseWasm({ threads: 2 })).toMatchObject({ threads: 1, reason: 'no threads today' });
    expect(product()).toBe(1200);
  });

  it('compute the same where multiply-add is two instructions', async () => {
    await initialiseWasm({ threads: 1 });
    shutdownWasm();
    // The question whether there is relaxed SIMD is the only one that is left to ask.
    vi.spyOn(WebAssembly, 'validate').mockReturnValue(false);
    expect(await initialiseWasm({ threads: 2 })).toMatchObject({ threads: 2, fused: false });
    expect(product()).toBe(1200);
  });

  it('leave Worker and the handlers of uncaught errors as they were', async () => {
    const before = [
      globalThis.Worker,
      process.listenerCount('uncaughtException'),
      process.listenerCount('unhandledRejection'),
    ];
    await initialiseWasm({ threads: 2 });
    expect([
      globalThis.Worker,
      process.listenerCount('uncaughtException'),
      process.listenerCount('unhandledRejection'),
    ]).toEqual(before);
  });

  it('do not keep a process from ending', async () => {
    const wasm = new URL('../../src/engine/wasm/wasm.ts', import.meta.url).href;
    const script = `import(${JSON.stringify(wasm)}).then((wasm) => wasm.initialiseWasm({ threads: 2 })).then((state) => console.log(state.threads))`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', '-e', script], {
      timeout: 60_000,
    });
    expect(stdout.trim()).toBe('2');
  });
});
