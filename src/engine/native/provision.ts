// A copy of TensorFlow's C library in the cache: what belongs to it, how it gets there whole, how it is checked.
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isAlive } from './lock.ts';
import { libraryNames } from './platform.ts';

/** What set-up needs of TensorFlow, wherever it lies: a wheel's folder, an archive's, a user's own. */
export interface Tensorflow {
  /** The folder of the shared libraries; the addon finds them there when it runs. */
  readonly folder: string;
  readonly include: string;
  /** The paths of the shared libraries, the one with the C functions first. */
  readonly libraries: readonly string[];
}

/** One kept file as it was when it came. */
export interface KeptFile {
  /** Relative to the provision's folder. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** `manifest.json` of a provision: written last, so that a folder without it is no provision. */
export interface Manifest {
  readonly source: string;
  /** The downloaded wheel or archive. */
  readonly download: { readonly name: string; readonly bytes: number; readonly sha256: string };
  /** Every file but the headers. */
  readonly libraries: readonly KeptFile[];
  /** All headers as one: their number, bytes, and the checksum over their names and checksums in order. */
  readonly headers: { readonly count: number; readonly bytes: number; readonly sha256: string };
}

/** Finds TensorFlow's libraries and headers in an unpacked wheel, a site-packages folder or an official archive. */
export function locateTensorflow(root: string, platform: NodeJS.Platform): Tensorflow | undefined {
  for (const folder of [join(root, 'tensorflow'), root, join(root, 'lib')]) {
    for (const names of libraryNames(platform)) {
      const libraries = names.map((name) => join(folder, name));
      const include = [join(folder, 'include'), join(root, 'include')].find((path) =>
        existsSync(join(path, 'tensorflow', 'c', 'eager', 'c_api.h')),
      );
      if (include && libraries.every((library) => existsSync(library))) return { folder, include, libraries };
    }
  }
  return undefined;
}

/**
 * The provision `folder` if it is there and whole: every library has the recorded size, and with `thorough` every file
 * the recorded checksum. Otherwise undefined.
 */
export async function readProvision(
  folder: string,
  platform: NodeJS.Platform,
  thorough: boolean,
): Promise<{ tensorflow: Tensorflow; manifest: Manifest } | undefined> {
  const manifest = await readManifest(folder);
  const tensorflow = locateTensorflow(folder, platform);
  if (!manifest || !tensorflow) return undefined;
  for (const file of manifest.libraries) {
    const found = await stat(join(folder, file.path)).catch(() => undefined);
    if (found?.size !== file.bytes) return undefined;
    if (thorough && (await sha256Of(join(folder, file.path))) !== file.sha256) return undefined;
  }
  if (thorough && (await describeHeaders(tensorflow.include)).sha256 !== manifest.headers.sha256) return undefined;
  return { tensorflow, manifest };
}

/**
 * Makes the provision `folder` by filling a folder beside it and renaming that at the end: an interrupted run leaves
 * nothing that looks finished. `fill` puts the files there and says where they came from.
 * @throws Error when TensorFlow is not in what was filled.
 */
export async function makeProvision(
  folder: string,
  platform: NodeJS.Platform,
  fill: (folder: string) => Promise<Pick<Manifest, 'source' | 'download'>>,
): Promise<Tensorflow> {
  await removeLeftovers(folder);
  const partial = `${folder}.partial-${process.pid}`;
  await mkdir(partial, { recursive: true });
  try {
    const origin = await fill(partial);
    const tensorflow = locateTensorflow(partial, platform);
    if (!tensorflow) throw new Error(`${origin.download.name} holds no TensorFlow C library for ${platform}`);
    const manifest: Manifest = {
      ...origin,
      libraries: await describeLibraries(partial, tensorflow.include),
      headers: await describeHeaders(tensorflow.include),
    };
    await writeFile(join(partial, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    await rm(folder, { recursive: true, force: true });
    await rename(partial, folder);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  const made = locateTensorflow(folder, platform);
  if (!made) throw new Error(`the cache folder ${folder} vanished while it was made`);
  return made;
}

/** Removes what runs that were killed left beside `folder`. */
export async function removeLeftovers(folder: string): Promise<void> {
  const parent = join(folder, '..');
  for (const name of await readdir(parent).catch(() => [])) {
    const maker = /\.partial-(\d+)$/.exec(name)?.[1];
    if (maker && !isAlive(Number(maker))) await rm(join(parent, name), { recursive: true, force: true });
  }
}

/** The SHA-256 of a file as lower-case hexadecimal digits. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

async function readManifest(folder: string): Promise<Manifest | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as Manifest;
  } catch {
    return undefined;
  }
}

async function describeLibraries(folder: string, include: string): Promise<KeptFile[]> {
  const files: KeptFile[] = [];
  for (const path of await filesUnder(folder)) {
    if (path.startsWith(include)) continue;
    files.push({ path: relative(folder, path), bytes: (await stat(path)).size, sha256: await sha256Of(path) });
  }
  return files;
}

async function describeHeaders(include: string): Promise<Manifest['headers']> {
  const all = createHash('sha256');
  const paths = await filesUnder(include);
  let bytes = 0;
  for (const path of paths) {
    const content = await readFile(path);
    bytes += content.length;
    all.update(`${relative(include, path)} ${createHash('sha256').update(content).digest('hex')}\n`);
  }
  return { count: paths.length, bytes, sha256: all.digest('hex') };
}

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
