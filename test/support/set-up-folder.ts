// The scaffold of the set-up tests: a folder that is made and removed for each test, and a PATH with chosen programs only.
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { findProgram } from '../../src/engine/native/run-program.ts';

/** Gives each test of the file a folder of its own; `path()` is that of the running test. */
export function setUpFolder() {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'native-setup-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function write(path: string, text: string): string {
    const full = join(folder, path);
    mkdirSync(join(full, '..'), { recursive: true });
    writeFileSync(full, text);
    return full;
  }

  /** A PATH with nothing but the named programs. */
  function pathWith(...programs: string[]): NodeJS.ProcessEnv {
    const bin = join(folder, `bin-${programs.join('-')}`);
    mkdirSync(bin, { recursive: true });
    for (const name of programs) {
      const real = findProgram([name], process.env);
      if (!real) throw new Error(`${name} is not on this machine`);
      if (!existsSync(join(bin, name))) symlinkSync(real, join(bin, name));
    }
    return { PATH: bin, HOME: folder, TRANSFORMER_LEDGER_CACHE: join(folder, 'cache') };
  }

  return { path: () => folder, write, pathWith };
}
