// Choosing a backend: by name, by `auto`, and what is said where one does not work; the speed probes; the doctor.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { backendNames, listBackends, useBackend } from '../../src/engine/backends.ts';
import { choiceOfAuto, type Diagnosis, tryInProcess } from '../../src/engine/native/doctor.ts';
import { missing } from '../../src/engine/native/installed.ts';
import { probeBandwidth, probeMatmul } from '../../src/engine/probe.ts';
import { findAdapter } from '../../src/engine/webgpu/webgpu.ts';
import { UserError } from '../../src/terms/user-error.ts';

// TensorFlow comes before GPU drivers, or not at all.
const nativeReport = missing() === undefined ? await useBackend('native', { threads: 2 }) : undefined;
const adapter = await findAdapter().catch(() => undefined);

/** A product that only the right backend kernel gets right: [[1 2] [3 4]]². */
async function squares(): Promise<number[]> {
  const result = tf.tidy(() => {
    const a = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    return tf.matMul(a, a);
  });
  const values = Array.from(await result.data());
  result.dispose();
  return values;
}

describe('useBackend', () => {
  it.each(['cpu', 'wasm'] as const)('starts %s by name', async (name) => {
    const report = await useBackend(name, { threads: 1 });
    expect(report).toMatchObject({ name, tfjs: name, choice: name, why: 'asked for', threads: 1, gpu: false });
    expect(tf.getBackend()).toBe(name);
    expect(await squares()).toEqual([7, 10, 15, 22]);
  });

  it.runIf(adapter)('starts webgpu on an adapter, imitated or not', async () => {
    const report = await useBackend('webgpu');
    expect(report.device).toBe(adapter!.device);
    expect(await squares()).toEqual([7, 10, 15, 22]);
  });

  it.runIf(nativeReport)('starts native, in the same tfjs-core, and says so again', async () => {
    const report = nativeReport!;
    await useBackend('native');
    expect(report).toMatchObject({ name: 'native', tfjs: 'tensorflow' });
    expect(report.version).toMatch(/^2\.\d+\.\d+/);
    expect(await squares()).toEqual([7, 10, 15, 22]);
    const required = createRequire(import.meta.url)('@tensorflow/tfjs-core') as typeof tf;
    expect(required.engine()).toBe(tf.engine());
    expect((await useBackend('native')).version).toBe(report.version);
    if (!report.gpu) {
      expect(report.threads).toBe(2);
      await expect(useBackend('native', { threads: 1 })).rejects.toThrow(/already runs with 2 threads/);
    }
  });

  it.runIf(nativeReport && adapter)('refuses native after webgpu instead of crashing', () => {
    const script = `const { findAdapter } = await import('./src/engine/webgpu/webgpu.ts');
      const { startBackend } = await import('./src/engine/backends.ts');
      await findAdapter();
      await startBackend('native').catch((error) => console.log(error.message));
      process.exit();`;
    const args = ['--import', 'tsx', '--input-type=module', '-e', script];
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(stdout.trim()).toBe('it must be started before webgpu in one process, and webgpu came first');
    expect(status).toBe(0);
  });

  it('takes the fastest by auto and says why not the others', async () => {
    const report = await useBackend('auto');
    expect(report.choice).toBe('auto');
    expect(report.name).toBe(nativeReport ? 'native' : adapter && !adapter.software ? 'webgpu' : 'wasm');
    expect([report.name, ...report.others.map(({ name }) => name)].sort()).toEqual([...backendNames].sort());
    expect(report.others.every(({ why }) => why !== '')).toBe(true);
  });

  it('answers an unknown name with the nearest', async () => {
    await expect(useBackend('nativ')).rejects.toThrow(new UserError("Unknown backend 'nativ': did you mean native?"));
  });
});

describe('probes', () => {
  /** Every look at it is `step` milliseconds later. */
  const clock = (step: number) => {
    let time = 0;
    return () => (time += step);
  };

  it('count 2·n³ for a product and three times the bytes for an addition, and leave no tensor behind', async () => {
    await useBackend('wasm', { threads: 1 });
    const before = tf.memory().numTensors;
    expect(await probeMatmul(clock(10))).toEqual({ size: 128, flopsPerSecond: (2 * 128 ** 3) / 0.01 });
    expect(await probeBandwidth(clock(10))).toEqual({ bytes: 12 * 2 ** 16, bytesPerSecond: (12 * 2 ** 16) / 0.01 });
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('lists', () => {
  it('name every backend, with a reason and a remedy where it is not there', async () => {
    const rows = await listBackends();
    expect(rows.map(({ name }) => name)).toEqual([...backendNames]);
    for (const row of rows) expect(row.available).toBe(row.reason === undefined && row.fix === undefined);
    expect(rows.find(({ name }) => name === 'cpu')?.available).toBe(true);
    expect(rows.find(({ name }) => name === 'webgpu')?.available).toBe(adapter !== undefined);
  });

  it('give the doctor measured speeds, each from a process of its own', async () => {
    const trial = await tryInProcess('cpu');
    expect(trial).toMatchObject({ works: true, backend: { name: 'cpu' } });
    if (trial.works) expect(trial.matmul.flopsPerSecond).toBeGreaterThan(1e6);
  });

  it('let auto pass over an imitated GPU', () => {
    const speeds = { matmul: { size: 1, flopsPerSecond: 1 }, bandwidth: { bytes: 1, bytesPerSecond: 1 } };
    const row = (name: 'webgpu' | 'wasm', gpu: boolean): Diagnosis => ({
      name,
      what: '',
      works: true,
      backend: { name, tfjs: name, version: '1', device: '', gpu },
      ...speeds,
    });
    const native: Diagnosis = { name: 'native', what: '', works: false, reason: 'not built', fix: 'yarn setup' };
    expect(choiceOfAuto([native, row('webgpu', false), row('wasm', false)])).toBe('wasm');
    expect(choiceOfAuto([native, row('webgpu', true), row('wasm', false)])).toBe('webgpu');
    expect(choiceOfAuto([native])).toBeUndefined();
  });
});
