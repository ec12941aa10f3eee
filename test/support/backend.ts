// Suites that run on every backend of this machine: native where it is installed (else the suite says why not), wasm, and plain JavaScript.
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type BackendName, startBackend } from '../../src/engine/backends.ts';
import { missing } from '../../src/engine/native/installed.ts';
import { shutdownWasm } from '../../src/engine/wasm/wasm.ts';

const whyNotNative = missing();
const names = ['native', 'wasm', 'cpu'] as const satisfies BackendName[];
export type TestedBackend = (typeof names)[number];

/** Runs a suite once on each backend, that backend being tfjs's while it runs. */
export function onEveryBackend(suite: (backend: TestedBackend) => void): void {
  for (const name of names) onBackend(name, suite);
}

/** Runs a suite on one backend. */
export function onBackend(name: TestedBackend, suite: (backend: TestedBackend) => void): void {
  if (name === 'native' && whyNotNative !== undefined) {
    describe.skip(`native, which is not here: ${whyNotNative}`, () => suite(name));
    return;
  }
  describe(name, () => {
    beforeAll(async () => {
      await startBackend(name, name === 'wasm' ? { threads: 1 } : {});
    });
    afterAll(() => {
      if (name === 'wasm') shutdownWasm();
    });
    suite(name);
  });
}

/** Runs a suite on the fastest backend of native and wasm: for what does not depend on the backend. */
export function onFastBackend(suite: (backend: TestedBackend) => void): void {
  onBackend(whyNotNative === undefined ? 'native' : 'wasm', suite);
}

/** What is alive: tfjs's handles, and the buffers that the backend holds. */
export function alive(): { tensors: number; buffers: number } {
  return { tensors: tf.memory().numTensors, buffers: tf.backend().numDataIds() };
}

/**
 * Runs `body` and expects that nothing stays alive of it. Where something does, runs it once more: scalars that live as long as their
 * backend are made once, a leak comes back.
 */
export async function leavesNothing(body: () => void | Promise<void>): Promise<void> {
  const before = alive();
  await body();
  const after = alive();
  if (after.tensors === before.tensors && after.buffers === before.buffers) return;
  await body();
  expect(alive()).toEqual(after);
}
