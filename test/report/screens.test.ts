// The screens as they stand on a terminal of 100 columns, written out.
import { describe, expect, it } from 'vitest';
import { resolveModelCard } from '../../src/cards/model-card.ts';
import { type BeforeFirstStep, beforeFirstStep, timeLines } from '../../src/report/before-first-step.ts';
import { type EndOfRun, endOfRun } from '../../src/report/end-of-run.ts';
import { palette, visibleWidth } from '../../src/report/palette.ts';
import { table } from '../../src/report/table.ts';

const plain = palette(false);
const coloured = palette(true);
const lines = (text: string) => text.replace(/^\n/, '').replace(/\n *$/, '').split('\n');

const card = resolveModelCard({
  name: 'llama3-tiny',
  layers: 4,
  hidden: 256,
  heads: 8,
  kvHeads: 2,
  vocabulary: 4096,
  context: 256,
  tied: true,
  mlp: { kind: 'swiglu', width: 688 },
  norm: { kind: 'rms' },
  positions: { kind: 'rope', theta: 500_000 },
});

const info: BeforeFirstStep = {
  card,
  text: {
    name: 'tiny-tales',
    tokenizer: 'bytes',
    trainTokens: 1_234_567,
    validationTokens: 65_432,
    bytesPerToken: 4.213,
    floor: { loss: 1.8321, because: "the generator's entropy" },
  },
  backend: {
    name: 'native',
    detail: 'TensorFlow 2.21.0, 2 threads',
    peakFlops: 312e9,
    bandwidth: 21.4e9,
    others: ['wasm', 'cpu'],
  },
  parameters: {
    total: 3_819_776n,
    tied: true,
    groups: [
      { name: 'embedding', value: 1_048_576n, formula: 'VD' },
      { name: 'positions', value: 0n, formula: 'KD' },
      { name: 'attention', value: 655_360n, formula: 'L·2DH(A + g)' },
      { name: 'mlp', value: 2_113_536n, formula: '3LDF' },
      { name: 'norms', value: 2304n, formula: '(2L + 1)D' },
    ],
  },
  step: {
    batch: 8,
    accumulation: 1,
    sequence: 256,
    steps: 1000,
    flops: 53_352_595_456n,
    sixN: 22_918_656,
    formula: '3·(2N + 4LSD)',
  },
  memory: [
    { name: 'parameters', value: 15_279_104, formula: '4N' },
    { name: 'AdamW', value: 30_558_208, formula: '8N' },
    { name: 'KV cache', value: 0, formula: '0' },
    { name: 'saved activations', value: 81_000_000n, formula: 'BLS(66D + 9AS)' },
  ],
};

describe('before the first step', () => {
  it('shows every quantity with its formula', () => {
    expect(beforeFirstStep(info, plain)).toEqual(
      lines(`
llama3-tiny    4 layers · hidden 256 · 8 heads over 2 KV heads of 32 · SwiGLU 688 · RMSNorm ·
               RoPE 500,000 · vocabulary 4,096, tied · context 256
text           tiny-tales · tokens of bytes · 1,234,567 train, 65,432 validation ·
               4.21 bytes per token · loss floor 1.832 nats (the generator's entropy)
backend        native (TensorFlow 2.21.0, 2 threads) · peak 312 GFLOP/s, 21.4 GB/s measured ·
               wasm, cpu also work

parameters     3,819,776 = embedding 1,048,576 · attention 655,360 · mlp 2,113,536 · norms 2,304 ·
               head tied                                        VD + L·2DH(A + g) + 3LDF + (2L + 1)D
per step       8 × 256 = 2,048 tokens · 26.05 MFLOP a token (6N says 22.92) · 53.4 GFLOP ·
               53.4 TFLOP in 1,000 steps                                               3·(2N + 4LSD)
memory         126.8 MB = parameters 15.3 + AdamW 30.6 + saved activations 81.0
                                                                            4N + 8N + BLS(66D + 9AS)
`),
    );
  });

  it('shows accumulation as a factor, and no formula where a part has none', () => {
    const text = beforeFirstStep(
      { ...info, step: { ...info.step, accumulation: 4 }, memory: [{ name: 'parameters', value: 4000 }] },
      plain,
    ).join('\n');
    expect(text).toContain('4 × 8 × 256 = 8,192 tokens');
    expect(text).toContain('6.51 MFLOP a token');
    expect(text).toMatch(/memory {9}4\.000 kB = parameters 4\.000$/);
  });

  it('says what is dropped', () => {
    const firstLines = (dropout: typeof card.dropout) =>
      beforeFirstStep({ ...info, card: { ...card, dropout } }, plain)
        .slice(0, 2)
        .join();
    expect(firstLines({ embedding: 0.1, attention: 0.1, residual: 0.1 })).toMatch(/ · dropout 0\.1$/);
    expect(firstLines({ embedding: 0, attention: 0.1, residual: 0.2 })).toMatch(/ · dropout 0\/0\.1\/0\.2$/);
  });

  it('adds the time once it is known', () => {
    const time = {
      secondsPerStep: 0.271,
      steps: 1000,
      warmupSteps: 2,
      flopsPerStep: 53_352_595_456n,
      peakFlops: 312e9,
    };
    expect(timeLines(time, plain)).toEqual(
      lines(`
time           271 ms per step → 1,000 steps in 4 min 31 s · 197 GFLOP/s ·
               63.1 % of the measured peak · from 2 warm-up steps
`),
    );
  });

  it('keeps its width under colours, and never exceeds it', () => {
    for (const width of [80, 90, 100]) {
      const widths = beforeFirstStep(info, coloured, width).map(visibleWidth);
      expect(widths).toEqual(beforeFirstStep(info, plain, width).map(visibleWidth));
      expect(Math.max(...widths)).toBeLessThanOrEqual(width);
    }
  });
});

describe('the end of a run', () => {
  const run: EndOfRun = {
    curve: { train: [{ step: 1, loss: 3 }], validation: [], floor: 1.5 },
    trainLoss: 2,
    validationLoss: 2.1,
    best: { loss: 2.05, step: 900 },
    samples: ['Once upon\na time.\u0007', 'The end'],
    stepsDone: 10,
    stepsPlanned: 20,
    endedBy: '--stop-after',
    tokens: 20_480,
    seconds: 161,
    tokensPerSecond: 7512.3,
    flopsPerSecond: 1.58e11,
    mfu: 0.521,
    peakBytes: 175e6,
    folder: 'runs/a/',
    files: ['checkpoint', 'log.jsonl', 'loss.svg'],
    next: ['yarn generate --checkpoint runs/a', 'yarn train --resume runs/a'],
  };

  it('says what was reached, where it is, and what comes next', () => {
    expect(endOfRun(run, plain)).toEqual(
      lines(`
loss           2.000 train · 2.100 validation (best 2.050 at step 900) · 1.500 floor
samples        "Once upon ⏎ a time.␦"
               "The end"
speed          7,512 tok/s · 158 GFLOP/s · MFU 52.1 %
time           2 min 41 s for 10 of 20 steps, ended by --stop-after · 20,480 tokens
memory         175 MB at the peak

saved in       runs/a/   checkpoint · log.jsonl · loss.svg
next           yarn generate --checkpoint runs/a
               yarn train --resume runs/a
`),
    );
  });

  it('draws the curve in twelve lines when there is one', () => {
    const train = [1, 2, 3].map((step) => ({ step, loss: 4 - step }));
    const drawn = endOfRun({ ...run, curve: { train, validation: [] } }, plain);
    expect(drawn.slice(1, 15).map((line) => line === '')).toEqual([true, ...new Array(12).fill(false), true]);
  });
});

describe('tables', () => {
  const columns = [{ title: 'card' }, { title: 'parameters', align: 'right' as const }, { title: 'what it is' }];
  const rows = [
    ['gpt-small', '3,819,776', 'a GPT for a laptop'],
    ['gpt3-175b', '174,591,683,584', 'the published one, far too large for any laptop'],
    ['none'],
  ];
  const expected = lines(`
card            parameters  what it is
gpt-small        3,819,776  a GPT for a laptop
gpt3-175b  174,591,683,584  the published one, far too
                            large for any laptop
none
`);

  it('align numbers right and wrap the last words', () => {
    expect(table(columns, rows, plain, 56)).toEqual(expected);
  });

  it('align alike under colours', () => {
    const painted = rows.map(([first, ...rest]) => [coloured.measured(first!), ...rest]);
    expect(table(columns, painted, coloured, 56).map(visibleWidth)).toEqual(expected.map(visibleWidth));
  });
});
