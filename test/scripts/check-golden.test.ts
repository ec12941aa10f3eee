// yarn check-golden as a person meets it: rows, sentences, exit codes.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const spawn = (argv: string[], from = '.') => {
  const env = { ...process.env, INIT_CWD: resolve(from), NO_COLOR: '1' };
  const command = ['--import', 'tsx', 'scripts/check-golden.ts', '--backend', 'wasm', '--threads', '1', ...argv];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8', env });
  return { status, stdout, stderr };
};

const good = 'test/golden/fixtures/llama3-odd';
let folder = '';
/** A copy of the good folder, damaged. */
function damaged(name: string, damage: (copy: string) => void): void {
  cpSync(good, join(folder, name), { recursive: true });
  damage(join(folder, name));
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'golden-'));
  damaged('perturbed', (copy) => {
    const path = join(copy, 'model.safetensors');
    const bytes = readFileSync(path);
    // The last tensor in the file is the final norm's scale; its last element is off by 1e-3.
    bytes.writeFloatLE(bytes.readFloatLE(bytes.length - 4) + 1e-3, bytes.length - 4);
    writeFileSync(path, bytes);
  });
  damaged('unknown', (copy) => {
    const path = join(copy, 'config.json');
    const config = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, JSON.stringify({ ...config, model_type: 'bert', architectures: ['BertModel'] }));
  });
  damaged('cut-weights', (copy) => truncateSync(join(copy, 'model.safetensors'), 5000));
  damaged('cut-expected', (copy) => truncateSync(join(copy, 'expected.safetensors'), 5000));
  damaged('no-json', (copy) => writeFileSync(join(copy, 'expected.json'), '{'));
  mkdirSync(join(folder, 'empty'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('good folders: a row for each, exit code 0', () => {
  const { status, stdout, stderr } = spawn([good, 'test/golden/fixtures/bigcode-odd']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const [titles, ...rows] = stdout.trimEnd().split('\n');
  expect(titles).toMatch(/^folder +logits +loss +AdamW +greedy +parameters +gradient +worst$/);
  expect(rows[0]).toMatch(/llama3-odd +ok( +\d\.\de[-+]\d){3} +yes +3,570 +\d\.\de-\d +model\.\S+\.weight$/);
  expect(rows[1]).toMatch(/bigcode-odd +ok/);
  expect(rows[2]).toContain('on wasm: logits within 1.0e-4');
  expect(rows).toHaveLength(3);
});

test('a weight that is off by 1e-3: exit code 1, and what moved', () => {
  const { status, stdout } = spawn(['perturbed'], folder);
  expect(status).toBe(1);
  expect(stdout).toMatch(/perturbed +FAILED/);
  expect(stdout).toMatch(/^perturbed: logits off by \S+ \(tolerance 1\.0e-4\), .*gradient of model\.\S+ off by/m);
});

test('folders that cannot be checked: a sentence for each, the others still checked', () => {
  const names = ['missing', 'empty', 'unknown', 'cut-weights', 'cut-expected', 'no-json', resolve(good)];
  const { status, stdout, stderr } = spawn(['--json', ...names], folder);
  expect(status).toBe(1);
  const { ok, backend, tolerances, folders } = JSON.parse(stdout);
  expect({ ok, backend, logits: tolerances.logits }).toEqual({ ok: false, backend: 'wasm', logits: 1e-4 });
  const rows = Object.fromEntries(folders.map((row: { folder: string }) => [row.folder, row]));
  expect(Object.keys(rows)).toEqual(names);
  const at = (name: string, file: string) => `'${join(folder, name, file)}'`;
  const noSuchFile = 'there is no such file or folder.';
  expect(rows.missing).toEqual({
    ok: false,
    folder: 'missing',
    error: `Cannot read ${at('missing', 'config.json')}: ${noSuchFile}`,
  });
  expect(rows.empty.error).toBe(`Cannot read ${at('empty', 'config.json')}: ${noSuchFile}`);
  expect(rows.unknown.error).toMatch(/'architectures' is \["BertModel"\]; supported are GPT2LMHeadModel/);
  expect(rows['cut-weights'].error).toContain(at('cut-weights', 'model.safetensors'));
  expect(rows['cut-expected'].error).toContain(at('cut-expected', 'expected.safetensors'));
  expect(rows['no-json'].error).toBe(`${at('no-json', 'expected.json')} is not JSON text.`);
  expect(rows[resolve(good)]).toMatchObject({ ok: true, failures: [], greedy: { reproduced: true, tokens: 16 } });
  for (const name of names.slice(0, 6)) {
    expect(rows[name].error).not.toMatch(/bug|\n/);
    expect(stderr).toContain(`${name}: ${rows[name].error}\n`);
  }
});

test('no folder at all is one sentence', () => {
  const { status, stdout, stderr } = spawn([]);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(/^[^\n]*DIR[^\n]*\n$/);
});
