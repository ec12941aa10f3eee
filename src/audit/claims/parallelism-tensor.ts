// Claims D1 to D5: tensor and sequence parallelism.
import type { ModelCard } from '../../cards/model-card.ts';
import { evaluateFormula } from '../../terms/formula.ts';
import { cardLetters } from '../../theory/letters.ts';
import { type Layout, NO_PARALLELISM, workerLetters } from '../../theory/parallelism.ts';
import { blockActivationTerms } from '../../theory/parallelism-activations.ts';
import { workerParameterCount, workerParameterTerms } from '../../theory/parallelism-parameters.ts';
import { type AnyClaim, claim } from '../claim.ts';
import { digits, inUnit, isNear, roundsTo, short } from '../words.ts';
import { shardAttention, shardMlp } from './parallelism-workers.ts';

const GIB = 2 ** 30;
const TIB = 2 ** 40;
const EXACT = 1e-12;

const layoutOf = (tensor: number, sequenceParallel = false): Layout => ({
  ...NO_PARALLELISM,
  tensor,
  sequenceParallel,
});
const SHAPE = { batch: 1, sequence: 2048, microBatches: 1 } as const;

/** Parameters of one of `tensor` workers, exactly. */
function workerParameters(card: ModelCard, tensor: number): number {
  const layout = layoutOf(tensor);
  const letters = workerLetters(card, { ...SHAPE, sequence: card.context }, layout);
  return Number(workerParameterCount(workerParameterTerms(card, layout, letters, 0)));
}

/** (2.12) */
const printedParameters = (card: ModelCard, tensor: number) =>
  Number(evaluateFormula('(4 + 2E)L·D²', cardLetters(card))) / tensor;

/** Bytes of the saved activations of all blocks on one worker, 16 bits each, with dropout. */
function workerActivations(card: ModelCard, layout: Layout): number {
  const letters = { ...workerLetters(card, SHAPE, layout), i: BigInt(card.layers), p: 2n };
  const terms = blockActivationTerms(card, { recompute: 'none', attention: 'materialized' }, letters);
  return terms.reduce((sum, { value }) => sum + Number(value), 0);
}

const withDropout = ['dropout.attention=0.1', 'dropout.residual=0.1'];
const ofLayout = (card: ModelCard, tensor: number) => ({
  ...cardLetters(card),
  B: 1n,
  S: 2048n,
  p: 2n,
  T: BigInt(tensor),
});

export const tensorParallelClaims: readonly AnyClaim[] = [
  claim({
    id: 'D1',
    documents: ['decoder-only'],
    where: '2.2, (2.10), (2.11)',
    statement:
      'Sharded over T workers, MLP and attention give what they give unsharded: z·W¹ = Σₜ z⁽ᵗ⁾·W¹⁽ᵗ⁾, and Concat of the products t⁽ᵗ⁾·O⁽ᵗ⁾',
    kinds: ['arithmetic'],
    evidence: () => ({ mlp: [2, 4, 8].map(shardMlp), attention: [2, 4, 8].map(shardAttention) }),
    parts: [
      {
        says: '(2.11): the products of the workers, concatenated along the hidden index, are the output of attention.',
        recorded: 'erratum',
        asPrinted: ({ attention }) => attention.every(({ concatenated }) => concatenated < EXACT),
        corrected: ({ attention }) => attention.every(({ summed }) => summed < EXACT),
        shouldBe: 'Σₜ Concat(t of worker t)·O⁽ᵗ⁾: each product is (B, S, D) already, and they are added up',
      },
      {
        says: '(2.10): the products of the workers, summed, are the output of the MLP.',
        recorded: 'holds',
        asPrinted: ({ mlp }) => mlp.every(({ output }) => output < EXACT),
      },
    ],
    brief: ({ mlp, attention }) =>
      `T = 2, 4, 8: sums differ by ${digits(Math.max(...mlp.map((run) => run.output), ...attention.map((run) => run.summed)), 2)}; ` +
      `concatenated the width is ${attention.map((run) => run.concatenatedWidth).join(', ')} instead of 16`,
    details: ({ mlp, attention }) => [
      ...mlp.map((run) => ({ label: `MLP, T = ${run.workers}`, value: `differs by ${digits(run.output, 2)} at most` })),
      ...attention.map((run) => ({
        label: `attention, T = ${run.workers}`,
        value: `summed differs by ${digits(run.summed, 2)}, concatenated has width ${run.concatenatedWidth}`,
      })),
    ],
    explanation:
      'A worker multiplies its D/T columns by its D/T rows of O and gets a matrix of full width that holds only a part of every number, so ' +
      'the parts must be added. Placed side by side they would be T times too wide; the text itself says that an AllReduce, which adds, ' +
      'does it.',
  }),
  claim({
    id: 'D2',
    documents: ['decoder-only'],
    where: '(2.12)',
    statement: 'Parameters per worker ≈ (4 + 2E)LD²/T',
    kinds: ['arithmetic'],
    evidence: ({ card }) => {
      const cases = [
        ['gpt3-175b', 8],
        ['gpt3-13b', 8],
        ['gpt2-xl', 5],
        ['gpt2', 4],
      ] as const;
      return cases.map(([name, tensor]) => {
        const exact = workerParameters(card(name), tensor);
        const copied = exact - workerParameters(card(name), 1) / tensor;
        return { name, tensor, exact, copied, ratio: printedParameters(card(name), tensor) / exact };
      });
    },
    parts: [
      {
        says: 'Every worker holds (4 + 2E)LD²/T parameters.',
        recorded: 'approximates',
        asPrinted: (cases) => cases.every(({ ratio }) => isNear(ratio, 1, 1e-6)),
        approximation: {
          ratios: (cases) =>
            Object.fromEntries(
              cases
                .filter(({ name }) => name.startsWith('gpt3'))
                .map(({ name, tensor, ratio }) => [`${name}, T = ${tensor}`, ratio]),
            ),
          within: [0.95, 1.05],
          until: (cases) =>
            `the embedding weighs more in small models: ${cases
              .filter(({ name }) => name.startsWith('gpt2'))
              .map(({ name, tensor, ratio }) => `${digits(ratio, 3)} for ${name} at T = ${tensor}`)
              .join(', ')}`,
        },
      },
    ],
    brief: (cases) => cases.map(({ name, ratio }) => `${name} ${digits(ratio, 3)}`).join(', '),
    details: (cases) =>
      cases.map(({ name, tensor, exact, copied, ratio }) => ({
        label: `${name}, T = ${tensor}`,
        value: `${short(exact)} parameters per worker, the formula gives ${digits(ratio)} of them`,
        note: `${short(copied)} are copies: norms, positions, output biases`,
      })),
  }),
  claim({
    id: 'D3',
    documents: ['decoder-only'],
    where: '(2.13), (2.14)',
    statement:
      'Activations per worker: attention BS((p + 4p/T + 1)D + (2p + 1)AS/T), MLP (2Ep/T + p + 1)BDS; all: (2.14)',
    kinds: ['arithmetic', 'published'],
    evidence: ({ card }) => {
      const gpt3 = card('gpt3-175b', withDropout);
      return [1, 2, 4, 8].map((tensor) => {
        const letters = ofLayout(gpt3, tensor);
        const perLayer = 'B·S((p + 4p/T + 1)D + (2p + 1)A·S/T) + (2E·p/T + p + 1)B·D·S + 2p·B·D·S';
        return {
          tensor,
          layers: Number(evaluateFormula(`L(${perLayer})`, letters)),
          total: Number(evaluateFormula('2B·D·L·S(p(2 + (E + 2)/T) + 1) + A·B·L·S²(2p + 1)/T', letters)),
          published: Number(evaluateFormula('L·S·B·D(10 + 24/T + 5A·S/(D·T))', letters)),
          counted: workerActivations(gpt3, layoutOf(tensor)),
        };
      });
    },
    parts: [
      {
        says: 'L times (2.13) and the norms is (2.14), and at p = 2, E = 4 what Korthikanti et al. publish: sbh(10 + 24/t + 5as/(ht)).',
        recorded: 'holds',
        asPrinted: (cases) =>
          cases.every(
            ({ layers, total, published, counted }) => layers === total && total === published && total === counted,
          ),
      },
      {
        says: 'Workers really keep so much.',
        recorded: 'pending: ranks',
        missing: 'layers that run on several ranks, with what each keeps counted',
      },
    ],
    brief: (cases) =>
      `GPT-3, S = 2048: ${cases.map(({ tensor, total }) => `${inUnit(total, 'GiB', 3)} at T = ${tensor}`).join(', ')}`,
  }),
  claim({
    id: 'D4',
    documents: ['decoder-only'],
    where: '2.3',
    statement: 'Sequence parallelism divides by T what tensor parallelism leaves whole (norms, dropout, their inputs)',
    kinds: ['arithmetic', 'published'],
    evidence: ({ card }) => {
      const gpt3 = card('gpt3-175b', withDropout);
      const whole = workerActivations(gpt3, layoutOf(1));
      return [2, 4, 8].map((tensor) => ({
        tensor,
        without: workerActivations(gpt3, layoutOf(tensor)),
        divided: workerActivations(gpt3, layoutOf(tensor, true)),
        share: whole / tensor,
        published: Number(evaluateFormula('L·S·B·D(34 + 5A·S/D)/T', ofLayout(gpt3, tensor))),
      }));
    },
    parts: [
      {
        says: 'Every activation of a block is divided by T, when the inputs of attention and MLP are kept as shards too: sbh(34 + 5as/h)/t.',
        recorded: 'holds',
        asPrinted: (cases) =>
          cases.every(
            ({ without, divided, share, published }) => divided === share && divided === published && without > share,
          ),
      },
      {
        says: 'Workers really keep so much.',
        recorded: 'pending: ranks',
        missing: 'layers that run on several ranks, with what each keeps counted',
      },
    ],
    brief: (cases) =>
      `GPT-3, S = 2048: ${cases
        .map(
          ({ tensor, without, divided }) =>
            `T = ${tensor}: ${inUnit(without, 'GiB', 3)} → ${inUnit(divided, 'GiB', 3)}`,
        )
        .join(', ')}`,
  }),
  claim({
    id: 'D5',
    documents: ['decoder-only'],
    where: '(2.20)',
    statement: 'GPT-3 in mixed precision with T = 8 takes 187 TiB + 10⁻²·BS + 5·10⁻⁶·BS²',
    kinds: ['arithmetic'],
    evidence: ({ card }) => {
      const letters = { ...cardLetters(card('gpt3-175b')), V: 50_257n, T: 8n, B: 1n, S: 1n, p: 2n };
      const blocks = Number(evaluateFormula('(4 + 2E)L·D²', letters));
      const embedding = Number(evaluateFormula('V·D', letters));
      return {
        replicated: 18 * (blocks / 8 + embedding),
        sharded: (18 * (blocks + embedding)) / 8,
        halved: 9 * (blocks / 8 + embedding),
        linear: Number(evaluateFormula('2B·D·L·S(p(2 + (E + 2)/T) + 1)', letters)),
        quadratic: Number(evaluateFormula('A·B·L·S²(2p + 1)', letters)) / 8,
      };
    },
    parts: [
      {
        says: 'Parameters, gradients and optimizer states take 187 TiB on each of 8 workers.',
        recorded: 'erratum',
        asPrinted: ({ replicated, sharded }) => isNear(187 * TIB, replicated, 0.01) || isNear(187 * TIB, sharded, 0.01),
        corrected: ({ replicated, sharded }) =>
          isNear(374.9 * GIB, replicated, 0.001) && isNear(365.8 * GIB, sharded, 0.001),
        shouldBe: '374.9 GiB with the whole embedding on every worker, 365.8 GiB with the embedding divided too',
      },
      {
        says: 'The activations take 10⁻²·BS + 5·10⁻⁶·BS² TiB.',
        recorded: 'erratum',
        asPrinted: ({ linear, quadratic }) => roundsTo(linear / TIB, 1e-2, 1) && roundsTo(quadratic / TIB, 5e-6, 1),
        corrected: ({ linear, quadratic }) => roundsTo(linear / GIB, 1e-2, 1) && roundsTo(quadratic / GIB, 5e-6, 1),
        shouldBe: 'the same coefficients in GiB: 1.43·10⁻²·BS + 5.36·10⁻⁶·BS²',
      },
    ],
    brief: ({ replicated, halved }) =>
      `18 bytes per parameter: ${inUnit(replicated, 'GiB')}; 9 bytes give ${inUnit(halved, 'GiB')}, the printed number`,
    details: ({ replicated, sharded, halved, linear, quadratic }) => [
      { label: '18 · (blocks/8 + embedding)', value: inUnit(replicated, 'GiB') },
      { label: '18 · (blocks + embedding)/8', value: inUnit(sharded, 'GiB') },
      { label: '9 · (blocks/8 + embedding)', value: inUnit(halved, 'GiB'), note: 'the printed 187' },
      { label: 'activations per BS', value: `${digits(linear / GIB, 3)} GiB`, note: '2DL(p(2 + (E + 2)/T) + 1)' },
      { label: 'activations per BS²', value: `${digits(quadratic / GIB, 3)} GiB`, note: 'AL(2p + 1)/T' },
    ],
    explanation:
      'The unit is GiB, a thousandth of what is printed, as a look at any GPU with 80 GiB confirms. The constant is also half of what ' +
      "the document's own 18 bytes per parameter give: 187.4 GiB is 9 bytes for each.",
  }),
];
