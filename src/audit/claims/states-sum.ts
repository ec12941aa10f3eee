// Claims M10 and M11: the sum that memory is made of, and what holds training back.
import { sum } from '../../terms/quantities.ts';
import { countParameters } from '../../theory/parameters.ts';
import { peakMemory } from '../../theory/peak.ts';
import { intensity, machineOf, matrixProductWork, ridgePoint } from '../../theory/roofline.ts';
import { memoryTotals, trainingMemory } from '../../theory/training-memory.ts';
import { type AnyClaim, claim } from '../claim.ts';
import { stepTimes } from '../measurements/step-times.ts';
import { digits, inUnit, percent, thousands, times } from '../words.ts';

const CASES = [
  { name: 'gpt-small', batch: 8, sequence: 128 },
  { name: 'gpt2', batch: 8, sequence: 1024 },
  { name: 'llama3-8b', batch: 1, sequence: 8192 },
  { name: 'gpt3-175b', batch: 1, sequence: 2048 },
] as const;

const m10 = claim({
  id: 'M10',
  documents: ['training-llms', 'lecture-compute-memory', 'transformer-math-101'],
  where: 'Activations; memory requirements',
  statement: 'Mem_training = Mem_params + Mem_opt + Mem_grad (+ Mem_activ)',
  kinds: ['arithmetic', 'measured'],
  evidence: ({ card }) =>
    CASES.map(({ name, ...shape }) => {
      const model = card(name);
      const { parameters, optimizer, gradients, savedActivations } = memoryTotals(trainingMemory(model, shape));
      const peak = peakMemory(model, shape);
      const temporaries = sum('bytes', peak.categories[peak.largest].temporaries).value;
      return {
        name,
        shape,
        four: Number(parameters.value + optimizer.value + gradients.value + savedActivations.value),
        peak: Number(peak.total.value),
        largest: peak.largest,
        temporaries: Number(temporaries),
      };
    }),
  parts: [
    {
      says: 'the sum of the four is the peak of a step',
      recorded: 'approximates',
      asPrinted: (rows) => rows.every(({ four, peak }) => four === peak),
      approximation: {
        ratios: (rows) => Object.fromEntries(rows.map(({ name, four, peak }) => [name, four / peak])),
        within: [0.6, 1.4],
        until: () =>
          'temporaries outweigh what is kept; and gradients and activations do not peak together: when all gradients exist, ' +
          'most activations are released, so that the sum may also be too large',
      },
    },
    {
      says: 'measured: the peak of a real step, row by row',
      recorded: 'pending: ledger',
      missing: 'births and deaths of buffers, from which the true peak of a real step follows (the profiler)',
    },
  ],
  brief: (rows) =>
    `sum ÷ predicted peak: ${rows.map(({ name, four, peak }) => `${name} ${times(four / peak)}`).join(', ')}`,
  details: (rows) =>
    rows.map(({ name, shape, four, peak, largest, temporaries }) => ({
      label: `${name}, ${shape.batch} × ${thousands(shape.sequence)}`,
      value: `${inUnit(four, 'GiB')} against a peak of ${inUnit(peak, 'GiB')}`,
      note: `fullest in the phase '${largest}', with ${inUnit(temporaries, 'GiB', 3)} of temporaries`,
    })),
});

const m11 = claim({
  id: 'M11',
  documents: ['training-llms', 'lecture-compute-memory', 'transformer-math-101', 'decoder-only'],
  where: 'Activations; D',
  statement: '"GPUs are bottlenecked by memory, not FLOPs" against "training is compute-bound in any usual scenario"',
  kinds: ['arithmetic', 'measured'],
  evidence: ({ card, hardware, measured }) => {
    const a100 = hardware('a100');
    const model = card('llama2-7b');
    const tokens = 4096;
    const product = matrixProductWork({ rows: tokens, inner: model.hidden, columns: model.hidden, bytesPerElement: 2 });
    const time = measured(stepTimes);
    return {
      ridge: ridgePoint(machineOf(a100, 'mixed')),
      product: intensity(product),
      // One operation on an element that is read and written in two bytes.
      elementwise: 1 / (2 + 2),
      states: 18n * countParameters(model).total,
      capacity: BigInt(a100.memoryBytes),
      time,
      productsShare: (time.kernels.BatchMatMul ?? 0) / time.watched,
    };
  },
  parts: [
    {
      says: 'one of the two is what holds training back',
      recorded: 'convention',
      asPrinted: ({ product, elementwise, ridge, states, capacity }) =>
        product < ridge === elementwise < ridge && states > capacity === product < ridge,
      sides: [
        {
          who: 'training-llms, lecture-compute-memory, transformer-math-101',
          says: 'memory',
          when: 'asking what fits into a GPU, and for element-wise operations, which wait for data',
          holds: ({ states, capacity, elementwise, ridge }) => states > capacity && elementwise < ridge,
          holdsElsewhere: ({ product, ridge }) => product < ridge,
        },
        {
          who: 'decoder-only D',
          says: 'compute',
          when: 'asking about the time of matrix products over thousands of tokens',
          holds: ({ product, ridge }) => product > ridge,
          holdsElsewhere: ({ elementwise, ridge }) => elementwise > ridge,
        },
      ],
    },
    {
      says: 'both take a large share of the time of a real pass',
      recorded: 'holds',
      asPrinted: ({ productsShare }) => productsShare > 0.1 && productsShare < 0.9,
    },
  ],
  brief: ({ ridge, product, elementwise, productsShare }) =>
    `A100: ridge ${digits(ridge, 3)} FLOPs/B, a product ${digits(product, 4)}, an element-wise operation ${elementwise}; ` +
    `measured: ${percent(productsShare)} of a pass in products`,
  details: ({ states, capacity, productsShare, time }) => [
    { label: 'states of 7 B, 18N', value: inUnit(states, 'GiB'), note: `an A100 has ${inUnit(capacity, 'GiB')}` },
    {
      label: 'measured: time in products, compute-bound',
      value: percent(productsShare),
      note: `${time.card}, ${time.batch} × ${time.sequence}`,
    },
    { label: 'measured: all other time, memory- or dispatch-bound', value: percent(1 - productsShare) },
  ],
});

export const sumClaims: readonly AnyClaim[] = [m10, m11];
