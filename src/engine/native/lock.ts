// A lock file, so that two set-ups on one cache do not both download: whoever comes second waits and finds the work done.
import { readFileSync } from 'node:fs';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const pause = 250;
/** About half an hour: longer than any set-up, for the case that a dead holder's process number was given away again. */
const patience = (30 * 60 * 1000) / pause;

/**
 * Runs `work` while holding the lock file `path`. Waits for another living process of this machine (`waiting` is told
 * once) and takes over from a dead one or from another machine's. Where two take over together both work, and the cache
 * stays sound all the same: results are only ever renamed into place.
 */
export async function withLock<T>(path: string, waiting: (holder: string) => void, work: () => Promise<T>): Promise<T> {
  for (let round = 0; !(await take(path)); round++) {
    const holder = await read(path);
    if (holder === undefined) continue;
    if (holder.host !== hostname() || !isAlive(holder.process) || round > patience) {
      await rm(path, { force: true });
      continue;
    }
    if (round === 0) waiting(`process ${holder.process}`);
    await sleep(pause);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

interface Holder {
  readonly process: number;
  readonly host: string;
}

/** Written aside and linked into place, so that no one ever reads half a lock. */
async function take(path: string): Promise<boolean> {
  const mine = `${path}-${process.pid}`;
  await writeFile(mine, JSON.stringify({ process: process.pid, host: hostname() } satisfies Holder));
  try {
    await link(mine, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(mine, { force: true });
  }
}

/** The holder; undefined where the file has just gone. */
async function read(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

/** Whether a process of this machine runs. One that ended but that nobody has waited for (a zombie) does not. */
export function isAlive(id: number): boolean {
  try {
    process.kill(id, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${id}/stat`, 'utf8'));
  } catch {
    // Only Linux has these files.
    return true;
  }
}
