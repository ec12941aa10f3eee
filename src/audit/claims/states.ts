// Claims M: parameters, gradients and optimizer state.
import type { ModelCard } from '../../cards/model-card.ts';
import { BYTES_IN, sum } from '../../terms/quantities.ts';
import { documentParameters } from '../../theory/parameters.ts';
import {
  ACTIVATION_BYTES,
  type OptimizerKind,
  type StateConvention,
  stateTerms,
  type TrainingPrecision,
} from '../../theory/precision.ts';
import { memoryTotals, trainingMemory } from '../../theory/training-memory.ts';
import { workerStates } from '../../theory/zero.ts';
import { type AnyClaim, claim } from '../claim.ts';
import { digits, inUnit, isNear, percent, thousands, times } from '../words.ts';
import { sumClaims } from './states-sum.ts';

const SLIDES = ['training-llms', 'transformer-math-101', 'lecture-compute-memory'] as const;

/** Bytes per parameter of one kind of state. */
function perParameter(
  convention: StateConvention,
  optimizer: OptimizerKind,
  precision: TrainingPrecision = 'mixed',
): Record<'parameters' | 'gradients' | 'optimizer', number> {
  const letters = { N: 1n, p: ACTIVATION_BYTES[precision] };
  const states = stateTerms(letters, precision, optimizer, convention);
  const bytes = (state: keyof typeof states) => Number(sum('bytes', states[state]).value);
  return { parameters: bytes('parameters'), gradients: bytes('gradients'), optimizer: bytes('optimizer') };
}

const OPTIMIZERS = ['adamw', 'adamw-8bit', 'sgd-momentum'] as const;

/** Optimizer bytes per parameter in mixed precision, with the master copy counted there or not. */
const optimizerBytes = () => ({
  copyInOptimizer: OPTIMIZERS.map((kind) => perParameter('training-llms', kind).optimizer),
  copyIsModel: OPTIMIZERS.map((kind) => perParameter('lecture-compute-memory', kind).optimizer),
  together: OPTIMIZERS.map((kind) => ({
    kind,
    slides: total(perParameter('training-llms', kind)),
    lecture: total(perParameter('lecture-compute-memory', kind)),
  })),
});

const total = (states: ReturnType<typeof perParameter>) => states.parameters + states.gradients + states.optimizer;
const same = (values: readonly number[], printed: readonly number[]) => String(values) === String(printed);

const m1 = claim({
  id: 'M1',
  documents: SLIDES,
  where: 'Model parameters',
  statement: 'bytes per parameter: fp32 4, fp16 and bf16 2, int8 1',
  kinds: ['arithmetic'],
  evidence: () => ({
    fp32: Float32Array.BYTES_PER_ELEMENT,
    'fp16, bf16': Uint16Array.BYTES_PER_ELEMENT,
    int8: Int8Array.BYTES_PER_ELEMENT,
  }),
  parts: [
    {
      says: '4, 2 and 1',
      recorded: 'holds',
      asPrinted: (bytes) =>
        same(Object.values(bytes), [4, 2, 1]) &&
        perParameter('training-llms', 'adamw', 'fp32').parameters === bytes.fp32 &&
        perParameter('training-llms', 'adamw', 'mixed').parameters === bytes['fp16, bf16'],
    },
  ],
  brief: (bytes) =>
    Object.entries(bytes)
      .map(([format, size]) => `${format} ${size}`)
      .join(', '),
});

const m2 = claim({
  id: 'M2',
  documents: ['training-llms', 'transformer-math-101'],
  where: 'Optimizer states',
  statement: 'optimizer memory per parameter: AdamW 12 bytes, 8-bit AdamW 6, SGD with momentum 8',
  kinds: ['arithmetic'],
  evidence: optimizerBytes,
  parts: [
    {
      says: '12, 6 and 8, whatever the precision',
      recorded: 'convention',
      asPrinted: ({ copyInOptimizer, copyIsModel }) =>
        same(copyInOptimizer, [12, 6, 8]) && same(copyIsModel, [12, 6, 8]),
      sides: [
        {
          who: 'training-llms, transformer-math-101',
          says: '12, 6, 8',
          when: 'precision is mixed and the float32 master copy counts as optimizer state',
          holds: ({ copyInOptimizer }) => same(copyInOptimizer, [12, 6, 8]),
          holdsElsewhere: ({ copyIsModel }) => same(copyIsModel, [12, 6, 8]),
        },
        {
          who: 'lecture-compute-memory, decoder-only (2.1)',
          says: '8, 2, 4',
          when: 'the model itself is float32 and is its own master copy (M3)',
          holds: ({ copyIsModel }) => same(copyIsModel, [8, 2, 4]),
          holdsElsewhere: ({ copyInOptimizer }) => same(copyInOptimizer, [8, 2, 4]),
        },
      ],
    },
  ],
  brief: ({ copyInOptimizer }) => `momentum, variance and a copy of 4 bytes: ${copyInOptimizer.join(', ')}`,
  details: ({ together }) => stateRows(together),
});

const stateRows = (rows: ReturnType<typeof optimizerBytes>['together']) =>
  rows.map(({ kind, slides, lecture }) => ({
    label: kind,
    value: `${slides} bytes`,
    note: `parameters, gradients and optimizer together; ${lecture} where the model is the copy`,
  }));

const m3 = claim({
  id: 'M3',
  documents: ['lecture-compute-memory', 'decoder-only'],
  where: 'Optimizer states; (2.1)',
  statement: 'AdamW keeps 8 bytes per parameter (both), 8-bit AdamW 2 (the lecture)',
  kinds: ['arithmetic'],
  evidence: optimizerBytes,
  parts: [
    {
      says: '8 and 2, whatever the precision',
      recorded: 'convention',
      asPrinted: ({ copyIsModel, copyInOptimizer }) =>
        same(copyIsModel.slice(0, 2), [8, 2]) && same(copyInOptimizer.slice(0, 2), [8, 2]),
      sides: [
        {
          who: 'lecture-compute-memory, decoder-only (2.1)',
          says: '8 and 2',
          when: 'the model is float32: it is the master copy itself',
          holds: ({ copyIsModel }) => same(copyIsModel.slice(0, 2), [8, 2]),
          holdsElsewhere: ({ copyInOptimizer }) => same(copyInOptimizer.slice(0, 2), [8, 2]),
        },
        {
          who: 'training-llms, transformer-math-101, decoder-only (2.3)',
          says: '12 and 6',
          when: 'precision is mixed and the master copy counts as optimizer state (M2)',
          holds: ({ copyInOptimizer }) => same(copyInOptimizer.slice(0, 2), [12, 6]),
          holdsElsewhere: ({ copyIsModel }) => same(copyIsModel.slice(0, 2), [12, 6]),
        },
      ],
    },
  ],
  brief: ({ copyIsModel }) => `momentum and variance alone: ${copyIsModel.slice(0, 2).join(', ')} bytes`,
  details: ({ together }) => stateRows(together),
});

const m4 = claim({
  id: 'M4',
  documents: ['decoder-only'],
  where: '(2.1), (2.3), (2.4)',
  statement: 'without mixed precision 4N + 8N, with it 2N + 12N; gradients 4N in both',
  kinds: ['arithmetic'],
  evidence: () => ({
    fp32: perParameter('decoder-only', 'adamw', 'fp32'),
    mixed: perParameter('decoder-only', 'adamw', 'mixed'),
    // What Adam needs, from scratch: two running averages; a copy of the weights where they are short.
    needed: { fp32: [4, 4, 4 + 4], mixed: [2, 4, 4 + 4 + 4] },
  }),
  parts: [
    {
      says: 'parameters, gradients, optimizer: 4 + 4 + 8 and 2 + 4 + 12 bytes',
      recorded: 'holds',
      asPrinted: ({ fp32, mixed, needed }) =>
        same(Object.values(fp32), needed.fp32) && same(Object.values(mixed), needed.mixed),
    },
  ],
  brief: ({ fp32, mixed }) =>
    `${total(fp32)}N against ${total(mixed)}N: mixed precision needs more where nothing is kept`,
});

const m5 = claim({
  id: 'M5',
  documents: ['training-llms', 'lecture-compute-memory'],
  where: 'Gradients',
  statement: 'gradients are stored in the datatype of the parameters: 4, 2 or 1 bytes each',
  kinds: ['arithmetic'],
  evidence: () => ({
    asParameters: perParameter('training-llms', 'adamw').gradients,
    converted: perParameter('decoder-only', 'adamw').gradients,
    fp32: perParameter('training-llms', 'adamw', 'fp32').gradients,
  }),
  parts: [
    {
      says: 'in mixed precision too',
      recorded: 'convention',
      asPrinted: ({ asParameters, converted }) => asParameters === converted,
      sides: [
        {
          who: 'training-llms, lecture-compute-memory',
          says: '2N in 16 bits',
          when: 'the update reads the gradients as the backward pass left them',
          holds: ({ asParameters, fp32 }) => asParameters === 2 && fp32 === 4,
          holdsElsewhere: ({ converted }) => converted === 2,
        },
        {
          who: 'decoder-only (2.4)',
          says: '4N always',
          when: 'they are all converted to float32 before the update of the master copy',
          holds: ({ converted, fp32 }) => converted === 4 && fp32 === 4,
          holdsElsewhere: ({ asParameters }) => asParameters === 4,
        },
      ],
    },
  ],
  brief: ({ asParameters, converted }) =>
    `${asParameters}N or ${converted}N in mixed precision; 4N in float32 for both`,
});

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

const m9 = claim({
  id: 'M9',
  documents: ['transformer-math-101'],
  where: 'Memory requirements',
  statement: 'Adam has to keep track of 3 gradient copies',
  kinds: ['arithmetic'],
  evidence: () => ({
    mixed: perParameter('training-llms', 'adamw').optimizer / 4,
    fp32: perParameter('training-llms', 'adamw', 'fp32').optimizer / 4,
  }),
  parts: [
    {
      says: 'three arrays as large as a float32 gradient, whatever the precision',
      recorded: 'convention',
      asPrinted: ({ mixed, fp32 }) => mixed === 3 && fp32 === 3,
      sides: [
        {
          who: 'transformer-math-101',
          says: 'three: master copy, momentum, variance (copies of the size of gradients, not of gradients)',
          when: 'precision is mixed and the master copy counts as optimizer state',
          holds: ({ mixed }) => mixed === 3,
          holdsElsewhere: ({ fp32 }) => fp32 === 3,
        },
        {
          who: 'decoder-only, footnote 16',
          says: 'two running averages per parameter',
          when: 'the model is float32, or its copy is counted elsewhere',
          holds: ({ fp32 }) => fp32 === 2,
          holdsElsewhere: ({ mixed }) => mixed === 2,
        },
      ],
    },
  ],
  brief: ({ mixed, fp32 }) =>
    `${mixed} arrays of 4 bytes in mixed precision, ${fp32} in float32; the gradient itself is one more`,
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
