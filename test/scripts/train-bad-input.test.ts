// Bad input to yarn train: one sentence, exit code 1, no stack trace, nothing written, and no backend started for it.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import * as backends from '../../src/engine/backends.ts';
import { contents, temporaryFolder, yarnTrain } from '../support/train.ts';

vi.mock('../../src/engine/backends.ts', async (original) => {
  const module = await original<typeof backends>();
  return { ...module, useBackend: vi.fn(module.useBackend) };
});

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const run = at('run');
const out = at('out');
const small = ['--batch', '2', '--seq', '8', '--backend', 'cpu', '--evaluate-windows', '1'];

beforeAll(async () => {
  writeFileSync(at('text.txt'), 'The quick brown fox jumps over the lazy dog. '.repeat(60));
  writeFileSync(at('other.txt'), 'Two foxes. '.repeat(90));
  writeFileSync(at('empty.txt'), '');
  writeFileSync(at('short.txt'), 'a');
  writeFileSync(at('binary.txt'), Buffer.from([80, 75, 3, 4, 0, 0, 1, 2]));
  writeFileSync(at('latin1.txt'), Buffer.from('caf\xe9 au lait '.repeat(50), 'latin1'));
  const card = readFileSync('models/gpt-debug.json', 'utf8');
  writeFileSync(at('broken-card.json'), '{"layers": 2,');
  writeFileSync(at('odd-card.json'), card.replace('"layers"', '"hiden": 32, "layers"'));
  writeFileSync(at('config.json'), '{"stpes": 20}');
  writeFileSync(at('bad-config.json'), '{"lr": "fast"}');
  mkdirSync(at('mine'));
  writeFileSync(at('mine/thesis.tex'), 'years of work');
  mkdirSync(at('nothing'));
  const options = ['--arch', 'gpt-debug', '--dataset', `file:${at('text.txt')}`, '--tokenizer', 'byte', ...small];
  const { code, stderr } = await yarnTrain(...options, '--steps', '4', '--save-every', '1', '--out', run);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  for (const copy of ['damaged-run', 'damaged-checkpoint', 'unfinished', 'changed-text', 'strange-checkpoint']) {
    cpSync(run, at(copy), { recursive: true });
  }
  writeFileSync(at('damaged-run/run.json'), readFileSync(join(run, 'run.json'), 'utf8').slice(0, 400));
  const weights = at('damaged-checkpoint/checkpoints/step-000004/weights.safetensors');
  const bytes = readFileSync(weights);
  bytes[bytes.length - 9]! ^= 1;
  writeFileSync(weights, bytes);
  edit('changed-text/run.json', (json) => json.replace(/"corpus": "...../, '"corpus": "00000'));
  edit('strange-checkpoint/run.json', (json) => json.replace('"hidden": 32', '"hidden": 64'));
});

beforeEach(() => {
  vi.mocked(backends.useBackend).mockClear();
});

function edit(name: string, change: (text: string) => string): void {
  const before = readFileSync(at(name), 'utf8');
  expect(change(before)).not.toBe(before);
  writeFileSync(at(name), change(before));
}

/** Expects the arguments to be refused with a sentence, and every file to stay as it is. */
async function refuses(argv: readonly string[], sentence: RegExp): Promise<void> {
  const before = contents(folder);
  const { code, stdout, stderr } = await yarnTrain(...argv);
  expect(stderr).toMatch(sentence);
  expect({ code, stdout, lines: stderr.split('\n').length }).toEqual({ code: 1, stdout: '', lines: 2 });
  expect(stderr).not.toMatch(/\n\s+at |This is a bug|undefined|NaN/);
  expect(withoutCache(contents(folder))).toEqual(withoutCache(before));
  expect(backends.useBackend).not.toHaveBeenCalled();
}

const withoutCache = (files: Record<string, string>) =>
  Object.fromEntries(Object.entries(files).filter(([path]) => !path.startsWith('cache')));

const text = (name: string) => ['--dataset', `file:${at(name)}`];
const gpt = ['--arch', 'gpt-debug', '--out', out, ...text('text.txt'), '--tokenizer', 'byte'];

describe('a new run is refused for', () => {
  it.each<[string, string[], RegExp]>([
    ['no architecture', ['--out', out], /^No architecture was named: give --arch NAME/],
    ['an unknown arch', ['--arch', 'gtp-small'], /^Unknown arch 'gtp-small': did you mean gpt-small/],
    ['two architectures', ['--arch', 'gpt-debug', '--card', 'x.json'], /were both given; give one/],
    [
      'an unknown dataset',
      ['--arch', 'gpt-debug', '--dataset', 'tiny-tails'],
      /^Unknown dataset 'tiny-tails': did you mean tiny-tales/,
    ],
    ['a path as dataset', ['--arch', 'gpt-debug', '--dataset', at('text.txt')], /for a path write file:/],
    ['an unknown tokenizer', [...gpt.slice(0, -1), 'bite'], /^Unknown tokenizer 'bite': did you mean byte/],
    ['an unknown backend', [...gpt, '--backend', 'nativ'], /^Unknown --backend 'nativ': did you mean native/],
    ['an unknown preset', ['--preset', 'nanogpt'], /^Unknown --preset 'nanogpt': did you mean nanogpt-cpu/],
    ['an unknown option', [...gpt, '--stesp', '3'], /^Unknown option '--stesp': did you mean --steps/],
    ['an unknown key', [...gpt, '--set', 'mlp.knid=relu'], /mlp\.kind/],
    ['an unknown value', [...gpt, '--set', 'mlp.kind=swigul'], /swiglu/],
    ['a value that is not KEY=VALUE', [...gpt, '--set', 'layers'], /must be KEY=VALUE/],
    ['heads that do not divide', [...gpt, '--set', 'heads=5'], /heads/],
    ['KV heads that do not divide', [...gpt, '--set', 'kvHeads=3'], /kvHeads/],
    ['an odd head size for RoPE', ['--arch', 'llama3-debug', '--set', 'headSize=7', '--out', out], /headSize/],
    ['a missing card', ['--card', at('none.json')], /none\.json' cannot be read/],
    ['a card that is not JSON', ['--card', at('broken-card.json')], /is not JSON/],
    ['a card with an unknown field', ['--card', at('odd-card.json')], /hiden/],
    [
      'a configuration with an unknown key',
      ['--config', at('config.json')],
      /^Unknown option 'stpes' in configuration .*: did you mean steps/,
    ],
    [
      'a configuration with a wrong value',
      ['--config', at('bad-config.json')],
      /'lr' in configuration .* must be a number above 0, not 'fast'/,
    ],
    [
      'a sequence longer than the context',
      [...gpt, '--seq', '64'],
      /^--seq 64 is longer than the context of gpt-debug, 32/,
    ],
    [
      'a context longer than the text',
      [...gpt, ...['--set', 'context=9999'], '--batch', '1'],
      /^A context of 9999 is longer than the training text: .* --seq \d+ or less fits/,
    ],
    [
      'a text shorter than one batch',
      [...gpt, '--batch', '500'],
      /is shorter than one batch: 500 × 32 \+ 1 = 16001 are needed/,
    ],
    ['accumulation over more than the text', [...gpt, '--accumulate', '500'], /is shorter than one batch: 4000 × 32/],
    ['a missing text', [...gpt.slice(0, 4), ...text('none.txt')], /none\.txt': there is no such file/],
    ['an empty text', [...gpt.slice(0, 4), ...text('empty.txt')], /empty\.txt' is empty/],
    [
      'a text too short to be split',
      [...gpt.slice(0, 4), ...text('short.txt'), '--tokenizer', 'byte'],
      /short\.txt is too short to be split: 1 characters/,
    ],
    [
      'a binary text',
      [...gpt.slice(0, 4), ...text('binary.txt')],
      /binary\.txt' is binary, not text: it has a NUL byte at offset 4/,
    ],
    [
      'a text in Latin-1',
      [...gpt.slice(0, 4), ...text('latin1.txt')],
      /latin1\.txt' is not UTF-8 text: the byte 0xE9 at offset 3/,
    ],
    ['a folder as text', [...gpt.slice(0, 4), ...text('nothing')], /nothing': it is a folder/],
    ['an empty folder of texts', [...gpt.slice(0, 4), '--dataset', `dir:${at('nothing')}`], /There is no text below/],
    [
      'another text as tinyshakespeare',
      [...gpt.slice(0, 4), '--dataset', `tinyshakespeare:${at('text.txt')}`],
      /is not tinyshakespeare/,
    ],
    ['no steps', [...gpt, '--steps', '0'], /^--steps must be a whole number of at least 1, not '0'/],
    ['a negative batch', [...gpt, '--batch', '-2'], /^--batch must be a whole number of at least 1, not '-2'/],
    ['a fractional sequence', [...gpt, '--seq', '7.5'], /^--seq must be a whole number of at least 1, not '7.5'/],
    ['a learning rate of zero', [...gpt, '--lr', '0'], /^--lr must be a number above 0, not '0'/],
    ['a learning rate that is no number', [...gpt, '--clip=nan'], /^--clip must be a number above 0, not 'nan'/],
    ['an infinite target', [...gpt, '--target-loss', 'Infinity'], /^--target-loss must be a number above 0/],
    ['a minimum above the learning rate', [...gpt, '--min-lr', '1'], /^--min-lr 1 is above --lr 0\.001/],
    ['a negative seed', [...gpt, '--seed=-1'], /^--seed must be a whole number of at least 0, not '-1'/],
    ['no threads', [...gpt, '--threads', '0'], /^--threads must be a whole number of at least 1/],
    ['weights and an architecture', [...gpt, '--init-from', run], /brings its own architecture/],
    ['weights from nowhere', ['--init-from', at('nothing'), '--out', out], /holds no checkpoint/],
    [
      'weights and another vocabulary',
      ['--init-from', run, '--out', out, '--tokenizer', 'char', ...text('text.txt')],
      /^The weights are for a vocabulary of 257, but tokenizer char has \d+/,
    ],
  ])('%s', async (_, argv, sentence) => {
    await refuses(argv, sentence);
  });
});

describe('an output folder is refused when', () => {
  const into = (path: string) => [...gpt.slice(0, 2), ...gpt.slice(4), '--out', path];
  it.each<[string, string, RegExp]>([
    ['it holds a run', run, /already holds a run of gpt-debug: give --resume .* or another --out/],
    ['it holds a damaged run', at('damaged-run'), /run\.json' is not JSON text/],
    ['it holds something else', at('mine'), /is not empty and holds no run \('thesis\.tex' lies there\)/],
    ['it is a file', at('text.txt'), /text\.txt': a part of the path is a file/],
    [
      'it lies below a file',
      at('text.txt/a/b'),
      /cannot be written in '.*text\.txt': a part of the path is a file, not a folder; give another --out/,
    ],
    ['nobody may write there', '/proc/a/b', /^The run's folder '\/proc\/a\/b' cannot be written in '\/proc'/],
  ])('%s', async (_, path, sentence) => {
    await refuses(into(path), sentence);
  });
});

describe('what cannot fit into memory is refused, with what would fit', () => {
  it.each<[string, string[], RegExp]>([
    [
      'a card',
      ['--arch', 'llama3-405b', '--out', out],
      /^Training llama3-405b on 8 × 131072 tokens needs about \d+\.\d GB, and \d+\.\d GB are free, not even for one token: the largest card that would is \S+\.\n$/,
    ],
    [
      'a batch',
      [...gpt, '--batch', '99999999'],
      /^Training gpt-debug .*: --batch \d+ would fit, with --accumulate \d+ for the same step\.\n$/,
    ],
    [
      'a heap of WebAssembly',
      [...gpt, '--arch=llama3-medium', '--batch', '512', '--backend', 'wasm'].filter(
        (arg) => arg !== '--arch' && arg !== 'gpt-debug',
      ),
      /and 3\.7 GB are what the wasm backend can hold: --batch \d+ would fit/,
    ],
  ])('%s', async (_, argv, sentence) => {
    await refuses(argv, sentence);
  });
});

describe('--resume is refused for', () => {
  const resume = (path: string, ...more: string[]) => ['--resume', path, ...more];
  it.each<[string, string[], RegExp]>([
    ['a folder that is not there', resume(at('none')), /none' holds no run: .* is missing/],
    ['a folder without a run', resume(at('mine')), /mine' holds no run: .*run\.json' is missing/],
    ['a damaged run.json', resume(at('damaged-run')), /run\.json' is not JSON text/],
    ['a run that is finished', resume(run), /^The run has done all 4 steps: give more, such as --steps 8\.\n$/],
    [
      'a finished run with another batch',
      resume(run, '--batch', '4'),
      /was made with --batch 2, not with --batch 4: leave it out, or start a new run/,
    ],
    ['another seed', resume(run, '--seed', '2'), /was made with --seed 1, not with --seed 2/],
    ['another card', resume(run, '--arch', 'mqa-debug'), /with --arch gpt-debug, not with --arch mqa-debug/],
    ['a changed card', resume(run, '--set', 'layers=3'), /without --set, not with --set layers=3/],
    [
      'another text',
      resume(run, ...text('other.txt')),
      /was made with --dataset file:.*text\.txt, not with --dataset file:.*other\.txt/,
    ],
    ['another optimizer', resume(run, '--optimizer', 'sgd'), /with --optimizer adamw, not with --optimizer sgd/],
    ['weights from elsewhere', resume(run, '--init-from', run), /without --init-from/],
    ['another folder', resume(run, '--out', out), /goes on in '.*run' as that run began: leave --out .* out/],
    [
      'a stop that lies behind',
      resume(run, '--steps', '9', '--stop-after', '3'),
      /^--stop-after 3 lies behind .* at step 4/,
    ],
    [
      'tokens that are used up',
      resume(run, '--steps', '9', '--max-tokens', '10'),
      /^--max-tokens 10 is reached: the run has trained on 64 tokens/,
    ],
    [
      'a damaged checkpoint',
      resume(at('damaged-checkpoint'), '--steps', '9'),
      /^Checkpoint '.*step-000004' is refused: .* was changed: .* The last good one is '.*step-000003'\.\n$/,
    ],
    [
      'a text that has changed',
      resume(at('changed-text'), '--steps', '9'),
      /^The text of .* is not what the run .* began with/,
    ],
    [
      'a checkpoint of another model',
      resume(at('strange-checkpoint'), '--steps', '9'),
      /step-000004' is of another model \(gpt-debug\) than the run/,
    ],
  ])('%s', async (_, argv, sentence) => {
    await refuses(argv, sentence);
  });
});

it('with --json the sentence is the document', async () => {
  const { code, stdout, stderr } = await yarnTrain('--json', '--arch', 'gtp-small');
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toEqual({ error: stderr.trim() });
});

it('--debug adds the stack trace', async () => {
  const { stderr } = await yarnTrain('--debug', '--arch', 'gtp-small');
  expect(stderr).toMatch(/^Unknown arch 'gtp-small'.*\n(.*\n)*\s+at /);
});
