// Which build of TensorFlow fits this machine, what its files are called, and where they are kept.
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The release of TensorFlow that set-up asks for by itself. */
export const tensorflowVersion = '2.21.0';

/** A wheel on the Python package index; the checksum is the one the index publishes, so that a mirror cannot differ. */
export interface Wheel {
  readonly project: string;
  readonly version: string;
  /** The platform tag pip is asked for; its own platform and Python version play no part. */
  readonly platform: string;
  readonly sha256: string;
}

/** What one kind of machine needs. */
export interface Target {
  /** Such as `linux-x64` or `linux-x64-cuda`: part of the cache's keys. */
  readonly id: string;
  readonly cuda: boolean;
  readonly wheel: Wheel;
  /** The official C library, for machines without pip. TensorFlow publishes no checksums for it. */
  readonly archive?: string;
}

const official = 'https://storage.googleapis.com/tensorflow/versions';

const targets: Readonly<Record<string, Target>> = {
  'linux-x64': {
    id: 'linux-x64',
    cuda: false,
    wheel: {
      project: 'tensorflow-cpu',
      version: tensorflowVersion,
      platform: 'manylinux_2_27_x86_64',
      sha256: 'dcc8afd32930e42d5296b6ee19078b773706830af4ea97fbe503b9f5e0f820cb',
    },
    archive: `${official}/2.18.1/libtensorflow-cpu-linux-x86_64.tar.gz`,
  },
  'linux-x64-cuda': {
    id: 'linux-x64-cuda',
    cuda: true,
    wheel: {
      project: 'tensorflow',
      version: tensorflowVersion,
      platform: 'manylinux_2_27_x86_64',
      sha256: 'b3b95643c4e70eb925839938fb35cbe142f317ec84af6844ee61513713bb13c0',
    },
  },
  'linux-arm64': {
    id: 'linux-arm64',
    cuda: false,
    wheel: {
      project: 'tensorflow',
      version: tensorflowVersion,
      platform: 'manylinux_2_27_aarch64',
      sha256: 'b07d15737406533898e36c7ef7944b1be18e9028dc521b9229952c537bbc5552',
    },
  },
  'darwin-arm64': {
    id: 'darwin-arm64',
    cuda: false,
    wheel: {
      project: 'tensorflow',
      version: tensorflowVersion,
      platform: 'macosx_12_0_arm64',
      sha256: '56ecd7d47429acbe1df2694d50b75bf9fc3995ac92cb367cd9af6c4780ead712',
    },
    archive: `${official}/2.18.0/libtensorflow-cpu-darwin-arm64.tar.gz`,
  },
  // 2.16.2 is the last release for Macs with an Intel processor.
  'darwin-x64': {
    id: 'darwin-x64',
    cuda: false,
    wheel: {
      project: 'tensorflow',
      version: '2.16.2',
      platform: 'macosx_10_15_x86_64',
      sha256: '912b8cd1f88fd1ef32b8db54f0193ad0a3f057691324436ba82c5f74a63a17dd',
    },
    archive: `${official}/2.16.2/libtensorflow-cpu-darwin-x86_64.tar.gz`,
  },
};

/** The machine as set-up sees it; a test passes another one. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  /** Linux with a C library other than glibc (Alpine): no TensorFlow is built for it. */
  readonly musl: boolean;
}

/** This machine. */
export function thisMachine(): Machine {
  const header = (process.report.getReport() as { header?: { glibcVersionRuntime?: string } }).header;
  const musl = process.platform === 'linux' && header?.glibcVersionRuntime === undefined;
  return { platform: process.platform, arch: process.arch, musl };
}

/** The target for a machine, or the sentence that says why there is none. */
export function targetFor(machine: Machine, cuda: boolean): Target | string {
  if (machine.platform === 'win32') {
    return 'on Windows the native backend runs inside WSL (Linux); Windows itself has wasm';
  }
  if (machine.musl) return 'TensorFlow is built for glibc only, and this Linux uses another C library (Alpine?)';
  const id = `${machine.platform}-${machine.arch}`;
  const found = targets[cuda ? `${id}-cuda` : id];
  if (found) return found;
  return cuda
    ? `TensorFlow's CUDA build exists for linux-x64, not for ${id}`
    : `TensorFlow publishes no build for ${id} (there are ${Object.keys(targets).join(', ')})`;
}

/** The file names of TensorFlow's two shared libraries: as in the wheels, then as in the official archives. */
export function libraryNames(platform: NodeJS.Platform): readonly (readonly [string, string])[] {
  const name = (stem: string) => (platform === 'darwin' ? `${stem}.2.dylib` : `${stem}.so.2`);
  const framework = name('libtensorflow_framework');
  return [
    [name('libtensorflow_cc'), framework],
    [name('libtensorflow'), framework],
  ];
}

/**
 * Where TensorFlow and the built addons are kept, outside every clone: TRANSFORMER_LEDGER_CACHE where it is set,
 * else the operating system's place for caches.
 */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env, platform = process.platform): string {
  const named = environment.TRANSFORMER_LEDGER_CACHE;
  if (named) return named;
  const home = environment.HOME || homedir();
  if (platform === 'win32') {
    return join(environment.LOCALAPPDATA || join(home, 'AppData', 'Local'), 'transformer-ledger', 'Cache');
  }
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'transformer-ledger');
  return join(environment.XDG_CACHE_HOME || join(home, '.cache'), 'transformer-ledger');
}
