// The two storages behave alike; the Node one turns the system's errors into sentences and replaces files in one step.
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, test } from 'vitest';
import { MemoryStorage } from '../../src/formats/memory-storage.ts';
import { folderOf, joinPath, nameOf, type Storage } from '../../src/formats/storage.ts';
import { nodeStorage } from '../../src/node/storage.ts';
import { UserError } from '../../src/terms/user-error.ts';

const scratch = mkdtempSync(joinPath(tmpdir(), 'storage-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (array: Uint8Array) => new TextDecoder().decode(array);

test('paths are joined with single slashes', () => {
  expect(joinPath('runs', 'a/', '/log.jsonl')).toBe('runs/a/log.jsonl');
  expect(joinPath('', 'a')).toBe('a');
  expect(joinPath('/', 'a')).toBe('/a');
  expect(joinPath('a/')).toBe('a/');
  expect([folderOf('runs/a/log'), folderOf('log'), folderOf('/log'), folderOf('runs/a/')]).toEqual([
    'runs/a',
    '.',
    '/',
    'runs',
  ]);
  expect(nameOf('runs/a/')).toBe('a');
});

const storages: [string, string, Storage][] = [
  ['node', scratch, nodeStorage],
  ['memory', 'scratch', new MemoryStorage()],
];

describe.each(storages)('%s storage', (_name, root, storage) => {
  const at = (...parts: string[]) => joinPath(root, ...parts);

  test('writes, reads, lists, renames, removes', async () => {
    await storage.makeFolder(at('one', 'deep'));
    await storage.write(at('one', 'whole'), bytes('hello'));
    await storage.write(at('one', 'chunks'), [bytes('ab'), bytes(''), bytes('cd')]);
    await storage.append(at('one', 'log'), 'first\n');
    await storage.append(at('one', 'log'), 'second\n');
    expect(text(await storage.read(at('one', 'chunks')))).toBe('abcd');
    expect(text(await storage.readRange(at('one', 'whole'), 1, 3))).toBe('ell');
    expect(text(await storage.read(at('one', 'log')))).toBe('first\nsecond\n');
    expect(await storage.size(at('one', 'whole'))).toBe(5);
    expect(await storage.sha256(at('one', 'whole'))).toBe(
      '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
    );
    expect(await storage.list(at('one'))).toEqual([
      { name: 'chunks', kind: 'file' },
      { name: 'deep', kind: 'folder' },
      { name: 'log', kind: 'file' },
      { name: 'whole', kind: 'file' },
    ]);
    await storage.rename(at('one'), at('two'));
    expect(await storage.exists(at('one', 'whole'))).toBe(false);
    expect(text(await storage.read(at('two', 'whole')))).toBe('hello');
    await storage.write(at('two', 'whole'), bytes('again'));
    await storage.rename(at('two', 'whole'), at('two', 'chunks'));
    expect(text(await storage.read(at('two', 'chunks')))).toBe('again');
    await storage.remove(at('two'));
    await storage.remove(at('two'));
    expect(await storage.exists(at('two'))).toBe(false);
  });

  test('says which path is missing and where a file ends', async () => {
    await storage.makeFolder(root);
    await storage.write(at('short'), bytes('12345'));
    await expect(storage.read(at('nothing'))).rejects.toThrow(
      new UserError(`Cannot read '${at('nothing')}': there is no such file or folder.`),
    );
    await expect(storage.list(at('nothing'))).rejects.toThrow(UserError);
    await expect(storage.sha256(at('nothing'))).rejects.toThrow(UserError);
    await expect(storage.size(at('nothing'))).rejects.toThrow(UserError);
    await expect(storage.readRange(at('short'), 3, 4)).rejects.toThrow(
      `'${at('short')}' ends at byte 5, but 4 bytes from byte 3 were expected.`,
    );
    await expect(storage.write(at('nowhere', 'file'), bytes('x'))).rejects.toThrow(
      'the folder it belongs in does not exist',
    );
  });

  test('a write that breaks in the middle leaves the old file', async () => {
    await storage.makeFolder(root);
    await storage.write(at('kept'), bytes('old'));
    const broken = function* () {
      yield bytes('new');
      throw new Error('out of numbers');
    };
    await expect(storage.write(at('kept'), broken())).rejects.toThrow('out of numbers');
    expect(text(await storage.read(at('kept')))).toBe('old');
  });
});

describe('node storage', () => {
  test('leaves no temporary file behind a failed write', async () => {
    const folder = joinPath(scratch, 'tidy');
    await nodeStorage.makeFolder(joinPath(folder, 'taken', 'inside'));
    await expect(nodeStorage.write(joinPath(folder, 'taken'), bytes('x'))).rejects.toThrow(
      'a folder of this name is in the way',
    );
    expect(readdirSync(folder)).toEqual(['taken']);
  });

  test.skipIf(process.getuid?.() === 0)('says that a folder is not writable', async () => {
    const folder = joinPath(scratch, 'locked');
    await nodeStorage.makeFolder(folder);
    chmodSync(folder, 0o555);
    await expect(nodeStorage.write(joinPath(folder, 'file'), bytes('x'))).rejects.toThrow('it is not writable');
  });

  test.skipIf(!existsSync('/dev/full'))('says that the disk is full', async () => {
    await expect(nodeStorage.append('/dev/full', 'x')).rejects.toThrow(
      new UserError("Cannot write '/dev/full': the disk is full."),
    );
  });

  test('says when a folder is read as a file, and a file used as a folder', async () => {
    writeFileSync(joinPath(scratch, 'plain'), 'x');
    await expect(nodeStorage.read(scratch)).rejects.toThrow('it is a folder, not a file');
    await expect(nodeStorage.size(scratch)).rejects.toThrow('it is a folder, not a file');
    await expect(nodeStorage.read(joinPath(scratch, 'plain', 'x'))).rejects.toThrow(
      'a part of the path is a file, not a folder',
    );
    await expect(nodeStorage.makeFolder(joinPath(scratch, 'plain', 'x'))).rejects.toThrow(UserError);
    expect(await nodeStorage.exists(joinPath(scratch, 'plain', 'x'))).toBe(false);
  });
});

test('memory storage breaks where it is told to, leaving half a file under a temporary name', async () => {
  const storage = new MemoryStorage();
  await storage.write('file', bytes('old'));
  storage.breakAfter(1);
  await expect(storage.write('file', [bytes('a'), bytes('b')])).rejects.toThrow('the disk is full');
  expect(text(await storage.read('file'))).toBe('old');
  expect((await storage.list('.')).map((entry) => entry.name)).toEqual(['.file.tmp', 'file']);
  await expect(storage.remove('file')).rejects.toThrow(UserError);
  storage.repair();
  await storage.remove('file');
  expect(await storage.exists('file')).toBe(false);
});
