// Keeps the start-up chatter of C++ libraries off standard error, by the small addon that set-up builds (quiet.cc).
import { createRequire } from 'node:module';
import { addonPlaces } from './installed.ts';

interface Quiet {
  silence(): void;
  restore(): void;
}

/** Runs `work` with the process's standard error silenced; where the addon is not built, simply runs it. */
export async function quietly<T>(work: () => T | Promise<T>): Promise<T> {
  const quiet = load();
  quiet?.silence();
  try {
    return await work();
  } finally {
    quiet?.restore();
  }
}

function load(): Quiet | undefined {
  try {
    return createRequire(import.meta.filename)(addonPlaces().quiet) as Quiet;
  } catch {
    return undefined;
  }
}
