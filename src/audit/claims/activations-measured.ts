import { sum } from '../../terms/quantities.ts';
import { activationAdjustments, documentActivations } from '../../theory/training-memory.ts';
import { claim } from '../claim.ts';
import type { AuditContext } from '../context.ts';
import { savedActivations } from '../measurements/saved-activations.ts';
import { digits, times } from '../words.ts';
import { coefficients, exponents, savedBytes } from './saved-evidence.ts';

/** Whole models as measured, with what the documents and the adjustments known before the run say. */
const wholeModels = ({ card, measured }: AuditContext) =>
  measured(savedActivations).models.map(({ card: name, set, keep, batch, sequence, bytes }) => {
    const model = card(name, set.split(' ').filter(Boolean));
    const shape = { batch, sequence };
    const documents = sum('bytes', documentActivations(model, shape)).value;
    const adjustments = sum('bytes', activationAdjustments(model, shape, keep)).value;
    return { name: `${name} ${set}`.trim(), keep, shape, bytes, documents, adjustments };
  });

export const a1 = claim({
  id: 'A1',
  documents: ['decoder-only'],
  where: '(2.5)',
  statement: 'attention keeps B·L·S·((5p + 1)·D + (2p + 1)·A·S) bytes',
  kinds: ['measured'],
  evidence: (context) => {
    const saved = context.measured(savedActivations);
    const of = (keep: 'probabilities' | 'nothing-quadratic', dropout: boolean) =>
      coefficients(saved, 'attention', keep, dropout);
    return {
      kept: of('probabilities', true),
      keptNoDropout: of('probabilities', false),
      again: of('nothing-quadratic', true),
      againNoDropout: of('nothing-quadratic', false),
      models: wholeModels(context),
    };
  },
  parts: [
    {
      says: '(5p + 1)·D: input, queries, keys, values, their mixture, and the mask of the output',
      recorded: 'holds',
      asPrinted: ({ kept, keptNoDropout }) => kept.ofD === 5 * 4 + 1 && keptNoDropout.ofD === 5 * 4,
    },
    {
      says: '(2p + 1)·A·S: scores, their softmax, and its mask',
      recorded: 'convention',
      asPrinted: ({ kept }) => kept.ofAS === 2 * 4 + 1,
      sides: [
        {
          who: 'decoder-only',
          says: '2p + 1 = 9 bytes at p = 4',
          when: 'every operation keeps its inputs, as footnote 15 supposes: the softmax its scores too',
          holds: ({ kept }) => kept.ofAS + 4 === 2 * 4 + 1,
          holdsElsewhere: ({ kept }) => kept.ofAS === 2 * 4 + 1,
        },
        {
          who: 'this library, keeping the probabilities',
          says: 'p + 1 = 5 bytes at p = 4',
          when: 'each operation keeps what its gradient uses: for the softmax its output alone',
          holds: ({ kept }) => kept.ofAS === 4 + 1,
          holdsElsewhere: ({ kept }) => kept.ofAS + 4 === 4 + 1,
        },
      ],
    },
    {
      says: 'what whole models keep is the documents’ sum and adjustments that were named before the run, to the byte',
      recorded: 'holds',
      asPrinted: ({ models }) =>
        models.every(({ bytes, documents, adjustments }) => BigInt(bytes) === documents + adjustments),
    },
  ],
  brief: ({ kept, keptNoDropout, again, againNoDropout }) =>
    `measured at p = 4: ${kept.ofD}·D + ${kept.ofAS}·AS; without dropout ${keptNoDropout.ofD}·D + ${keptNoDropout.ofAS}·AS; ` +
    `probabilities made again ${again.ofD}·D + ${again.ofAS}·AS, ${againNoDropout.ofD}·D + ${againNoDropout.ofAS}·AS`,
  details: ({ models }) =>
    models.map(({ name, keep, shape, bytes, documents, adjustments }) => ({
      label: `${name}, ${shape.batch} × ${shape.sequence}, ${keep}`,
      value: `${documents} − ${-adjustments} = ${bytes}`,
      note: 'documents, adjustments, measured bytes',
    })),
});

export const a2 = claim({
  id: 'A2',
  documents: ['decoder-only'],
  where: '(2.6)',
  statement: 'the MLP keeps (2Ep + p + 1)·B·D·L·S bytes',
  kinds: ['measured'],
  evidence: ({ measured }) => {
    const saved = measured(savedActivations);
    const wide = savedBytes(saved, 'mlp', 'nothing-quadratic', true, 'width');
    return {
      on: coefficients(saved, 'mlp', 'nothing-quadratic', true).ofD,
      off: coefficients(saved, 'mlp', 'nothing-quadratic', false).ofD,
      wide: wide / (2 * 12 * 32),
    };
  },
  parts: [
    {
      says: 'input, input of the non-linearity, input of the second matrix, mask',
      recorded: 'holds',
      asPrinted: ({ on, off, wide }) => on === 2 * 4 * 4 + 4 + 1 && off === 2 * 4 * 4 + 4 && wide === 2 * 8 * 4 + 4 + 1,
    },
  ],
  brief: ({ on, off, wide }) => `measured at p = 4: ${on}·D at E = 4, ${wide}·D at E = 8; ${off}·D without dropout`,
});

export const a10 = claim({
  id: 'A10',
  documents: ['decoder-only'],
  where: '2, essentials',
  statement: 'activations scale as O(BDLS) and O(BALS²) (printed with H for A)',
  kinds: ['measured'],
  evidence: ({ measured }) => {
    const saved = measured(savedActivations);
    return { powers: exponents(saved), quadratic: coefficients(saved, 'attention', 'probabilities', true).ofAS };
  },
  parts: [
    {
      says: 'each size with the power 1, and S with the power 2 in the second',
      recorded: 'holds',
      asPrinted: ({ powers, quadratic }) =>
        quadratic > 0 && Object.values(powers).every((power) => Math.abs(power - 1) < 1e-9),
    },
  ],
  brief: ({ powers }) =>
    Object.entries(powers)
      .map(([name, power]) => `${name}: ${digits(power, 3)}`)
      .join('; '),
});

export const a11 = claim({
  id: 'A11',
  documents: ['decoder-only'],
  where: '2.1.3, footnote 18',
  statement: 'a dropout mask takes one byte per element, not one bit',
  kinds: ['measured'],
  evidence: ({ measured }) => {
    const saved = measured(savedActivations);
    const of = (dropout: boolean) => savedBytes(saved, 'attention', 'nothing-quadratic', dropout);
    const elements = 2 * 4 * 12 ** 2 + 2 * 12 * 32;
    return { elements, bytes: of(true) - of(false) };
  },
  parts: [
    {
      says: 'one byte here too',
      recorded: 'holds',
      asPrinted: ({ elements, bytes }) => bytes === elements,
    },
  ],
  brief: ({ elements, bytes }) =>
    `${elements} elements of two masks: ${bytes} bytes more than without dropout (${times(bytes / elements)})`,
});
