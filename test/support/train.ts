// yarn train in this process, and what it leaves behind.
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, vi } from 'vitest';
import { execute } from '../../scripts/support/cli.ts';
import { train } from '../../scripts/support/train-command.ts';
import type { LogRecord } from '../../src/training/run-log.ts';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `yarn train …` without a process of its own. */
export async function yarnTrain(...argv: string[]): Promise<Outcome> {
  const written = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      written[name] += text;
    },
  });
  const code = await execute(train, argv, { stdout: stream('stdout'), stderr: stream('stderr'), env: {} });
  return { code, ...written };
}

/** A folder that is removed after the tests of a file; corpora are cached in it, unless `TRANSFORMER_LEDGER_CACHE` is set otherwise. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'train-'));
  vi.stubEnv('TRANSFORMER_LEDGER_CACHE', join(folder, 'cache'));
  // Paths are meant from the folder in which yarn was called.
  vi.stubEnv('INIT_CWD', undefined);
  afterAll(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** Every file below a folder with a digest of its content; nothing where there is no such folder. */
export function contents(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {};
  const paths = readdirSync(folder, { recursive: true }).map(String).sort();
  const files = paths.filter((path) => statSync(join(folder, path)).isFile());
  return Object.fromEntries(files.map((path) => [path, digest(join(folder, path))]));
}

export const digest = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

/** The records of a run's log of one kind, without what the clock says. */
export function logOf(run: string, kind: string): Record<string, unknown>[] {
  const lines = readFileSync(join(run, 'log.jsonl'), 'utf8').trimEnd().split('\n');
  const records = lines.map((line) => JSON.parse(line) as LogRecord);
  return records
    .filter((record) => record.kind === kind)
    .map(({ seconds, tokensPerSecond, flopsPerSecond, mfu, memoryBytes, ...lasting }) => lasting);
}

/** Digests of the tensors of a run's checkpoint. */
export function tensorsOf(run: string, step: number): string[] {
  const folder = join(run, 'checkpoints', `step-${String(step).padStart(6, '0')}`);
  return ['weights.safetensors', 'optimizer.safetensors'].map((name) => digest(join(folder, name)));
}
