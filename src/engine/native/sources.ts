// Where TensorFlow's C library may come from: a place the user names, the Python package index, the official archive.
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, statfs } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { requireCompiler } from './compiler.ts';
import type { Machine, Target, Wheel } from './platform.ts';
import {
  locateTensorflow,
  type Manifest,
  makeProvision,
  readProvision,
  sha256Of,
  type Tensorflow,
} from './provision.ts';
import { complaint, findProgram, runProgram } from './run-program.ts';
import { unpack } from './unpack.ts';

/** What every source needs to know. */
export interface Surroundings {
  readonly machine: Machine;
  readonly target: Target;
  readonly cache: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Compare every cached file with its recorded checksum, not only its size. */
  readonly thorough: boolean;
  readonly log: (line: string) => void;
}

type Origin = Pick<Manifest, 'source' | 'download'>;

/** Free bytes wanted before a download starts: the wheel, what is unpacked from it, and some air. */
const room = { cpu: 1.6e9, cuda: 9e9 };

/**
 * TensorFlow from a path or URL: a wheel, an archive of the C library, or an unpacked folder, which is used where it
 * lies.
 * @throws Error that says what is wrong with the place.
 */
export async function fromNamed(place: string, around: Surroundings): Promise<Tensorflow> {
  const { machine, target } = around;
  if (/^https?:/.test(place)) {
    const key = createHash('sha256').update(place).digest('hex').slice(0, 12);
    return provide(`named-${key}-${target.id}`, around, async (folder) => {
      const file = join(folder, 'download', basename(new URL(place).pathname));
      around.log(`downloading ${place}`);
      await download(place, file, around.environment);
      return unpackInto(folder, file, place, around);
    });
  }
  const path = resolve(around.environment.INIT_CWD ?? '.', place);
  const found = await stat(path).catch(() => undefined);
  if (!found) throw new Error(`there is no file or folder ${path}`);
  if (found.isDirectory()) {
    const tensorflow = locateTensorflow(path, machine.platform);
    if (!tensorflow) throw new Error(`${path} holds no TensorFlow C library with its headers for ${machine.platform}`);
    return tensorflow;
  }
  const sha256 = await sha256Of(path);
  const key = sha256 === target.wheel.sha256 ? wheelKey(target) : `named-${sha256.slice(0, 12)}-${target.id}`;
  return provide(key, around, (folder) => unpackInto(folder, path, path, around));
}

/**
 * TensorFlow from the target's wheel through pip, whatever Python pip itself belongs to.
 * @throws Error where pip is missing, the index is out of reach, or the wheel is not the expected one.
 */
export async function fromWheel(around: Surroundings): Promise<Tensorflow> {
  const { target } = around;
  return provide(wheelKey(target), around, async (folder) => {
    const pip = await findPip(around.environment);
    await requireRoom(around.cache, target.cuda ? room.cuda : room.cpu);
    const { wheel } = target;
    around.log(`downloading the wheel ${wheel.project} ${wheel.version} for ${target.id} with pip`);
    const files = await pipDownload(pip, [`${wheel.project}==${wheel.version}`], folder, wheel, around);
    const file = files[0]!;
    const sha256 = await sha256Of(file);
    if (sha256 !== wheel.sha256) {
      throw new Error(`${basename(file)} has the SHA-256 ${sha256}, but ${wheel.sha256} is expected: it is not used`);
    }
    const origin = await unpackInto(folder, file, `${wheel.project} ${wheel.version} through pip`, around);
    if (target.cuda) await addCudaLibraries(folder, pip, around);
    return origin;
  });
}

/**
 * TensorFlow from the official archive of its C library.
 * @throws Error where there is none for this machine or the site is out of reach.
 */
export async function fromArchive(around: Surroundings): Promise<Tensorflow> {
  const url = around.target.archive;
  if (!url) throw new Error(`there is no official archive for ${around.target.id}`);
  return fromNamed(url, around);
}

function wheelKey(target: Target): string {
  return `${target.wheel.version}-${target.id}`;
}

async function provide(
  key: string,
  around: Surroundings,
  fill: (folder: string) => Promise<Origin>,
): Promise<Tensorflow> {
  const folder = join(around.cache, 'tensorflow', key);
  const { platform } = around.machine;
  const there = await readProvision(folder, platform, around.thorough);
  if (there) return there.tensorflow;
  // Better to hear of a missing compiler before a long download than after it.
  requireCompiler(around.environment);
  await mkdir(join(around.cache, 'tensorflow'), { recursive: true });
  return makeProvision(folder, platform, async (partial) => {
    await mkdir(join(partial, 'download'));
    const origin = await fill(partial);
    await rm(join(partial, 'download'), { recursive: true });
    for (const name of await readdir(partial)) {
      if (name.endsWith('.dist-info')) await rm(join(partial, name), { recursive: true });
    }
    return origin;
  });
}

async function unpackInto(folder: string, file: string, source: string, around: Surroundings): Promise<Origin> {
  const download = { name: basename(file), bytes: (await stat(file)).size, sha256: await sha256Of(file) };
  around.log(`unpacking ${download.name} (${Math.round(download.bytes / 1e6)} MB)`);
  await unpack(file, folder, around.environment);
  return { source, download };
}

/** The libraries of NVIDIA's that the wheel's own metadata asks for, where its libraries look for them: `nvidia/`. */
async function addCudaLibraries(folder: string, pip: readonly string[], around: Surroundings): Promise<void> {
  const info = (await readdir(folder)).find((name) => name.endsWith('.dist-info'));
  const text = info === undefined ? '' : await readFile(join(folder, info, 'METADATA'), 'utf8');
  const wanted = [...text.matchAll(/^Requires-Dist: ([^;\s]+); extra == "and-cuda"/gm)].map((match) => match[1]!);
  if (wanted.length === 0) throw new Error('the CUDA wheel does not say which CUDA libraries it wants');
  around.log(`downloading ${wanted.length} CUDA libraries with pip`);
  await rm(join(folder, 'download'), { recursive: true });
  const files = await pipDownload(pip, wanted, folder, around.target.wheel, around);
  for (const file of files) await unpack(file, folder, around.environment);
}

async function pipDownload(
  pip: readonly string[],
  wanted: readonly string[],
  folder: string,
  wheel: Wheel,
  around: Surroundings,
): Promise<string[]> {
  const to = join(folder, 'download');
  await mkdir(to, { recursive: true });
  const only = ['--no-deps', '--only-binary=:all:', '--python-version', '3.12', '--implementation', 'cp'];
  // Older tags of the same architecture run on newer systems; pip takes only the tags it is told.
  const older = ['manylinux_2_17', 'manylinux2014'].map((tag) => wheel.platform.replace('manylinux_2_27', tag));
  const platforms = [...new Set([wheel.platform, ...older])].flatMap((platform) => ['--platform', platform]);
  const manners = ['--quiet', '--no-input', '--no-cache-dir', '--timeout', '20', '--retries', '2'];
  const args = ['download', ...manners, ...only, ...platforms, '--dest', to, ...wanted];
  const finished = await runProgram(pip[0]!, [...pip.slice(1), ...args], {
    environment: { ...around.environment, PIP_DISABLE_PIP_VERSION_CHECK: '1' },
    limit: 3600,
  });
  if (finished.status !== 0) throw new Error(`pip could not download ${wanted[0]} (${complaint(finished)})`);
  return (await readdir(to)).sort().map((name) => join(to, name));
}

/**
 * The command line of a pip that runs.
 * @throws Error that says which package brings one.
 */
export async function findPip(environment: NodeJS.ProcessEnv): Promise<readonly string[]> {
  const pythons = ['python3', 'python'].map((name) => [findProgram([name], environment), '-m', 'pip']);
  const pips = ['pip3', 'pip'].map((name) => [findProgram([name], environment)]);
  for (const line of [...pythons, ...pips]) {
    const [program, ...args] = line;
    if (!program) continue;
    const finished = await runProgram(program, [...args, '--version'] as string[], { environment, limit: 60 });
    if (finished.status === 0) return line as string[];
  }
  const what = pythons.some(([program]) => program) ? 'python3 has no pip' : 'python3 and pip are missing';
  throw new Error(`${what} (Debian and Ubuntu: apt-get install python3-pip; macOS: xcode-select --install)`);
}

/** curl where it is there, because it knows proxies and the system's certificates; else Node's own client. */
async function download(url: string, file: string, environment: NodeJS.ProcessEnv): Promise<void> {
  const curl = findProgram(['curl'], environment);
  if (curl) {
    const args = ['--fail', '--location', '--silent', '--show-error', '--connect-timeout', '10', '--output', file, url];
    const finished = await runProgram(curl, args, { environment, limit: 3600 });
    if (finished.status !== 0) throw new Error(`${url} could not be downloaded (${complaint(finished)})`);
    return;
  }
  try {
    const response = await fetch(url);
    if (!response.ok || !response.body) throw new Error(`status ${response.status}`);
    await pipeline(Readable.fromWeb(response.body as never), createWriteStream(file));
  } catch (error) {
    const { message, cause } = error as Error;
    throw new Error(`${url} could not be downloaded (${cause instanceof Error ? cause.message : message})`);
  }
}

async function requireRoom(folder: string, wanted: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= wanted) return;
  const gigabytes = (bytes: number) => (bytes / 1e9).toFixed(1);
  throw new Error(`${folder} has ${gigabytes(free)} GB free, and ${gigabytes(wanted)} GB are needed while unpacking`);
}
