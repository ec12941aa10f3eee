// Claims A: what is kept between the forward and the backward pass.
import type { ModelCard } from '../../cards/model-card.ts';
import { evaluateFormula } from '../../terms/formula.ts';
import { sum } from '../../terms/quantities.ts';
import { documentActivations, memoryLetters, trainingMemory } from '../../theory/training-memory.ts';
import { type AnyClaim, claim } from '../claim.ts';
import { savedActivations } from '../measurements/saved-activations.ts';
import { digits, isNear, percent } from '../words.ts';
import { documentedTotals } from './activations-documents.ts';
import { a1, a2, a10, a11 } from './activations-measured.ts';
import { recomputationClaims } from './activations-recompute.ts';
import { coefficients, savedBytes } from './saved-evidence.ts';

const NEGLECTED = ['gpt-small', 'gpt2', 'gpt2-xl', 'gpt3-175b'];

/** What head and loss keep, as a share of (2.7), at full context. */
function endsShare(model: ModelCard) {
  const shape = { batch: 1, sequence: model.context };
  const ends = trainingMemory(model, shape).savedActivations.filter(
    ({ id }) => id === 'head.logits' || id === 'loss.cross-entropy',
  );
  const total = sum('bytes', documentActivations(model, shape)).value;
  const { vocabulary, hidden, layers, heads } = model;
  return {
    name: model.name,
    ratio: vocabulary / (hidden * layers),
    share: Number(sum('bytes', ends).value) / Number(total),
    predicted: (4 * (vocabulary / (hidden * layers) + 1 / layers)) / (66 + (9 * heads * model.context) / hidden),
  };
}

const a3 = claim({
  id: 'A3',
  documents: ['decoder-only'],
  where: '2.1.3',
  statement: 'LayerNorms keep 2pBDLS bytes, residuals nothing; head and loss are O(V/DL) suppressed and neglected',
  kinds: ['arithmetic', 'measured'],
  evidence: ({ card, measured }) => {
    const saved = measured(savedActivations);
    const logits = (set: string) =>
      saved.models.find((row) => row.card === 'gpt-debug' && row.set === set && row.sequence === 12)!;
    return {
      norm: coefficients(saved, 'norm', 'nothing-quadratic', false).ofD / 4,
      residual: savedBytes(saved, 'residual', 'nothing-quadratic', false),
      perLogit: (logits('vocabulary=512').bytes - logits('').bytes) / (2 * 12 * 256),
      rows: [
        ...NEGLECTED.map((name) => endsShare(card(name))),
        { ...endsShare(card('gpt-small', ['vocabulary=50257'])), name: 'gpt-small, V = 50257' },
      ],
    };
  },
  parts: [
    {
      says: 'head and loss may be neglected',
      recorded: 'erratum',
      asPrinted: ({ rows }) => rows.every(({ share }) => share < 0.05),
      corrected: ({ rows, perLogit }) =>
        perLogit === 4 && rows.every(({ share, predicted }) => isNear(share, predicted, 0.01)),
      shouldBe: 'only where V ≪ 16·DL: they keep 4BSV + pBSD bytes',
    },
    {
      says: 'each norm keeps its input, p·B·D·S bytes per layer',
      recorded: 'approximates',
      asPrinted: ({ norm }) => norm === 1,
      approximation: {
        ratios: ({ norm }) => ({ 'gpt-debug, D = 32': 1 / norm }),
        within: [0.95, 1],
        until: () => 'never in practice: one number per row is kept beside the normalised input, 1/D of it',
      },
    },
    {
      says: 'residual connections keep nothing',
      recorded: 'holds',
      asPrinted: ({ residual }) => residual === 0,
    },
  ],
  brief: ({ rows, residual, norm }) =>
    `head and loss ÷ (2.7): ${rows.map(({ name, share }) => `${name} ${percent(share)}`).join(', ')}; ` +
    `measured: a norm ${digits(norm)}·pBDS, a residual ${residual}`,
  details: ({ rows }) =>
    rows.map(({ name, ratio, share }) => ({
      label: name,
      value: percent(share),
      note: `V/(DL) = ${digits(ratio, 3)}`,
    })),
  explanation:
    'The loss keeps one number for each of V words at every position, however few layers the model has. In GPT-3 that is little ' +
    'beside 96 layers, but in a small model with a large vocabulary it is more than all its layers keep.',
});

const a4 = claim({
  id: 'A4',
  documents: ['decoder-only'],
  where: '(2.7)',
  statement: 'the total activation memory per layer is 2BDLS(p(E + 4) + 1) + ABLS²(2p + 1)',
  kinds: ['arithmetic'],
  evidence: ({ card }) =>
    ['gpt-debug', 'gpt2', 'gpt3-175b'].flatMap((name) =>
      (['fp32', 'mixed'] as const).map((precision) => {
        const model = card(name);
        const shape = { batch: 3, sequence: model.context };
        const letters = memoryLetters(model, shape, precision);
        const formula = (text: string) => evaluateFormula(text, letters);
        const oneLayer = sum('bytes', documentActivations({ ...model, layers: 1 }, shape, precision)).value;
        return {
          name,
          layers: BigInt(model.layers),
          total: formula('2B·D·L·S(p(E + 4) + 1) + A·B·L·S²(2p + 1)'),
          parts: formula('B·L·S((5p + 1)D + (2p + 1)A·S)') + formula('(2E·p + p + 1)B·D·L·S') + formula('2p·B·D·L·S'),
          oneLayer,
        };
      }),
    ),
  parts: [
    {
      says: 'per layer',
      recorded: 'erratum',
      asPrinted: (rows) => rows.every(({ total, oneLayer }) => total === oneLayer),
      corrected: (rows) => rows.every(({ total, oneLayer, layers }) => total === layers * oneLayer),
      shouldBe: 'of all layers: (2.5) to (2.7) carry the factor L',
    },
    {
      says: 'the sum of (2.5), (2.6) and the norms',
      recorded: 'holds',
      asPrinted: (rows) => rows.every(({ total, parts }) => total === parts),
    },
  ],
  brief: (rows) =>
    `(2.7) ÷ one layer: ${rows
      .filter((_, at) => at % 2 === 0)
      .map(({ name, total, oneLayer }) => `${name} ${total / oneLayer}`)
      .join(', ')}`,
  explanation:
    'Each of the three equations has a factor L, so that it gives what all layers keep together; the word "per-layer" would ask for the ' +
    'same without L. Whoever multiplies (2.7) by the number of layers once more is too large by that number.',
});

const a5 = claim({
  id: 'A5',
  documents: ['decoder-only'],
  where: '(2.8)',
  statement: 'at E = 4, (2.7) is BLS(66D + 15AS) for p = 4 and BLS(34D + 5AS) for p = 2',
  kinds: ['arithmetic', 'measured'],
  evidence: ({ measured }) => {
    // (2.7) = BLS(2(p(E + 4) + 1)·D + (2p + 1)·AS)
    const of = (p: bigint) => ({
      ofD: Number(evaluateFormula('2(p(E + 4) + 1)', { p, E: 4n })),
      ofAS: Number(evaluateFormula('2p + 1', { p })),
    });
    const saved = measured(savedActivations);
    const attention = coefficients(saved, 'attention', 'probabilities', true);
    const mlp = coefficients(saved, 'mlp', 'probabilities', true);
    return { four: of(4n), two: of(2n), measured: { ofD: attention.ofD + mlp.ofD + 2 * 4, ofAS: attention.ofAS + 4 } };
  },
  parts: [
    {
      says: 'BLS(66D + 15AS) at p = 4',
      recorded: 'erratum',
      asPrinted: ({ four }) => four.ofD === 66 && four.ofAS === 15,
      corrected: ({ four, measured }) =>
        four.ofD === 66 && four.ofAS === 9 && measured.ofD === 66 && measured.ofAS === 9,
      shouldBe: '66D + 9AS',
    },
    {
      says: 'BLS(34D + 5AS) at p = 2',
      recorded: 'holds',
      asPrinted: ({ two }) => two.ofD === 34 && two.ofAS === 5,
    },
  ],
  brief: ({ four, measured }) =>
    `(2.5) gives 2p + 1 = ${four.ofAS}; measured on gpt-debug: ${measured.ofD}·D + ${measured.ofAS - 4}·AS and the 4·AS of the scores`,
  details: ({ four, two, measured }) => [
    { label: '(2.7) at p = 4', value: `${four.ofD}·D + ${four.ofAS}·AS` },
    { label: '(2.7) at p = 2', value: `${two.ofD}·D + ${two.ofAS}·AS` },
    {
      label: 'measured at p = 4, with dropout',
      value: `${measured.ofD}·D + ${measured.ofAS}·AS`,
      note: 'counting the inputs of the norms and 4·AS of scores, which this library need not keep (A1)',
    },
  ],
  explanation:
    'At each of the S² pairs of a head there are a score and a probability of p bytes each and a mask of one byte: 2·4 + 1 = 9, not 15. ' +
    'The next equation, (2.9), is derived with the right 9, so only the printed line is wrong.',
});

const a6 = claim({
  id: 'A6',
  documents: ['decoder-only'],
  where: '(2.9)',
  statement: 'mixed precision saves memory from B_min = 6D²/(8DS + AS²) on',
  kinds: ['arithmetic'],
  evidence: ({ card }) =>
    ['gpt2', 'gpt2-xl', 'gpt3-175b'].map((name) => {
      const model = card(name);
      const { hidden: d, heads: a, context: s, layers: l } = model;
      const rule = (6 * d ** 2) / (8 * d * s + a * s ** 2);
      // 2N more bytes of state, by (2.1), (2.3), (2.4), against what each sequence keeps less, by (2.7).
      const states = 2 * 12 * l * d ** 2;
      const { four, two } = documentedTotals(model);
      const withPrintedFour = l * s * (66 * d + 15 * a * s);
      return { name, rule, exact: states / (four - two), asPrinted: states / (withPrintedFour - two) };
    }),
  parts: [
    {
      says: 'it follows from (2.7), with 9AS at p = 4',
      recorded: 'holds',
      asPrinted: (rows) => rows.every(({ rule, exact }) => isNear(rule, exact, 1e-9)),
    },
  ],
  brief: (rows) => rows.map(({ name, rule }) => `${name} ${digits(rule, 3)}`).join(', '),
  details: (rows) =>
    rows.map(({ name, exact, asPrinted }) => ({
      label: `${name} at full context`,
      value: digits(exact, 3),
      note: `with the 15AS of (2.8) it would be ${digits(asPrinted, 3)}`,
    })),
});

const [a7, a8, a9, a12] = recomputationClaims;

export const activationClaims: readonly AnyClaim[] = [a1, a2, a3, a4, a5, a6, a7!, a8!, a9!, a10, a11, a12!];
