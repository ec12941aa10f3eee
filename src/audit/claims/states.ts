// Claims M: parameters, gradients and optimizer state.
import type { ModelCard } from '../../cards/model-card.ts';
import { BYTES_IN, sum } from '../../terms/quantities.ts';
import { documentParameters } from '../../theory/parameters.ts';
import type { OptimizerKind, TrainingPrecision } from '../../theory/precision.ts';
import { memoryTotals, trainingMemory } from '../../theory/training-memory.ts';
import { workerStates } from '../../theory/zero.ts';
import { type AnyClaim, claim } from '../claim.ts';
import { digits, inUnit, isNear, percent, thousands, times } from '../words.ts';
import { m1, m2, m3, m4, m5, m9, perParameter } from './states-bytes.ts';
import { sumClaims } from './states-sum.ts';

const m6 = claim({
  id: 'M6',
  documents: ['training-llms'],
  where: 'Activations',
  statement: 'when activations are used, Mem_params, Mem_opt and Mem_grad are significantly smaller than without',
  kinds: ['arithmetic'],
  evidence: ({ card }) =>
    ['gpt2', 'llama3-8b'].map((name) => {
      const model = card(name);
      const shape = { batch: 8, sequence: 1024 };
      const totals = (keeps: 'none' | 'full') =>
        memoryTotals(trainingMemory(model, shape, 'adamw', keeps, { precision: 'mixed' }));
      const of = ({ parameters, gradients, optimizer, savedActivations }: ReturnType<typeof totals>) => ({
        states: [parameters.value, gradients.value, optimizer.value],
        activations: savedActivations.value,
      });
      return { name, kept: of(totals('none')), recomputed: of(totals('full')) };
    }),
  parts: [
    {
      says: 'keeping activations makes the other three smaller',
      recorded: 'erratum',
      asPrinted: (rows) =>
        rows.every(({ kept, recomputed }) => kept.states.every((bytes, at) => bytes < recomputed.states[at]!)),
      corrected: (rows) =>
        rows.every(
          ({ kept, recomputed }) =>
            kept.states.every((bytes, at) => bytes === recomputed.states[at]) &&
            recomputed.activations < kept.activations,
        ),
      shouldBe: 'the three are the same; recomputation shrinks Mem_activ',
    },
  ],
  brief: ([first]) =>
    `${first!.name}, 8 × 1,024: states the same, activations ${inUnit(first!.kept.activations, 'GiB', 3)} kept, ` +
    `${inUnit(first!.recomputed.activations, 'GiB', 3)} with full recomputation`,
  details: (rows) =>
    rows.flatMap(({ name, kept, recomputed }) => [
      {
        label: `${name}: parameters, gradients, optimizer`,
        value: kept.states.map((b) => inUnit(b, 'GiB', 3)).join(' + '),
      },
      { label: `${name}: activations kept`, value: inUnit(kept.activations, 'GiB', 3) },
      { label: `${name}: activations recomputed`, value: inUnit(recomputed.activations, 'GiB', 3) },
    ]),
  explanation:
    'Parameters, gradients and optimizer state have one entry per weight, and no weight disappears because activations are stored. What ' +
    'changes with recomputation is the fourth summand alone, and that is the one the slide should have named.',
});

const m7 = claim({
  id: 'M7',
  documents: ['training-llms'],
  where: 'Distributed training',
  statement: 'sharded optimizers (ZeRO) reduce the optimizer’s memory by the number of GPUs',
  kinds: ['arithmetic', 'published'],
  evidence: () => {
    const letters = { n: 7_500_000_000n, Z: 64n, p: 2n };
    return ([0, 1, 2, 3] as const).map((stage) => {
      const choice = { precision: 'mixed', optimizer: 'adamw', convention: 'training-llms' } as const;
      const states = workerStates(letters, choice, stage);
      const bytes = (state: keyof typeof states) => Number(sum('bytes', states[state]).value);
      const [parameters, gradients, optimizer] = [bytes('parameters'), bytes('gradients'), bytes('optimizer')];
      return { stage, parameters, gradients, optimizer, total: parameters + gradients + optimizer };
    });
  },
  parts: [
    {
      says: 'stage 1 divides the optimizer by the number of GPUs; stages 2 and 3 gradients and parameters too',
      recorded: 'holds',
      asPrinted: ([none, one, two, three]) =>
        none!.optimizer === 64 * one!.optimizer &&
        one!.gradients === none!.gradients &&
        none!.gradients === 64 * two!.gradients &&
        two!.parameters === none!.parameters &&
        none!.parameters === 64 * three!.parameters,
    },
    {
      says: 'the ZeRO paper’s example, 7.5 B parameters on 64 GPUs: 120, 31.4, 16.6, 1.9 GB',
      recorded: 'holds',
      asPrinted: (stages) =>
        [120, 31.4, 16.6, 1.9].every((printed, at) => isNear(stages[at]!.total / 1e9, printed, 0.015)),
    },
  ],
  brief: (stages) =>
    `7.5 B on 64 GPUs, stages 0 to 3: ${stages.map(({ total }) => digits(total / 1e9, 3)).join(', ')} GB each`,
  details: (stages) =>
    stages.map(({ stage, parameters, gradients, optimizer }) => ({
      label: `stage ${stage}`,
      value: [parameters, gradients, optimizer].map((bytes) => digits(bytes / 1e9, 3)).join(' + '),
      note: 'GB of parameters, gradients, optimizer',
    })),
});

/** Section 2.6 with its own inputs: the blocks' matrices and the embedding. */
function documentedGpt3(card: ModelCard) {
  const parameters = documentParameters(card).value + BigInt(card.vocabulary * card.hidden);
  const gib = (bytesPerParameter: number) => (Number(parameters) * bytesPerParameter) / Number(BYTES_IN.GiB);
  return { parameters, states: [2, 4, 12].map(gib), total: gib(18) };
}

const PRINTED = { total: 1463, states: [162, 325, 975] };

const m8 = claim({
  id: 'M8',
  documents: ['decoder-only'],
  where: '(2.16), (2.17)',
  statement:
    'GPT-3 in mixed precision: non-activation memory ≈ 1463 TiB = 162 + 325 + 975 (parameters, gradients, optimizer)',
  kinds: ['arithmetic'],
  evidence: ({ card }) => documentedGpt3(card('gpt3-175b')),
  parts: [
    {
      says: 'the unit is TiB',
      recorded: 'erratum',
      // The numbers themselves are off by 2 (the next part), the unit by 1024: whichever power of two is nearer.
      asPrinted: ({ total }) => Math.abs(Math.log2((PRINTED.total * 1024) / total)) < 1.5,
      corrected: ({ total }) => Math.abs(Math.log2(PRINTED.total / total)) < 1.5,
      shouldBe: 'GiB',
    },
    {
      says: 'the numbers are 162 + 325 + 975 = 1463',
      recorded: 'erratum',
      asPrinted: ({ states, total }) =>
        isNear(total, PRINTED.total, 0.01) && states.every((gib, at) => isNear(gib, PRINTED.states[at]!, 0.01)),
      corrected: ({ states, total }) =>
        isNear(total, 2 * PRINTED.total, 0.001) &&
        states.every((gib, at) => isNear(gib, 2 * PRINTED.states[at]!, 0.005)),
      shouldBe: '325 + 650 + 1951 = 2926, by (2.3) and (2.4)',
    },
  ],
  brief: ({ states, total }) =>
    `${states.map((gib) => digits(gib)).join(' + ')} = ${digits(total, 5)} GiB: each printed number is half of its own formula`,
  details: ({ parameters, states, total }) => [
    { label: 'parameters', value: thousands(parameters), note: '12·L·D² + V·D, L = 96, D = 12288, V = 50257' },
    ...['2N', '4N', '12N'].map((label, at) => ({
      label,
      value: `${digits(states[at]!)} GiB`,
      note: `printed: ${PRINTED.states[at]} TiB, ${percent(PRINTED.states[at]! / states[at]!)} of the number in GiB`,
    })),
    { label: '18N', value: `${digits(total, 5)} GiB`, note: `${digits(total / 1024, 3)} TiB` },
  ],
  explanation:
    '175 billion parameters of 2 bytes are 350 billion bytes, a third of a TiB and not 162 of them: TiB is a slip for GiB. The numbers ' +
    'are also exactly half of 2N, 4N and 12N, as if each formula had been evaluated with half of the bytes per parameter.',
});

const m12 = claim({
  id: 'M12',
  documents: ['transformer-math-101'],
  where: 'Memory requirements, mixed precision',
  statement: 'mixed precision keeps the accuracy of single precision, speeds up and reduces the memory of training',
  kinds: ['arithmetic', 'measured'],
  evidence: ({ card }) => {
    const model = card('gpt2');
    const bytes = (batch: number, precision: TrainingPrecision) => {
      const totals = memoryTotals(trainingMemory(model, { batch, sequence: 1024 }, 'adamw', 'none', { precision }));
      return Object.values(totals).reduce((all, { value }) => all + value, 0n);
    };
    return [1, 8, 64].map((batch) => ({ batch, ratio: Number(bytes(batch, 'mixed')) / Number(bytes(batch, 'fp32')) }));
  },
  parts: [
    {
      says: 'it keeps the accuracy and is faster',
      recorded: 'pending: ledger',
      missing:
        'training with tensors that a backend really stores in 16 bits: loss curve, time and bytes beside float32',
    },
    {
      says: 'it reduces memory, as soon as activations outweigh the two bytes per parameter that it adds (A6)',
      recorded: 'holds',
      asPrinted: (rows) => rows.every(({ ratio }) => ratio < 1) && rows.at(-1)!.ratio < rows[0]!.ratio,
    },
  ],
  brief: (rows) =>
    `gpt2 × 1,024, mixed ÷ float32: ${rows.map(({ batch, ratio }) => `${times(ratio)} at batch ${batch}`).join(', ')}`,
});

const m13 = claim({
  id: 'M13',
  documents: ['transformer-math-101', 'training-llms'],
  where: 'Optimizer states, bitsandbytes',
  statement: 'an 8-bit AdamW works with one byte each for momentum and variance',
  kinds: ['arithmetic', 'measured'],
  evidence: () => {
    const bytes = (kind: OptimizerKind) => perParameter('lecture-compute-memory', kind).optimizer;
    return { full: bytes('adamw'), short: bytes('adamw-8bit') };
  },
  parts: [
    {
      says: 'it trains as well',
      recorded: 'pending: generation',
      missing: 'an optimizer whose state is stored in one byte per element, and its loss curve beside float32 AdamW’s',
    },
    {
      says: 'the two moments take 2 bytes per parameter, a quarter of what they take in float32 (scales of blocks left out)',
      recorded: 'holds',
      asPrinted: ({ full, short }) => short === 2 && full === 4 * short,
    },
  ],
  brief: ({ full, short }) => `${full} bytes per parameter in float32, ${short} in 8 bits`,
});

const [m10, m11] = sumClaims;

export const stateClaims: readonly AnyClaim[] = [m1, m2, m3, m4, m5, m6, m7, m8, m9, m10!, m11!, m12, m13];
