// What the data code needs, on Node: this machine's files, its cache folder, its network, its TypeScript package.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DataHost } from '../data/host.ts';
import { UserError } from '../terms/user-error.ts';
import { cacheFolder } from './cache.ts';
import { download } from './download.ts';
import { nodeStorage } from './storage.ts';

/** The data host of this process; the environment is read once, now. */
export function nodeDataHost(): DataHost {
  return {
    storage: nodeStorage,
    datasetsFolder: fileURLToPath(new URL('../../datasets', import.meta.url)),
    cacheFolder: cacheFolder(),
    typescriptLib,
    download,
  };
}

function typescriptLib(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'lib');
  } catch {
    throw new UserError(
      'The typescript package is not installed, so that typescript-lib has no text: run yarn install.',
    );
  }
}
