// Set-up of the native backend: sources, interruption, damage, two at once; nothing here needs the network.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { findCompiler } from '../../src/engine/native/compiler.ts';
import {
  type AddonPlaces,
  addonPlaces,
  installedTensorflow,
  missing,
  readInstallation,
} from '../../src/engine/native/installed.ts';
import { cacheFolder, type Machine, type Target, targetFor } from '../../src/engine/native/platform.ts';
import { setUpNative } from '../../src/engine/native/setup.ts';
import { setUpFolder } from '../support/set-up-folder.ts';

const linux: Machine = { platform: 'linux', arch: 'x64', musl: false };
const { path: folderOfTest, write, pathWith } = setUpFolder();
let folder: string;
beforeEach(() => {
  folder = folderOfTest();
});

/** A program of the test's own on the PATH of `environment`. */
function fakeProgram(environment: NodeJS.ProcessEnv, name: string, script: string): void {
  const path = join(environment.PATH!, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

/** The real package's sources, but the addon goes to the test's folder. */
function placesHere(): AddonPlaces {
  const lib = join(folder, 'lib');
  const at = (name: string) => join(lib, name);
  return {
    package: addonPlaces().package,
    addon: at('tfjs_binding.node'),
    quiet: at('quiet.node'),
    note: at('note.json'),
  };
}

describe('targets', () => {
  it('are a wheel for each platform, and a sentence where there is none', () => {
    expect(targetFor(linux, false)).toMatchObject({ id: 'linux-x64', wheel: { project: 'tensorflow-cpu' } });
    expect(targetFor(linux, true)).toMatchObject({
      id: 'linux-x64-cuda',
      cuda: true,
      wheel: { project: 'tensorflow' },
    });
    expect(targetFor({ ...linux, arch: 'arm64' }, false)).toMatchObject({
      wheel: { platform: 'manylinux_2_27_aarch64' },
    });
    expect(targetFor({ ...linux, platform: 'darwin', arch: 'arm64' }, false)).toMatchObject({ id: 'darwin-arm64' });
    expect(targetFor({ ...linux, musl: true }, false)).toMatch(/glibc/);
    expect(targetFor({ ...linux, platform: 'win32' }, false)).toMatch(/WSL/);
    expect(targetFor({ ...linux, arch: 'riscv64' }, false)).toMatch(/no build for linux-riscv64/);
    expect(targetFor({ ...linux, arch: 'arm64' }, true)).toMatch(/CUDA build exists for linux-x64/);
  });

  it('are cached where the operating system wants caches, or where the user does', () => {
    expect(cacheFolder({ HOME: '/home/ada' }, 'linux')).toBe('/home/ada/.cache/transformer-ledger');
    expect(cacheFolder({ HOME: '/home/ada', XDG_CACHE_HOME: '/scratch' }, 'linux')).toBe('/scratch/transformer-ledger');
    expect(cacheFolder({ HOME: '/Users/ada' }, 'darwin')).toBe('/Users/ada/Library/Caches/transformer-ledger');
    expect(cacheFolder({ HOME: '/home/ada', TRANSFORMER_LEDGER_CACHE: '/elsewhere' }, 'linux')).toBe('/elsewhere');
  });
});

describe('set-up without what it needs', () => {
  const attempt = (environment: NodeJS.ProcessEnv, more = {}) =>
    setUpNative({ environment, machine: linux, places: placesHere(), ...more });

  it('names the compiler, once, before anything is downloaded', async () => {
    const result = await attempt(pathWith());
    expect(result).toMatchObject({ ready: false });
    if (result.ready) return;
    expect(result.reasons).toHaveLength(1);
    expect(result.reasons[0]).toContain('a C++ compiler is missing (Debian and Ubuntu: apt-get install g++');
    expect(existsSync(placesHere().addon)).toBe(false);
  });

  it('names pip, and then why the archive failed', async () => {
    const environment = pathWith();
    fakeProgram(environment, 'g++', 'exit 1');
    fakeProgram(environment, 'curl', 'echo "curl: (6) Could not resolve host" >&2; exit 6');
    const result = await attempt(environment);
    if (result.ready) throw new Error('it cannot be ready');
    expect(result.reasons[0]).toContain('python3 and pip are missing');
    expect(result.reasons[1]).toMatch(
      /libtensorflow-cpu-linux-x86_64\.tar\.gz could not be downloaded .*Could not resolve host/,
    );
    fakeProgram(environment, 'python3', 'exit 1');
    const second = await attempt(environment);
    expect(!second.ready && second.reasons[0]).toContain('python3 has no pip');
  });

  it('refuses a wheel with another checksum than the index has, and leaves nothing behind', async () => {
    const environment = pathWith('tar');
    fakeProgram(environment, 'g++', 'exit 1');
    const downloads =
      'while [ $# -gt 0 ]; do if [ "$1" = --dest ]; then echo forged > "$2/tensorflow_cpu-2.21.0.whl"; fi; shift; done';
    fakeProgram(environment, 'python3', downloads);
    const result = await attempt(environment);
    if (result.ready) throw new Error('it cannot be ready');
    const target = targetFor(linux, false) as Target;
    expect(result.reasons[0]).toMatch(
      new RegExp(`tensorflow_cpu-2.21.0.whl has the SHA-256 [0-9a-f]{64}, but ${target.wheel.sha256}`),
    );
    expect(readdirSync(join(folder, 'cache', 'tensorflow'))).toEqual([]);
  });

  it('says what is wrong with a named place, a cache and a machine', async () => {
    const environment = pathWith();
    const named = await attempt(environment, { from: join(folder, 'gone.whl') });
    expect(!named.ready && named.reasons[0]).toBe(`there is no file or folder ${join(folder, 'gone.whl')}`);
    const empty = await attempt({ ...environment, TRANSFORMER_LEDGER_TENSORFLOW: folder });
    expect(!empty.ready && empty.reasons[0]).toBe(`${folder} holds no TensorFlow C library with its headers for linux`);
    const file = write('file', '');
    const cache = await attempt({ ...environment, TRANSFORMER_LEDGER_CACHE: file });
    expect(!cache.ready && cache.reasons[0]).toMatch(/cache folder .*file cannot be made .*TRANSFORMER_LEDGER_CACHE/);
    const windows = await attempt(environment, { machine: { platform: 'win32', arch: 'x64', musl: false } });
    expect(!windows.ready && windows.reasons[0]).toContain('WSL');
  });

  it('does not fail the install: skipped on request', () => {
    const environment = { ...process.env, TRANSFORMER_LEDGER_SKIP_NATIVE: '1' };
    const { status, stdout } = spawnSync(process.execPath, ['scripts/postinstall.mjs'], {
      env: environment,
      encoding: 'utf8',
    });
    expect(status).toBe(0);
    expect(stdout).toContain('skipped');
  });
});

const here = installedTensorflow();
describe.runIf(here && missing() === undefined && findCompiler(process.env))('set-up with a TensorFlow folder', () => {
  it('builds, does nothing the second time, and repairs from the cache without a compiler', async () => {
    const places = placesHere();
    const environment = { ...process.env, TRANSFORMER_LEDGER_CACHE: join(folder, 'cache') };
    const lines: string[] = [];
    const options = { from: here!.folder, cuda: false, places, environment, log: (line: string) => lines.push(line) };
    const first = await setUpNative(options);
    expect(first).toMatchObject({ ready: true, changed: true, installation: { tensorflow: { folder: here!.folder } } });
    expect(lines).toEqual(['compiling the addon']);
    expect(readInstallation(places)?.version).toMatch(/^2\.\d+\.\d+/);

    expect(await setUpNative(options)).toMatchObject({ ready: true, changed: false });
    expect(await setUpNative({ ...options, from: undefined })).toMatchObject({ ready: true, changed: false });

    truncateSync(places.addon, 100);
    const bare = { ...environment, PATH: pathWith().PATH };
    expect(await setUpNative({ ...options, environment: bare })).toMatchObject({ ready: true, changed: true });
    expect(missing(places)).toBeUndefined();
    expect(await setUpNative({ ...options, verify: true })).toMatchObject({ ready: true, changed: false });
    expect(lines).toEqual(['compiling the addon']);
  });
});
