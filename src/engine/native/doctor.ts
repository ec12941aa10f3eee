// Tries every backend in a process of its own, where a crash takes nothing else along, and measures those that work.
import { fork } from 'node:child_process';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { type BackendName, backendFix, backendNames, backendSummary, type RunningBackend } from '../backends.ts';
import type { BandwidthProbe, MatmulProbe } from '../probe.ts';
import { requireCompiler } from './compiler.ts';
import { installedTensorflow } from './installed.ts';
import { cacheFolder } from './platform.ts';
import { findPip } from './sources.ts';

/** What the process that tries one backend sends back. */
export type Trial =
  | {
      readonly works: true;
      readonly backend: RunningBackend;
      readonly matmul: MatmulProbe;
      readonly bandwidth: BandwidthProbe;
    }
  | { readonly works: false; readonly reason: string };

export type Diagnosis = { readonly name: BackendName; readonly what: string } & (
  | Extract<Trial, { works: true }>
  | (Extract<Trial, { works: false }> & { readonly fix: string })
);

/** Seconds after which a backend is taken to hang. */
const limit = 60;

/** Tries all backends one after the other; `done` hears of each as soon as it is known. */
export async function diagnose(threads?: number, done: (row: Diagnosis) => void = () => {}): Promise<Diagnosis[]> {
  const rows: Diagnosis[] = [];
  for (const name of backendNames) {
    const trial = await tryInProcess(name, threads);
    const what = backendSummary(name);
    const row: Diagnosis = trial.works ? { name, what, ...trial } : { name, what, ...trial, fix: backendFix(name) };
    rows.push(row);
    done(row);
  }
  return rows;
}

/** The backend that `auto` would take: the fastest that works, WebGPU only on a real GPU. */
export function choiceOfAuto(rows: readonly Diagnosis[]): BackendName | undefined {
  return rows.find((row) => row.works && (row.name !== 'webgpu' || row.backend.gpu))?.name;
}

/** What this machine is, and what set-up would find on it. */
export interface Surroundings {
  readonly node: string;
  readonly system: string;
  readonly processor: string;
  /** Processors that this process may use. */
  readonly processors: number;
  readonly memoryBytes: number;
  readonly cache: string;
  /** The folder of TensorFlow's libraries that the addon was built with. */
  readonly tensorflow?: string;
  /** What set-up would lack if it had to run again, with the command that brings it. */
  readonly missing: readonly string[];
}

/** Describes this machine. */
export async function describeSurroundings(environment: NodeJS.ProcessEnv = process.env): Promise<Surroundings> {
  const tensorflow = installedTensorflow()?.folder;
  const tools = [() => requireCompiler(environment), () => findPip(environment)];
  const missing = await Promise.all(tools.map((tool) => complaintOf(tool)));
  return {
    node: process.version,
    system: `${process.platform}-${process.arch}`,
    processor: cpus()[0]?.model.trim() ?? process.arch,
    processors: availableParallelism(),
    memoryBytes: totalmem(),
    cache: cacheFolder(environment),
    ...(tensorflow === undefined ? {} : { tensorflow }),
    missing: missing.filter((reason) => reason !== undefined),
  };
}

/** Starts and measures one backend in a new process. */
export function tryInProcess(name: BackendName, threads?: number): Promise<Trial> {
  return new Promise((resolve) => {
    const args = [name, ...(threads === undefined ? [] : [String(threads)])];
    const child = fork(join(import.meta.dirname, 'doctor-trial.ts'), args, {
      execArgv: ['--import', import.meta.resolve('tsx')],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      timeout: limit * 1000,
    });
    let trial: Trial | undefined;
    let words = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      words += text;
    });
    child.on('message', (message) => {
      trial = message as Trial;
    });
    child.on('error', (error) => resolve({ works: false, reason: error.message }));
    child.on('close', (status, signal) => resolve(trial ?? { works: false, reason: lastWords(words, status, signal) }));
  });
}

async function complaintOf(tool: () => unknown): Promise<string | undefined> {
  try {
    await tool();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function lastWords(words: string, status: number | null, signal: string | null): string {
  if (signal === 'SIGILL') return 'this processor lacks instructions that it uses (SIGILL)';
  if (signal === 'SIGTERM') return `it did not answer within ${limit} seconds`;
  const line = words.trim().split('\n').at(-1);
  return `its process ended with ${signal ?? `status ${status}`}${line ? `: ${line}` : ''}`;
}
