// Storage in memory, for tests and pages; it can be told to break at the n-th change, as a process killed there would.
import { UserError } from '../terms/user-error.ts';
import {
  type Bytes,
  chunksOf,
  folderOf,
  joinPath,
  nameOf,
  type Storage,
  type StorageEntry,
  sha256Of,
} from './storage.ts';

/**
 * Files and folders in maps. Each chunk written, each rename, removal, append and new folder is one change; after `breakAfter(n)` the
 * n-th change and all later ones fail, leaving what a killed process leaves: half a file under a temporary name.
 */
export class MemoryStorage implements Storage {
  /** How many changes were made so far. */
  changes = 0;
  /** The longest single read in bytes, to prove that a reader streams. */
  longestRead = 0;
  readonly #files = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly #folders = new Set<string>(['.', '/']);
  #breakAt = Number.POSITIVE_INFINITY;

  /** From now on `changes` more succeed, and every one after that fails until `repair()`. */
  breakAfter(changes: number): void {
    this.#breakAt = this.changes + changes;
  }

  /** Changes succeed again. */
  repair(): void {
    this.#breakAt = Number.POSITIVE_INFINITY;
  }

  async exists(path: string): Promise<boolean> {
    return this.#files.has(clean(path)) || this.#folders.has(clean(path));
  }

  async size(path: string): Promise<number> {
    return this.#file(path).length;
  }

  async read(path: string): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = this.#file(path);
    this.longestRead = Math.max(this.longestRead, bytes.length);
    return bytes.slice();
  }

  async readRange(path: string, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = this.#file(path);
    if (offset + length > bytes.length) {
      throw new UserError(
        `'${path}' ends at byte ${bytes.length}, but ${length} bytes from byte ${offset} were expected.`,
      );
    }
    this.longestRead = Math.max(this.longestRead, length);
    return bytes.slice(offset, offset + length);
  }

  async sha256(path: string): Promise<string> {
    return sha256Of(this.#file(path));
  }

  async list(folder: string): Promise<StorageEntry[]> {
    if (!this.#folders.has(clean(folder)))
      throw new UserError(`Cannot read '${folder}': there is no such file or folder.`);
    const inside = (path: string) => path !== '.' && path !== '/' && folderOf(path) === clean(folder);
    const files = [...this.#files.keys()].filter(inside).map((path) => ({ name: nameOf(path), kind: 'file' as const }));
    const folders = [...this.#folders].filter(inside).map((path) => ({ name: nameOf(path), kind: 'folder' as const }));
    return [...files, ...folders].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async makeFolder(folder: string): Promise<void> {
    this.#change(`make folder '${folder}'`);
    for (let path = clean(folder); !this.#folders.has(path); path = folderOf(path)) this.#folders.add(path);
  }

  async write(path: string, bytes: Bytes): Promise<void> {
    const target = clean(path);
    this.#needFolder(path);
    const beside = joinPath(folderOf(target), `.${nameOf(target)}.tmp`);
    let written = new Uint8Array(0);
    for await (const chunk of chunksOf(bytes)) {
      this.#change(`write '${path}'`);
      written = joined(written, chunk);
      this.#files.set(beside, written);
    }
    this.#change(`write '${path}'`);
    this.#files.delete(beside);
    this.#files.set(target, written);
  }

  async append(path: string, text: string): Promise<void> {
    this.#needFolder(path);
    this.#change(`write '${path}'`);
    const before = this.#files.get(clean(path)) ?? new Uint8Array(0);
    this.#files.set(clean(path), joined(before, new TextEncoder().encode(text)));
  }

  async remove(path: string): Promise<void> {
    this.#change(`remove '${path}'`);
    const target = clean(path);
    for (const file of this.#below(this.#files.keys(), target)) this.#files.delete(file);
    for (const folder of this.#below(this.#folders, target)) this.#folders.delete(folder);
  }

  async rename(from: string, to: string): Promise<void> {
    if (!(await this.exists(from))) throw new UserError(`Cannot write '${to}': '${from}' does not exist.`);
    if (this.#folders.has(clean(to))) {
      throw new UserError(`Cannot write '${to}': a folder of this name is in the way.`);
    }
    this.#needFolder(to);
    this.#change(`rename '${from}'`);
    const moved = (path: string) => clean(to) + path.slice(clean(from).length);
    for (const file of this.#below(this.#files.keys(), clean(from))) {
      this.#files.set(moved(file), this.#files.get(file)!);
      this.#files.delete(file);
    }
    for (const folder of this.#below(this.#folders, clean(from))) {
      this.#folders.add(moved(folder));
      this.#folders.delete(folder);
    }
  }

  #below(paths: Iterable<string>, top: string): string[] {
    return [...paths].filter((path) => path === top || path.startsWith(`${top}/`));
  }

  #file(path: string): Uint8Array<ArrayBuffer> {
    const bytes = this.#files.get(clean(path));
    if (bytes === undefined) throw new UserError(`Cannot read '${path}': there is no such file or folder.`);
    return bytes;
  }

  #needFolder(path: string): void {
    if (this.#folders.has(folderOf(clean(path)))) return;
    throw new UserError(`Cannot write '${path}': the folder it belongs in does not exist.`);
  }

  #change(what: string): void {
    if (this.changes >= this.#breakAt) throw new UserError(`Cannot ${what}: the disk is full.`);
    this.changes += 1;
  }
}

function clean(path: string): string {
  return path.replace(/^\.\/+(?=.)/, '').replace(/(?<=.)\/+$/, '');
}

function joined(head: Uint8Array, tail: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(head.length + tail.length);
  both.set(head);
  both.set(tail, head.length);
  return both;
}
