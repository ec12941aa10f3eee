// Checkpoints: exact bits, rotation, refusal of what is damaged, and a good one left behind whatever breaks and whenever.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, test } from 'vitest';
import { findCheckpoint, listCheckpoints, openCheckpoint, saveCheckpoint } from '../../src/formats/checkpoint.ts';
import { MemoryStorage } from '../../src/formats/memory-storage.ts';
import { joinPath } from '../../src/formats/storage.ts';
import { nodeStorage } from '../../src/node/storage.ts';
import { UserError } from '../../src/terms/user-error.ts';
import { agreedStep, contentOf } from './checkpoint-content.ts';

const scratch = mkdtempSync(joinPath(tmpdir(), 'checkpoint-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const bitsOf = (data: Float32Array) => [...new Uint32Array(data.buffer, data.byteOffset, data.length)];
const steps = async (storage: MemoryStorage) =>
  (await listCheckpoints(storage, 'run/checkpoints')).map((entry) => entry.step);

async function saved(...list: number[]): Promise<MemoryStorage> {
  const storage = new MemoryStorage();
  for (const step of list) await saveCheckpoint(storage, 'run', contentOf(step), { keep: 9 });
  return storage;
}

test('everything comes back, the floats bit by bit', async () => {
  const storage = new MemoryStorage();
  const words = Uint32Array.of(0x7fc00001, 0x80000000, 1, 0x7f7fffff, 0xff800000, 0x3eaaaaab);
  const odd = { name: 'odd', shape: [6], data: () => new Float32Array(words.buffer) };
  const content = { ...contentOf(120), optimizer: [odd] };
  const path = await saveCheckpoint(storage, 'run', content, { keep: 2 });
  expect(path).toBe('run/checkpoints/step-000120');
  const checkpoint = await findCheckpoint(storage, 'run');
  const { step, card, versions, progress } = content;
  expect(checkpoint).toMatchObject({ path, step, card, versions, progress });
  expect(bitsOf(await checkpoint.optimizer.readFloat32('odd'))).toEqual([...words]);
  expect(Object.is((await checkpoint.weights.readFloat32('norm.scale'))[1], -0)).toBe(true);
});

test('a run, its checkpoints folder and a checkpoint’s own folder are all understood', async () => {
  const storage = await saved(10, 20);
  expect((await findCheckpoint(storage, 'run/')).step).toBe(20);
  expect((await findCheckpoint(storage, 'run/checkpoints')).step).toBe(20);
  expect((await findCheckpoint(storage, 'run/checkpoints/step-000010')).step).toBe(10);
  await expect(findCheckpoint(storage, 'elsewhere')).rejects.toThrow("There is no checkpoint 'elsewhere'");
  await storage.makeFolder('empty');
  await expect(findCheckpoint(storage, 'empty')).rejects.toThrow("'empty' holds no checkpoint");
});

describe('rotation', () => {
  test('keeps the latest ones and the protected ones', async () => {
    const storage = new MemoryStorage();
    for (const step of [10, 20, 30, 40, 50]) {
      await saveCheckpoint(storage, 'run', contentOf(step), { keep: 2, protect: [20] });
    }
    expect(await steps(storage)).toEqual([50, 40, 20]);
    expect((await storage.list('run/checkpoints')).length).toBe(3);
  });

  test('a run resumed from an earlier step gives up the later ones', async () => {
    const storage = await saved(10, 20, 30);
    await saveCheckpoint(storage, 'run', contentOf(15), { keep: 2 });
    expect(await steps(storage)).toEqual([15, 10]);
    expect(await agreedStep(await findCheckpoint(storage, 'run'))).toBe(15);
  });

  test('the same step is replaced', async () => {
    const storage = await saved(10);
    await saveCheckpoint(storage, 'run', { ...contentOf(10), versions: { program: '0.2.0' } }, { keep: 2 });
    expect((await findCheckpoint(storage, 'run')).versions).toEqual({ program: '0.2.0' });
    expect(await steps(storage)).toEqual([10]);
  });

  test('steps beyond a million sort by number', async () => {
    const storage = await saved(999_999, 1_000_000);
    expect(await steps(storage)).toEqual([1_000_000, 999_999]);
  });
});

describe('damage is refused with the reason, and the last good one is offered', () => {
  const latest = 'run/checkpoints/step-000020';
  const refused = async (storage: MemoryStorage, reasons: string[], path = 'run') => {
    const error = await findCheckpoint(storage, path).catch((thrown: Error) => thrown);
    expect(error).toBeInstanceOf(UserError);
    for (const reason of [`Checkpoint '${latest}' is refused: `, ...reasons]) {
      expect((error as UserError).message).toContain(reason);
    }
  };
  const edit = async (storage: MemoryStorage, name: string, change: (text: string) => string) => {
    const path = `${latest}/${name}`;
    const text = new TextDecoder('latin1').decode(await storage.read(path));
    await storage.write(
      path,
      Uint8Array.from(change(text), (letter) => letter.charCodeAt(0)),
    );
  };
  const good = "The last good one is 'run/checkpoints/step-000010'.";

  test('every single byte of every file matters', async () => {
    for (const name of ['weights.safetensors', 'optimizer.safetensors']) {
      const length = await (await saved(20)).size(`${latest}/${name}`);
      for (let at = 0; at < length; at += 7) {
        const storage = await saved(10, 20);
        const bytes = await storage.read(`${latest}/${name}`);
        bytes[at]! ^= 1;
        await storage.write(`${latest}/${name}`, bytes);
        await expect(openCheckpoint(storage, latest)).rejects.toThrow(
          `'${latest}/${name}' was changed: its SHA-256 is`,
        );
      }
    }
  });

  test('a changed tensor', async () => {
    const storage = await saved(10, 20);
    await edit(storage, 'weights.safetensors', (text) => `${text.slice(0, -1)}!`);
    await refused(storage, ['weights.safetensors', good]);
    await refused(storage, ['was changed', good], latest);
    expect(await agreedStep(await findCheckpoint(storage, 'run/checkpoints/step-000010'))).toBe(10);
  });

  test('a truncated file, a missing file, a file that is not listed', async () => {
    const storage = await saved(10, 20);
    await edit(storage, 'optimizer.safetensors', (text) => text.slice(0, 100));
    await refused(storage, [`'${latest}/optimizer.safetensors' has 100 bytes, but`, good]);
    await storage.remove(`${latest}/optimizer.safetensors`);
    await refused(storage, ['there is no such file']);
    await storage.remove(`${latest}/state.json`);
    await refused(storage, ['there is no such file']);
  });

  test('a changed state', async () => {
    const storage = await saved(10, 20);
    await edit(storage, 'state.json', (text) => text.replace('"seed": 7', '"seed": 8'));
    await refused(storage, ['does not match its own checksum', good]);
    await edit(storage, 'state.json', () => '{');
    await refused(storage, ['is not a JSON object']);
  });

  test('another format, another version', async () => {
    const storage = await saved(10, 20);
    await edit(storage, 'state.json', (text) => text.replace('"version": 1', '"version": 2'));
    await refused(storage, ['has format version 2, so a newer program wrote it', good]);
    await edit(storage, 'state.json', (text) => text.replace('transformer-ledger checkpoint', 'something else'));
    await refused(storage, ['has the format "something else"']);
    await edit(storage, 'state.json', () => '{}');
    await refused(storage, ['names no format']);
  });

  test('where all are damaged', async () => {
    const storage = await saved(20);
    await edit(storage, 'state.json', () => '');
    await refused(storage, ['is not a JSON object', 'There is no other good one beside it.']);
  });
});

describe('whatever breaks, a good checkpoint stays', () => {
  /** Breaks at the n-th change, for every n there is, and looks at what is left. */
  async function breakEverywhere(earlier: number[], step: number, keep: number, look: (left: number) => void) {
    for (let changes = 0; ; changes++) {
      const storage = await saved(...earlier);
      storage.breakAfter(changes);
      const outcome = await saveCheckpoint(storage, 'run', contentOf(step), { keep }).catch((error: Error) => error);
      storage.repair();
      look(await agreedStep(await findCheckpoint(storage, 'run')));
      // And the next save works, with nothing left over.
      await saveCheckpoint(storage, 'run', contentOf(step + 1), { keep: 1 });
      const names = (await storage.list('run/checkpoints')).map((entry) => entry.name);
      expect(names).toEqual([`step-${String(step + 1).padStart(6, '0')}`]);
      if (!(outcome instanceof Error)) return changes;
      expect(outcome).toBeInstanceOf(UserError);
    }
  }

  test('a new step', async () => {
    const seen = new Set<number>();
    const changes = await breakEverywhere([10, 20], 30, 2, (left) => seen.add(left));
    expect(changes).toBeGreaterThan(10);
    expect([...seen]).toEqual([20, 30]);
  });

  test('with a single one kept', async () => {
    const seen = new Set<number>();
    await breakEverywhere([10], 20, 1, (left) => seen.add(left));
    expect([...seen]).toEqual([10, 20]);
  });

  test('the same step again, the only one there is', async () => {
    await breakEverywhere([10], 10, 1, (left) => expect(left).toBe(10));
  });

  test('an earlier step than what is there', async () => {
    await breakEverywhere([10, 20, 30], 15, 2, (left) => expect([15, 20, 30]).toContain(left));
  });

  test('a producer that fails leaves nothing behind', async () => {
    const storage = await saved(10);
    const fails = { name: 'w', shape: [1], data: () => Promise.reject(new Error('lost the device')) };
    const content = { ...contentOf(20), weights: [fails] };
    await expect(saveCheckpoint(storage, 'run', content, { keep: 2 })).rejects.toThrow('lost the device');
    expect((await storage.list('run/checkpoints')).map((entry) => entry.name)).toEqual(['step-000010']);
  });

  test('a process killed at any moment', async () => {
    const run = joinPath(scratch, 'killed');
    let step = 1;
    for (const delay of [0, 3, 11, 17]) {
      await writeUntilKilled(run, step, delay);
      const left = await agreedStep(await findCheckpoint(nodeStorage, run));
      expect(left).toBeGreaterThanOrEqual(step);
      step = left + 1;
    }
  });
});

/** Starts a process that writes checkpoint after checkpoint, and kills it `delay` ms after its third. */
function writeUntilKilled(run: string, step: number, delay: number): Promise<void> {
  const script = new URL('checkpoint-writer.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--import', 'tsx', script, run, String(step)]);
  let written = 0;
  let complaint = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const before = written;
    written += chunk.toString().split('\n').length - 1;
    if (before < 3 && written >= 3) setTimeout(() => child.kill('SIGKILL'), delay);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on('exit', (code) => (code === null ? resolve() : reject(new Error(complaint))));
  });
}
