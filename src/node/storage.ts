// Storage on Node's file system, with the system's error codes turned into sentences.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import {
  type Bytes,
  chunksOf,
  folderOf,
  joinPath,
  nameOf,
  type Storage,
  type StorageEntry,
} from '../formats/storage.ts';
import { UserError } from '../terms/user-error.ts';

/** Files on this machine. Relative paths start at the process's working directory. */
export const nodeStorage: Storage = {
  async exists(path) {
    try {
      await stat(path);
      return true;
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return false;
      throw readProblem(path, error);
    }
  },

  async size(path) {
    return reading(path, async () => {
      const status = await stat(path);
      if (status.isDirectory()) throw new UserError(`Cannot read '${path}': it is a folder, not a file.`);
      return status.size;
    });
  },

  async read(path) {
    return reading(path, async () => new Uint8Array(await readFile(path)));
  },

  async readRange(path, offset, length) {
    return reading(path, () => withFile(path, 'r', (file) => readExactly(path, file, offset, length)));
  },

  async sha256(path) {
    return reading(path, async () => {
      const hash = createHash('sha256');
      for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk);
      return hash.digest('hex');
    });
  },

  async list(folder) {
    return reading(folder, async () => {
      const entries = await readdir(folder);
      const kinds = await Promise.all(entries.map((name) => entryOf(folder, name)));
      return kinds.filter((entry) => entry !== null).sort((a, b) => (a.name < b.name ? -1 : 1));
    });
  },

  async makeFolder(folder) {
    await writing(folder, () => mkdir(folder, { recursive: true }));
  },

  async write(path, bytes) {
    const beside = joinPath(folderOf(path), `.${nameOf(path)}.${process.pid}-${nextTemporary()}.tmp`);
    try {
      await writing(path, () => writeFlushed(beside, bytes));
      await writing(path, () => rename(beside, path));
    } catch (error) {
      await rm(beside, { force: true }).catch(() => undefined);
      throw error;
    }
    await flushFolder(folderOf(path));
  },

  async append(path, text) {
    await writing(path, () => withFile(path, 'a', (file) => file.writeFile(text)));
  },

  async remove(path) {
    await writing(path, () => rm(path, { recursive: true, force: true }));
  },

  async rename(from, to) {
    await writing(to, () => rename(from, to));
    await flushFolder(folderOf(to));
    if (folderOf(from) !== folderOf(to)) await flushFolder(folderOf(from));
  },
};

let temporaries = 0;

function nextTemporary(): number {
  temporaries += 1;
  return temporaries;
}

async function withFile<T>(path: string, flags: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, flags);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

async function readExactly(path: string, file: FileHandle, offset: number, length: number) {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, Math.min(length - filled, 2 ** 30), offset + filled);
    if (bytesRead === 0) {
      throw new UserError(
        `'${path}' ends at byte ${offset + filled}, but ${length} bytes from byte ${offset} were expected.`,
      );
    }
    filled += bytesRead;
  }
  return bytes;
}

async function writeFlushed(path: string, bytes: Bytes): Promise<void> {
  await withFile(path, 'w', async (file) => {
    // FileHandle.write may write less than it was given; writeFile does not return before all is written.
    for await (const chunk of chunksOf(bytes)) await file.writeFile(chunk);
    await file.sync();
  });
}

/** Makes a rename survive a power cut. Systems that cannot flush a folder (Windows) refuse to open one: nothing to do there. */
async function flushFolder(folder: string): Promise<void> {
  await withFile(folder, 'r', (file) => file.sync()).catch(() => undefined);
}

async function entryOf(folder: string, name: string): Promise<StorageEntry | null> {
  try {
    const status = await stat(joinPath(folder, name));
    return { name, kind: status.isDirectory() ? 'folder' : 'file' };
  } catch (error) {
    // A dangling link, or a file removed since the folder was read.
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

async function reading<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw readProblem(path, error);
  }
}

async function writing<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw writeProblem(path, error);
  }
}

function readProblem(path: string, error: unknown): unknown {
  const reasons: Record<string, string> = {
    ENOENT: 'there is no such file or folder',
    ENOTDIR: 'a part of the path is a file, not a folder',
    EISDIR: 'it is a folder, not a file',
    EACCES: 'this user has no permission to read it',
    EPERM: 'this user has no permission to read it',
  };
  return problem(`Cannot read '${path}'`, reasons, error);
}

function writeProblem(path: string, error: unknown): unknown {
  const reasons: Record<string, string> = {
    ENOENT: 'the folder it belongs in does not exist',
    ENOTDIR: 'a part of the path is a file, not a folder',
    EISDIR: 'a folder of this name is in the way',
    EEXIST: 'a file of this name is in the way',
    ENOTEMPTY: 'a folder of this name is in the way',
    EACCES: 'it is not writable, this user has no permission',
    EPERM: 'it is not writable, this user has no permission',
    EROFS: 'it is not writable, the file system is read-only',
    ENOSPC: 'the disk is full',
    EDQUOT: "this user's disk quota is used up",
    ENAMETOOLONG: 'the name is too long',
  };
  return problem(`Cannot write '${path}'`, reasons, error);
}

/** The error as a sentence where it has a system code; any other error (a bug, a UserError already) as it is. */
function problem(what: string, reasons: Record<string, string>, error: unknown): unknown {
  const code = codeOf(error);
  if (code === undefined || error instanceof UserError) return error;
  return new UserError(`${what}: ${reasons[code] ?? `the system says ${code}`}.`, { cause: error });
}

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  // Node's own argument errors (ERR_…) are mistakes of the caller, not of the file system.
  return typeof code === 'string' && !code.startsWith('ERR_') ? code : undefined;
}
