// Runs another program to its end and keeps what it said.
import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Finished {
  /** The exit status; null where a signal or the time limit ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly environment?: NodeJS.ProcessEnv;
  readonly folder?: string;
  /** Seconds after which the program is ended. */
  readonly limit?: number;
}

/** Runs `program` with `args`; never rejects: a program that cannot be started has status null and says why in stderr. */
export function runProgram(program: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      env: options.environment ?? process.env,
      cwd: options.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.limit === undefined ? undefined : options.limit * 1000,
    });
    const texts = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      texts.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      texts.stderr += text;
    });
    child.on('error', (error) => resolve({ status: null, signal: null, ...texts, stderr: error.message }));
    child.on('close', (status, signal) => resolve({ status, signal, ...texts }));
  });
}

/** The first of `names` that the environment's PATH has as a program, with its path; a name with a slash stands for itself. */
export function findProgram(names: readonly string[], environment: NodeJS.ProcessEnv): string | undefined {
  const folders = (environment.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const name of names) {
    const candidates = name.includes('/') ? [name] : folders.map((folder) => join(folder, name));
    const found = candidates.find(isProgram);
    if (found) return found;
  }
  return undefined;
}

/** The one line of a failed program's words that says what went wrong. */
export function complaint(finished: Finished): string {
  if (finished.signal) return `ended by ${finished.signal}`;
  const lines = finished.stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const telling = lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1);
  return (telling ?? `exit status ${finished.status}`).slice(0, 240);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
