// What set-up is made of: finding TensorFlow in a folder, filling a cache folder whole, the lock, unpacking.
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { withLock } from '../../src/engine/native/lock.ts';
import { locateTensorflow, makeProvision, readProvision } from '../../src/engine/native/provision.ts';
import { findProgram } from '../../src/engine/native/run-program.ts';
import { unpack } from '../../src/engine/native/unpack.ts';
import { setUpFolder } from '../support/set-up-folder.ts';

const header = 'tensorflow/c/eager/c_api.h';
const { path: folderOfTest, write, pathWith } = setUpFolder();
let folder: string;
beforeEach(() => {
  folder = folderOfTest();
});

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
    const tool = findProgram(['python3', 'unzip'], process.env);
    if (tool) await expect(unpack(wheel, folder, process.env)).rejects.toThrow(/a\.whl could not be unpacked/);
    await expect(unpack('a.tar.gz', folder, { PATH: '' })).rejects.toThrow('tar is not there');
  });
});
