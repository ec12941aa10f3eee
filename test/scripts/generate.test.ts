// yarn generate as a person meets it: text, ids, JSON, and one sentence for bad input.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ByteTokenizer } from '../../src/data/tokenizers/byte.ts';
import { CharTokenizer } from '../../src/data/tokenizers/char.ts';
import { startBackend } from '../../src/engine/backends.ts';
import { nodeStorage } from '../../src/node/storage.ts';
import { variants } from '../support/models.ts';
import { writeRun } from '../support/runs.ts';

let folder = '';
const spawn = (...argv: string[]) => {
  const env = { ...process.env, INIT_CWD: folder, NO_COLOR: '1' };
  const command = ['--import', 'tsx', 'scripts/generate.ts', '--backend', 'cpu', ...argv];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8', env });
  return { status, stdout, stderr };
};

const alphabet = ['\n', ' ', 'a', 'b', 'c', 'ü', '🦜'];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'generate-'));
  await startBackend('cpu');
  const card = { ...variants.llama3!, context: 20 };
  await writeRun(nodeStorage, join(folder, 'runs/char'), { ...card, vocabulary: 8 }, new CharTokenizer(alphabet, true));
  await writeRun(nodeStorage, join(folder, 'runs/byte'), { ...card, vocabulary: 257 }, new ByteTokenizer());
  await writeRun(nodeStorage, join(folder, 'runs/bare'), card);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('text', () => {
  const run = ['--checkpoint', 'runs/char', '--prompt', 'aü🦜'];

  test('is the prompt and what follows; the same seed gives the same, another seed another', () => {
    const settings = ['--tokens', '12', '--temperature', '1.5'];
    const { status, stdout, stderr } = spawn(...run, ...settings);
    expect(status).toBe(0);
    expect(stdout.startsWith('aü🦜')).toBe(true);
    expect(stdout.endsWith('\n')).toBe(true);
    for (const character of stdout) expect(alphabet).toContain(character);
    expect(stderr).toMatch(/runs\/char\/checkpoints\/step-000001 \(step 1\) on cpu\n/);
    expect(stderr).toMatch(/Stopped (after 12 tokens, as asked for with --tokens|at the end token)\.\n/);
    expect(spawn(...run, ...settings, '--seed', '1').stdout).toBe(stdout);
    expect(spawn(...run, ...settings, '--seed', '2').stdout).not.toBe(stdout);
  });

  test('with --json is one document; the words go to stderr', () => {
    const { status, stdout, stderr } = spawn(...run, '--tokens', '5', '--top-k', '1', '--json');
    expect(status).toBe(0);
    const document = JSON.parse(stdout);
    expect(document).toMatchObject({
      step: 1,
      backend: 'cpu',
      settings: { tokens: 5, temperature: 0.8, topK: 1, seed: 1 },
      prompt: { text: 'aü🦜', ids: [2, 5, 6] },
    });
    expect(stderr).toContain(`aü🦜${document.text}\n`);
    // One candidate is the likeliest: the same as greedy.
    const greedy = spawn(...run, '--tokens', '5', '--temperature', '0');
    expect(greedy.stdout).toBe(`aü🦜${document.text}\n`);
  });

  test('stops where the context is full, and says so', () => {
    const { status, stdout, stderr } = spawn('--checkpoint', 'runs/bare', '--prompt-ids', '1,2,3');
    expect(status).toBe(0);
    // 3 ids of the prompt, 17 that fill the context of 20, and one predicted from it.
    expect(stdout.trim().split(' ')).toHaveLength(21);
    expect(stderr).toContain('Stopped because the context is full: the model reads 20 tokens at most.\n');
  });
});

test('the fixtures’ greedy tokens', async () => {
  const path = resolve('test/fixtures/mqa-tiny');
  const expected = JSON.parse(new TextDecoder().decode(await nodeStorage.read(join(path, 'expected.json'))));
  const prompt = expected.greedy.prompt.join(',');
  const { stdout } = spawn('--checkpoint', path, '--prompt-ids', prompt, '--tokens', '16', '--temperature', '0');
  expect(stdout).toBe(`${expected.greedy.tokens.join(' ')}\n`);
});

const fixture = resolve('test/fixtures/gpt2-tiny');
test.each<[string, string[], string | RegExp]>([
  ['no checkpoint', ['--prompt', 'a'], /^--checkpoint DIR is needed: /],
  ['no prompt', ['--checkpoint', 'runs/char'], /^--prompt TEXT is needed /],
  ['an empty prompt', ['--checkpoint', 'runs/char', '--prompt', ''], /^--prompt is empty: /],
  ['two prompts', ['--checkpoint', 'runs/char', '--prompt', 'a', '--prompt-ids', '1'], /exclude each other/],
  [
    'a long prompt',
    ['--checkpoint', 'runs/char', '--prompt', 'a'.repeat(21)],
    /21 tokens, more than the model's context of 20/,
  ],
  [
    'a foreign character',
    ['--checkpoint', 'runs/char', '--prompt', 'aé'],
    /^The character "é" \(U\+00E9\) at position 1 /,
  ],
  [
    'a negative temperature',
    ['--checkpoint', 'runs/char', '--prompt', 'a', '--temperature', '-1'],
    /^--temperature must be a number of at least 0, not '-1'\.$/,
  ],
  [
    'no tokens',
    ['--checkpoint', 'runs/char', '--prompt', 'a', '--tokens', '0'],
    /^--tokens must be a whole number of at least 1/,
  ],
  ['a missing folder', ['--checkpoint', 'runs/chars', '--prompt', 'a'], /^There is no checkpoint '.*runs\/chars'/],
  ['a folder of something else', ['--checkpoint', 'runs', '--prompt', 'a'], /runs' holds no checkpoint/],
  [
    'a text without a tokenizer',
    ['--checkpoint', fixture, '--prompt', 'a'],
    /has no tokenizer: name one with --tokenizer .* or give token ids with --prompt-ids/,
  ],
  [
    'another model’s tokenizer',
    ['--checkpoint', fixture, '--prompt', 'a', '--tokenizer', 'byte'],
    /^The tokenizer byte has 257 tokens, more than the model's 97/,
  ],
  [
    'an id outside the vocabulary',
    ['--checkpoint', fixture, '--prompt-ids', '1,97'],
    /token 97, but the model's tokens are 0 to 96/,
  ],
  [
    'ids that are none',
    ['--checkpoint', fixture, '--prompt-ids', '1,two'],
    /^--prompt-ids must be token ids separated by commas such as 1,2,3, not 'two'\.$/,
  ],
])('%s is one sentence', (_, argv, sentence) => {
  const { status, stdout, stderr } = spawn(...argv);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(/^[^\n]+\n$/);
  expect(stderr.trimEnd()).toMatch(sentence);
});

test('byte tokens are shown as whole characters: what is printed is what the ids decode to', async () => {
  const { stdout } = spawn('--checkpoint', 'runs/byte', '--prompt', 'é', '--temperature', '2', '--json');
  const { ids, text, prompt } = JSON.parse(stdout);
  expect(prompt).toEqual({ text: 'é', ids: [0xc3, 0xa9] });
  const whole = new ByteTokenizer().decode(ids);
  // Bytes at the end that only begin a character are left out.
  expect([whole, whole.replace(/\uFFFD$/, '')]).toContain(text);
});
