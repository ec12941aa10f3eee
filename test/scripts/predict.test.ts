// yarn predict as a person and a program meet it: its document, its screen, Hugging Face's configs, bad input.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MEMORY_CATEGORIES } from '../../src/terms/vocabulary.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

function predict(...args: string[]) {
  const command = ['--import', 'tsx', 'scripts/predict.ts', ...args];
  const env = { ...process.env, NO_COLOR: '1', INIT_CWD: folder };
  return spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8', env });
}

const documentOf = (...args: string[]) => JSON.parse(predict(...args, '--json').stdout);

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'predict-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Llama 3 8B as its config.json has it. */
const llama = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 4096,
  intermediate_size: 14336,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  vocab_size: 128256,
  max_position_embeddings: 8192,
  rms_norm_eps: 1e-5,
  rope_theta: 500000,
  hidden_act: 'silu',
  tie_word_embeddings: false,
};

describe('on hardware', () => {
  const args = '--arch llama3-8b --batch 1 --seq 8192 --precision mixed --recompute selective --hardware h100'.split(
    ' ',
  );

  it('says what a program needs: every category, the peak, what fits, the time and what it rests on', () => {
    const { memory, memoryPeak, states, hardware, hardwareFlops, flops } = documentOf(...args);
    expect(Object.keys(memory)).toEqual([...MEMORY_CATEGORIES, 'peak']);
    const N = 8_030_261_248;
    expect([memory.parameters, memory.gradients, memory.optimizer]).toEqual([2 * N, 4 * N, 12 * N]);
    expect(memory.kvCache).toBe(131_072 * 8192);
    expect(memory.peak).toBe(Math.max(...(Object.values(memoryPeak.phases) as number[])));
    expect(states['training-llms'].total).toBe(16 * N);
    expect(hardwareFlops.total).toBeGreaterThan(flops.palm.forwardBackward);
    expect(hardware).toMatchObject({ fits: false, largestBatch: 0, memoryBytes: 80 * 2 ** 30 });
    expect(hardware.time.hfu).toBeCloseTo(0.4, 10);
    expect(hardware.time.seconds).toBeCloseTo(hardwareFlops.total / (0.4 * 989.4e12), 6);
    expect(hardware.time.assumedMfuSource).toContain('Grattafiori');
  });

  it('shows it within 100 columns', () => {
    const { status, stdout } = predict(...args);
    expect(status).toBe(0);
    expect(stdout.split('\n').filter((line) => line.length > 100)).toEqual([]);
    expect(stdout).toContain('does not fit · peak is');
    expect(stdout).toMatch(/optimizer\.master +32\.1 +4N/);
    expect(stdout).toMatch(/decoder-only +16\.1 +32\.1 +96\.4 +144\.5/);
    expect(stdout).toMatch(/executed +492\.0 +60\.06 +6B·S·M \+ 12B·L·S²·A·H \+ 2B·L·S²·A·H/);
    expect(stdout).toContain('MFU 40.0 % of 989 TFLOP/s');
  });

  it('int8 is inference: no gradients, and the time of the next token', () => {
    const { memory, hardware, hardwareFlops } = documentOf(
      ...'--arch llama3-8b --precision int8 --hardware h100'.split(' '),
    );
    expect([memory.parameters, memory.gradients, memory.savedActivations]).toEqual([8_030_261_248, 0, 0]);
    expect(hardware.fits).toBe(true);
    expect(hardware.decode).toMatchObject({ bound: 'memory' });
    expect(hardware.decode.secondsPerToken).toBeGreaterThan(8.03e9 / 3.35e12);
    expect(hardwareFlops).toBeUndefined();
  });
});

describe("Hugging Face's configs", () => {
  it('a file, a folder and a card say the same of Llama 3 8B', () => {
    writeFileSync(join(folder, 'config.json'), JSON.stringify(llama));
    const { arch: _name, card: _card, ...card } = documentOf('--arch', 'llama3-8b');
    for (const path of ['config.json', '.', folder]) {
      const { arch: _arch, card: read, ...prediction } = documentOf('--hf', path);
      expect(prediction, path).toEqual(card);
      expect(read.heads).toBe(32);
    }
  });

  it('can be changed like any card', () => {
    const { parameters } = documentOf('--hf', 'test/fixtures/gpt2-tiny', '--set', 'layers=1');
    expect(parameters.total).toBeLessThan(documentOf('--hf', 'test/fixtures/gpt2-tiny').parameters.total);
  });

  it('the card of a prediction is a card again', () => {
    const first = documentOf('--hf', 'test/fixtures/llama3-tiny');
    writeFileSync(join(folder, 'again.json'), JSON.stringify(first.card));
    expect(documentOf('--card', 'again.json')).toEqual(first);
  });
});

describe('bad input is answered with one sentence', () => {
  it.each([
    ['--arch gpt2 --hf test/fixtures/gpt2-tiny', 'were both given; give one of them.'],
    ['--hf no-such-folder', /^The Hugging Face config '.*no-such-folder' cannot be read: there is no such file/],
    ['--hf test/fixtures', /^The Hugging Face config '.*config.json' cannot be read: there is no such file/],
    ['--hf bert.json', `'model_type' is "bert"; supported are GPT2LMHeadModel (gpt2)`],
    ['', 'No architecture was named: give --arch NAME (yarn list shows them), --card FILE.json or --hf config.json.'],
    ['--arch gpt2 --hardware h1000', "Unknown hardware 'h1000': did you mean h100"],
    [
      '--arch gpt2 --hardware tpu-v4',
      "The hardware 'tpu-v4' has no published peak in fp32; choose the precision mixed",
    ],
    ['--arch gpt2 --precision fp8', "Unknown --precision 'fp8': did you mean fp32"],
    ['--arch gpt2 --precision int8 --recompute full', '--precision int8 is for inference, which has no --recompute'],
    ['--arch gpt2 --mfu 0.5', "--mfu 0.5 is a share of some hardware's peak: name it"],
    ['--arch gpt2 --hardware h100 --mfu 40', "--mfu must be a number above 0 and at most 1, not '40'."],
    ['--arch gpt2 --batch 0', "--batch must be a whole number of at least 1, not '0'."],
    ['--arch gpt2 --optimizer adam', "Unknown --optimizer 'adam': did you mean adamw"],
  ])('%s', (line, sentence) => {
    writeFileSync(join(folder, 'bert.json'), '{"model_type":"bert"}');
    const { status, stdout, stderr } = predict(...line.split(' ').filter(Boolean));
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toEqual(
      typeof sentence === 'string' ? expect.stringContaining(sentence) : expect.stringMatching(sentence),
    );
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
