// What files are to library code: a small asynchronous interface that is passed in, so that a page or a test can stand in for a disk.

/** Bytes to write: one array, or chunks in order, so that a large file never has to be in memory whole. */
export type Bytes = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** One name inside a folder. */
export interface StorageEntry {
  name: string;
  kind: 'file' | 'folder';
}

/**
 * Files by path, with '/' between the parts. Every method throws a `UserError` with one sentence (path and reason) when a file is
 * missing, unreadable or unwritable, or when the disk is full.
 */
export interface Storage {
  /** Whether a file or folder is there. */
  exists(path: string): Promise<boolean>;
  /** The file's length in bytes. */
  size(path: string): Promise<number>;
  /** The whole file. */
  read(path: string): Promise<Uint8Array<ArrayBuffer>>;
  /** Exactly `length` bytes from `offset`, at the start of a buffer of their own; throws where the file ends sooner. */
  readRange(path: string, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** SHA-256 of the file as 64 hexadecimal digits, computed in passing: the file is never in memory whole. */
  sha256(path: string): Promise<string>;
  /** What the folder holds, sorted by name; not recursive. */
  list(folder: string): Promise<StorageEntry[]>;
  /** Makes the folder and those above it; no error where it is there already. */
  makeFolder(folder: string): Promise<void>;
  /**
   * Replaces the file atomically: written beside under a temporary name, flushed to the disk, renamed. Whatever goes wrong, the file
   * that was there stays as it was. The folder must exist.
   */
  write(path: string, bytes: Bytes): Promise<void>;
  /** Adds text at the end, making the file if need be. For logs: a crash can cut the last line. */
  append(path: string, text: string): Promise<void>;
  /** Removes a file, or a folder with all that is in it; no error where there is nothing. */
  remove(path: string): Promise<void>;
  /** Moves a file or a folder in one step. A file at `to` is replaced; a folder at `to` must not exist. */
  rename(from: string, to: string): Promise<void>;
}

/** Joins parts with single slashes: `joinPath('runs', 'a/', 'log.jsonl')` is `runs/a/log.jsonl`. Empty parts are left out. */
export function joinPath(...parts: string[]): string {
  const filled = parts.filter((part) => part !== '');
  const joined = filled
    .map((part, index) => (index === 0 ? part : part.replace(/^\/+/, '')))
    .map((part, index) => (index === filled.length - 1 ? part : part.replace(/\/+$/, '')))
    .join('/');
  return joined;
}

/** The folder a path lies in: `'runs/a'` for `runs/a/log.jsonl`, `'.'` for a bare name, `'/'` for one at the root. */
export function folderOf(path: string): string {
  const trimmed = path.replace(/(?<=.)\/+$/, '');
  const slash = trimmed.lastIndexOf('/');
  if (slash < 0) return '.';
  return slash === 0 ? '/' : trimmed.slice(0, slash);
}

/** The last part of a path. */
export function nameOf(path: string): string {
  const trimmed = path.replace(/(?<=.)\/+$/, '');
  return trimmed.slice(trimmed.lastIndexOf('/') + 1);
}

/** The chunks of `bytes`, one after the other. */
export async function* chunksOf(bytes: Bytes): AsyncGenerator<Uint8Array> {
  if (bytes instanceof Uint8Array) yield bytes;
  else yield* bytes;
}

/** SHA-256 of bytes that are in memory, as 64 hexadecimal digits. */
export async function sha256Of(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
