// The wasm backend as tfjs ships it, on one thread: what our kernels and threads are measured against.
import { setThreadsCount } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import type { RunningBackend } from '../engine/backends.ts';
import { hostKernel } from '../kernels/host.ts';

/** The gradient of an embedding needs it, and stock wasm has none: rows added in a loop over the heap. */
const segmentSum = hostKernel(
  ['x', 'segmentIds'],
  ([x], attributes) => [{ shape: [attributes.numSegments as number, ...x!.shape.slice(1)], dtype: 'float32' }],
  ([x, ids], [target]) => {
    const width = x!.length / ids!.length;
    target!.fill(0);
    ids!.forEach((id: number, row: number) => {
      for (let column = 0; column < width; column++) target![id * width + column]! += x![row * width + column]!;
    });
  },
);

/**
 * Makes stock wasm the tfjs backend. Nothing of ours runs in it but what it lacks altogether: this sum, and the loss and AdamW, which
 * are JavaScript loops there. Only in a process that has not started our own wasm backend.
 * @throws Error where it does not start
 */
export async function startStockWasm(): Promise<RunningBackend> {
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  setThreadsCount(1);
  if (!(await tf.setBackend('wasm'))) throw new Error('tfjs could not initialise its wasm backend');
  if (tf.getKernel(tf.UnsortedSegmentSum, 'wasm')) throw new Error('wasm already has kernels that are not stock');
  tf.registerKernel({ kernelName: tf.UnsortedSegmentSum, backendName: 'wasm', kernelFunc: segmentSum.wasm });
  return {
    name: 'wasm',
    tfjs: 'wasm',
    version: tf.version_core,
    device: `Node ${process.version}`,
    threads: 1,
    gpu: false,
    remark: 'as tfjs ships it',
  };
}
