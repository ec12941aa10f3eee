import { sum } from '../../terms/quantities.ts';
import {
  ACTIVATION_BYTES,
  type OptimizerKind,
  type StateConvention,
  stateTerms,
  type TrainingPrecision,
} from '../../theory/precision.ts';
import { claim } from '../claim.ts';

const SLIDES = ['training-llms', 'transformer-math-101', 'lecture-compute-memory'] as const;

/** Bytes per parameter of one kind of state. */
export function perParameter(
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

export const m1 = claim({
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

export const m2 = claim({
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

export const m3 = claim({
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

export const m4 = claim({
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

export const m5 = claim({
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

export const m9 = claim({
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
