// Paths as the person who typed them meant them: yarn runs scripts in the package's folder, and leaves the caller's in INIT_CWD.
import { resolve } from 'node:path';

/** The absolute path that `path` is, seen from the folder in which the command was typed. */
export const callerPath = (path: string): string => resolve(process.env.INIT_CWD ?? '.', path);
