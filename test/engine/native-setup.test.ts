// Set-up of the native backend: sources, interruption, damage, two at once; nothing here needs the network.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findCompiler } from '../../src/engine/native/compiler.ts';
import {
  type AddonPlaces,
  addonPlaces,
  installedTensorflow,
  missing,
  readInstallation,
} from '../../src/engine/native/installed.ts';
import { withLock } from '../../src/engine/native/lock.ts';
import { cacheFolder, type Machine, type Target, targetFor } from '../../src/engine/native/platform.ts';
import { locateTensorflow, makeProvision, readProvision } from '../../src/engine/native/provision.ts';
import { findProgram } from '../../src/engine/native/run-program.ts';
import { setUpNative } from '../../src/engine/native/setup.ts';
import { unpack } from '../../src/engine/native/unpack.ts';

const linux: Machine = { platform: 'linux', arch: 'x64', musl: false };
const header = 'tensorflow/c/eager/c_api.h';
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'native-setup-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(path: string, text: string): string {
  const full = join(folder, path);
  mkdirSync(join(full, '..'), { recursive: true });
  writeFileSync(full, text);
  return full;
}

/** A PATH with nothing but the named programs. */
function pathWith(...programs: string[]): NodeJS.ProcessEnv {
  const bin = join(folder, `bin-${programs.join('-')}`);
  mkdirSync(bin, { recursive: true });
  for (const name of programs) {
    const real = findProgram([name], process.env);
    if (!real) throw new Error(`${name} is not on this machine`);
    if (!existsSync(join(bin, name))) symlinkSync(real, join(bin, name));
  }
  return { PATH: bin, HOME: folder, TRANSFORMER_LEDGER_CACHE: join(folder, 'cache') };
}

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

function fillWithWheel(
  into: string,
): Promise<{ source: string; download: { name: string; bytes: number; sha256: string } }> {
  for (const name of [
    'tensorflow/libtensorflow_cc.so.2',
    'tensorflow/libtensorflow_framework.so.2',
    `tensorflow/include/${header}`,
  ]) {
    mkdirSync(join(into, name, '..'), { recursive: true });
    writeFileSync(join(into, name), `content of ${name}`);
  }
  return Promise.resolve({ source: 'a test', download: { name: 'a.whl', bytes: 1, sha256: '00' } });
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

describe('a TensorFlow folder', () => {
  it.each([
    ['site-packages', 'tensorflow', 'tensorflow/include', 'libtensorflow_cc.so.2'],
    ['the wheel’s own folder', '.', 'include', 'libtensorflow_cc.so.2'],
    ['an official archive', 'lib', 'include', 'libtensorflow.so.2'],
  ])('is found as %s', (_, libraries, include, name) => {
    write(`${libraries}/${name}`, '');
    write(`${libraries}/libtensorflow_framework.so.2`, '');
    expect(locateTensorflow(folder, 'linux')).toBeUndefined();
    write(`${include}/${header}`, '');
    expect(locateTensorflow(folder, 'linux')).toMatchObject({
      folder: join(folder, libraries),
      include: join(folder, include),
      libraries: [join(folder, libraries, name), join(folder, libraries, 'libtensorflow_framework.so.2')],
    });
    expect(locateTensorflow(folder, 'darwin')).toBeUndefined();
  });
});

describe('a provision', () => {
  const library = 'tensorflow/libtensorflow_cc.so.2';

  it('appears whole or not at all', async () => {
    const place = join(folder, 'cache', 'one');
    const broken = makeProvision(place, 'linux', async (into) => {
      await fillWithWheel(into);
      throw new Error('the line went dead');
    });
    await expect(broken).rejects.toThrow('the line went dead');
    expect(readdirSync(join(folder, 'cache'))).toEqual([]);
    const empty = makeProvision(place, 'linux', async () => ({
      source: '',
      download: { name: 'x.whl', bytes: 0, sha256: '' },
    }));
    await expect(empty).rejects.toThrow('x.whl holds no TensorFlow C library for linux');
    expect((await makeProvision(place, 'linux', fillWithWheel)).folder).toBe(join(place, 'tensorflow'));
    expect(readdirSync(join(folder, 'cache'))).toEqual(['one']);
  });

  it('removes what killed runs left, and leaves alone what a living one is filling', async () => {
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    write(`cache/one.partial-${dead}/big`, 'x');
    write(`cache/one.partial-${process.ppid}/big`, 'x');
    expect(await readProvision(join(folder, 'cache', `one.partial-${dead}`), 'linux', false)).toBeUndefined();
    await makeProvision(join(folder, 'cache', 'one'), 'linux', fillWithWheel);
    expect(readdirSync(join(folder, 'cache')).sort()).toEqual(['one', `one.partial-${process.ppid}`]);
  });

  it('is refused when damaged: another size at once, other content when checked thoroughly', async () => {
    const place = join(folder, 'one');
    await makeProvision(place, 'linux', fillWithWheel);
    expect((await readProvision(place, 'linux', true))?.manifest.source).toBe('a test');
    const before = `content of ${library}`;
    write(`one/${library}`, before.toUpperCase());
    expect(await readProvision(place, 'linux', false)).toBeDefined();
    expect(await readProvision(place, 'linux', true)).toBeUndefined();
    write(`one/${library}`, before);
    expect(await readProvision(place, 'linux', true)).toBeDefined();
    appendFileSync(join(place, 'tensorflow/include', header), '//');
    expect(await readProvision(place, 'linux', true)).toBeUndefined();
    truncateSync(join(place, library), 3);
    expect(await readProvision(place, 'linux', false)).toBeUndefined();
  });
});

describe('the lock', () => {
  it('lets one in after the other', async () => {
    const path = join(folder, 'lock');
    let inside = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 30));
      inside--;
    };
    await Promise.all([1, 2, 3].map(() => withLock(path, () => {}, work)));
    expect(most).toBe(1);
    expect(existsSync(path)).toBe(false);
  });

  it('is taken over from a process that died, and freed when the work fails', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    const { hostname } = await import('node:os');
    const path = write('lock', JSON.stringify({ process: pid, host: hostname() }));
    const told: string[] = [];
    expect(
      await withLock(
        path,
        (holder) => told.push(holder),
        async () => 'done',
      ),
    ).toBe('done');
    expect(told).toEqual([]);
    await expect(
      withLock(
        path,
        () => {},
        () => Promise.reject(new Error('no')),
      ),
    ).rejects.toThrow('no');
    expect(existsSync(path)).toBe(false);
  });
});

describe('unpacking', () => {
  const members = {
    'tensorflow/libtensorflow_cc.so.2': 'library',
    [`tensorflow/include/${header}`]: 'header',
    'tensorflow/include/external/llvm-project/big.h': 'unneeded',
    'tensorflow/python/_pywrap.so': 'unneeded',
    'tensorflow-2.21.0.dist-info/METADATA': 'Requires-Dist: x',
  };
  const kept = [
    join('tensorflow', 'include', header),
    'tensorflow/libtensorflow_cc.so.2',
    'tensorflow-2.21.0.dist-info/METADATA',
  ];

  function makeWheel(): string {
    const script =
      'import json,sys,zipfile\nwith zipfile.ZipFile(sys.argv[1],"w") as z:\n  for n,t in json.loads(sys.argv[2]).items(): z.writestr(n,t)';
    const wheel = join(folder, 'a.whl');
    execFileSync('python3', ['-c', script, wheel, JSON.stringify(members)]);
    return wheel;
  }

  it
    .runIf(findProgram(['python3'], process.env))
    .each(['python3', 'unzip'].filter((name) => findProgram([name], process.env)))(
    'takes only what is needed out of a wheel, with %s',
    async (program) => {
      const wheel = makeWheel();
      const target = join(folder, 'out');
      mkdirSync(target);
      // A pyenv shim needs its own surroundings.
      const environment = program === 'python3' ? process.env : pathWith(program);
      await unpack(wheel, target, environment);
      const files = readdirSync(target, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
      expect(files.map((entry) => join(entry.parentPath, entry.name).slice(target.length + 1)).sort()).toEqual(
        kept.sort(),
      );
    },
  );

  it('says what is missing or broken', async () => {
    const wheel = write('a.whl', 'this is no wheel');
    await expect(unpack(wheel, folder, { PATH: '' })).rejects.toThrow('neither python3 nor unzip');
    await expect(unpack(wheel, folder, process.env)).rejects.toThrow(/a\.whl could not be unpacked/);
    await expect(unpack('a.tar.gz', folder, { PATH: '' })).rejects.toThrow('tar is not there');
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
