// Paths as the person who typed them meant them: yarn runs scripts in the package's folder, and leaves the caller's in INIT_CWD.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/**
 * The absolute path of something that should exist, seen from the folder in which the command was typed, or, where nothing is there,
 * from the package's folder (runs/NAME, test/fixtures/NAME).
 */
export function callerPath(path: string): string {
  const typed = resolve(process.env.INIT_CWD ?? '.', path);
  const inPackage = resolve(path);
  return !existsSync(typed) && existsSync(inPackage) ? inPackage : typed;
}
