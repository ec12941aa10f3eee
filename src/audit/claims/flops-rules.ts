// Claims F1, F6, F7 and F8: rules of thumb, and where they stop being good.
import type { ModelCard } from '../../cards/model-card.ts';
import { countFlops } from '../../theory/flops.ts';
import { documentParameters } from '../../theory/parameters.ts';
import { claim } from '../claim.ts';
import { productsOf } from '../measurements/matmul-flops.ts';
import { stepTimes } from '../measurements/step-times.ts';
import { digits, isNear, percent, thousands, times } from '../words.ts';
import { both, type Case, caseName, cases, executed } from './flops-evidence.ts';

/** Models with the longest sequence that they are meant for, the documents' usual case. */
const LARGE = ['gpt2', 'gpt2-xl', 'gpt3-175b', 'llama2-7b', 'llama3-8b', 'llama3-70b', 'starcoder'];

export const f1 = claim({
  id: 'F1',
  documents: ['training-llms', 'transformer-math-101', 'lecture-compute-memory', 'decoder-only', 'llm-pretraining'],
  where: '6PD',
  statement: 'C_forward ≈ 2PD, C_backward ≈ 4PD, C = τT ≈ 6PD for P parameters and D tokens',
  kinds: ['arithmetic', 'measured'],
  evidence: (context) => ({
    cases: cases(context),
    large: LARGE.map((name) => {
      const model = context.card(name);
      const shape = { batch: 1, sequence: model.context };
      const exact = both(model, shape, 'palm');
      return {
        model,
        all: both(model, shape, '6nd') / exact,
        withoutEmbedding: both(model, shape, '6nd-no-embedding') / exact,
      };
    }),
  }),
  parts: [
    {
      says: 'training costs 6PD, P being all parameters',
      recorded: 'approximates',
      asPrinted: ({ large }) => large.every(({ all }) => all === 1),
      approximation: {
        ratios: ({ large }) => Object.fromEntries(large.map(({ model, all }) => [model.name, all])),
        within: [0.75, 1.1],
        until: () => 'S passes about 2·D: attention, which 6PD leaves out, is then a quarter of all (F6)',
      },
    },
    {
      says: 'the backward pass costs twice the forward pass',
      recorded: 'holds',
      asPrinted: ({ cases }) =>
        cases.every(({ counted }) => productsOf(counted, 'backward') === 2 * productsOf(counted, 'forward')),
    },
    {
      says: 'what a step really multiplies is the exact count that 6PD is compared with',
      recorded: 'holds',
      asPrinted: ({ cases }) =>
        cases.every(({ counted, model, shape }) => executed(counted) === both(model, shape, 'palm')),
    },
  ],
  brief: ({ large }) => {
    const named = (name: string) => large.find(({ model }) => model.name === name)!;
    const show = (name: string) =>
      `${name} ${times(named(name).all)} (${times(named(name).withoutEmbedding)} without embeddings)`;
    return `6ND ÷ exact at full context: ${show('gpt2')}, ${show('gpt3-175b')}, ${show('llama3-8b')}`;
  },
  details: ({ large, cases }) => [
    ...large.map(({ model, all, withoutEmbedding }) => ({
      label: `${model.name}, S = ${model.context}`,
      value: times(all, 4),
      note: `6ND ÷ exact; without embeddings ${times(withoutEmbedding, 4)}`,
    })),
    ...cases.map((row) => ({
      label: `measured: ${caseName(row)}`,
      value: times(both(row.model, row.shape, '6nd') / executed(row.counted), 4),
      note: `${thousands(executed(row.counted))} FLOPs in matrix products`,
    })),
  ],
});

/** (3.2) ÷ 6BSN with N = (4 + 2E)LD², at a sequence of `ratio`·D. */
function growth(model: ModelCard, ratio: number) {
  const sequence = Math.round(ratio * model.hidden);
  const long = { ...model, context: Math.max(model.context, sequence) };
  const shape = { batch: 1, sequence };
  return both(long, shape, 'documents') / (6 * sequence * Number(documentParameters(model).value));
}

const MHA = ['gpt-small', 'gpt2', 'gpt2-xl', 'gpt3-175b'];

export const f6 = claim({
  id: 'F6',
  documents: ['decoder-only'],
  where: '(3.3)',
  statement: 'F = 6·B·S·N·(1 + O(S/D))',
  kinds: ['arithmetic'],
  evidence: ({ card }) =>
    MHA.map((name) => card(name)).map((model) => ({
      model,
      ratios: [0.125, 0.5, 1, 2, 6].map((of) => ({ of, growth: growth(model, of) })),
    })),
  parts: [
    {
      says: '6BSN, for S up to D',
      recorded: 'approximates',
      asPrinted: (rows) => rows.every(({ ratios }) => ratios.every((at) => at.growth === 1)),
      approximation: {
        ratios: (rows) =>
          Object.fromEntries(
            rows.flatMap(({ model, ratios }) =>
              ratios.filter(({ of }) => of <= 1).map((at) => [`${model.name}, S = ${at.of}·D`, 1 / at.growth]),
            ),
          ),
        within: [0.85, 1],
        until: () => 'S = (2 + E)D = 6·D: attention’s products then cost as much as all others, and 6BSN is half',
      },
    },
    {
      says: 'the correction is of the order S/D: exactly S/((2 + E)D)',
      recorded: 'holds',
      asPrinted: (rows) =>
        rows.every(({ model, ratios }) =>
          ratios.every((at) => isNear(at.growth - 1, at.of / (2 + model.mlp.width / model.hidden), 0.01)),
        ),
    },
  ],
  brief: ([first]) =>
    `(3.2) ÷ 6BSN: ${first!.ratios.map(({ of, growth }) => `${digits(growth, 3)} at S = ${of}·D`).join(', ')}`,
  details: (rows) =>
    rows.flatMap(({ model, ratios }) =>
      ratios.map((at) => ({ label: `${model.name}, S = ${at.of}·D`, value: times(at.growth, 4) })),
    ),
});

export const f7 = claim({
  id: 'F7',
  documents: ['decoder-only'],
  where: '3, footnote a',
  statement: '2BSN is right as long as S ≲ D: the FLOPs of self-attention are negligible then',
  kinds: ['arithmetic'],
  evidence: ({ card }) =>
    [...MHA, 'llama3-8b', 'starcoder'].map((name) => {
      const model = { ...card(name), context: 2 ** 20 };
      const share = (sequence: number) => {
        const { forwardTerms, forward } = countFlops(model, { batch: 1, sequence }, 'palm');
        const attention = forwardTerms.filter(({ id }) => id === 'attention.scores' || id === 'attention.values');
        return attention.reduce((sum, { value }) => sum + Number(value), 0) / Number(forward.value);
      };
      return { name, atD: share(model.hidden), at8: share(Math.round(model.hidden / 8)) };
    }),
  parts: [
    {
      says: 'negligible at S = D',
      recorded: 'approximates',
      asPrinted: (rows) => rows.every(({ atD }) => atD < 0.01),
      approximation: {
        ratios: (rows) => Object.fromEntries(rows.map(({ name, atD }) => [name, 1 - atD])),
        within: [0.8, 1],
        until: (rows) =>
          `it is up to ${percent(Math.max(...rows.map(({ atD }) => atD)))} at S = D already; below ` +
          `${percent(Math.max(...rows.map(({ at8 }) => at8)))} for S ≤ D/8`,
      },
    },
  ],
  brief: (rows) => `attention’s share at S = D: ${rows.map(({ name, atD }) => `${name} ${percent(atD)}`).join(', ')}`,
});

export const f8 = claim({
  id: 'F8',
  documents: ['decoder-only'],
  where: '3, footnote 24',
  statement: 'element-wise operations such as GeLU are negligible in FLOPs',
  kinds: ['measured'],
  evidence: (context) => {
    const time = context.measured(stepTimes);
    const products = time.kernels.BatchMatMul ?? 0;
    return {
      rows: cases(context).map((row) => {
        const others = row.counted.rows.reduce((sum, { others }) => sum + others, 0);
        const all = row.counted.rows.reduce((sum, { products, others }) => sum + products + others, 0);
        return { ...row, share: others / all };
      }),
      timeShare: 1 - products / time.watched,
      time,
    };
  },
  parts: [
    {
      says: 'in models with a hidden size of some hundreds and more',
      recorded: 'approximates',
      asPrinted: ({ rows }) => rows.every(({ share }) => share < 0.01),
      approximation: {
        ratios: ({ rows }) =>
          Object.fromEntries(
            rows.filter(({ model }) => model.hidden >= 256).map((row) => [caseName(row), 1 - row.share]),
          ),
        within: [0.95, 1],
        until: ({ rows }) => {
          const tiny = rows.filter(({ model }) => model.hidden < 256).map(({ share }) => share);
          return `hidden is some tens: ${percent(Math.min(...tiny))} to ${percent(Math.max(...tiny))} at hidden 32`;
        },
      },
    },
    {
      says: 'in time they are not negligible: they take a larger share of it than of the FLOPs',
      recorded: 'holds',
      asPrinted: ({ rows, timeShare }) => timeShare > Math.max(...rows.filter(isLarge).map(({ share }) => share)),
    },
  ],
  brief: ({ rows, timeShare }) => {
    const small = rows.find(({ model }) => model.name === 'gpt-small')!;
    return `gpt-small: ${percent(small.share)} of the FLOPs, ${percent(timeShare)} of the time`;
  },
  details: ({ rows, time, timeShare }) => [
    ...rows.map((row) => ({ label: `FLOPs: ${caseName(row)}`, value: percent(row.share) })),
    {
      label: `time: ${time.card}, ${time.batch} × ${time.sequence}`,
      value: percent(timeShare),
      note: `all but the ${digits(time.kernels.BatchMatMul ?? 0)} ms in matrix products of ${digits(time.watched)} ms`,
    },
  ],
});

const isLarge = ({ model }: Case) => model.hidden >= 256;
