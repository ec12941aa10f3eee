// Claims P1, P2, P6, P8 and P9: whole models.
import type { ModelCard } from '../../cards/model-card.ts';
import { documentParameters } from '../../theory/parameters.ts';
import { claim } from '../claim.ts';
import { isNear, percent, short, thousands, times } from '../words.ts';
import { blocks, formula, groups, hidden, share, total } from './parameters-counts.ts';

/** GPT-3 as the slides have it, from the smallest to the largest. */
const GPT3 = ['gpt3-small', 'gpt3-medium', 'gpt3-large', 'gpt3-xl', 'gpt3-2.7b', 'gpt3-6.7b', 'gpt3-13b', 'gpt3-175b'];

export const p1 = claim({
  id: 'P1',
  documents: ['training-llms'],
  where: 'LLM parameters: formula',
  statement: 'P_layer = 4·d·n_heads·d_head + 8·d² = 12·d², so that P = 12·L·d²',
  kinds: ['arithmetic', 'published'],
  evidence: ({ card }) => GPT3.map((name) => card(name)).map((model) => ({ model, rule: formula('12L·D²', model) })),
  parts: [
    {
      says: 'the matrices of one block hold 12·d² weights, where d = n_heads·d_head',
      recorded: 'holds',
      asPrinted: (rows) =>
        rows
          .filter(({ model }) => model.hidden === model.heads * model.headSize)
          .every(({ model }) => matrices(model) === 12 * model.layers * model.hidden ** 2),
    },
    {
      says: 'P = 12·L·d² are the parameters of a model',
      recorded: 'approximates',
      asPrinted: (rows) => rows.every(({ model, rule }) => Number(total(model)) === rule),
      approximation: {
        ratios: (rows) => Object.fromEntries(rows.map(({ model, rule }) => [model.name, rule / Number(total(model))])),
        within: [0.65, 1],
        until: () => 'V/(12·L·d) is no longer small: the embedding is 31 % of GPT-3 Small and 0.35 % of 175B',
      },
    },
  ],
  brief: (rows) => {
    const at = (index: number) => rows.at(index)!;
    const ratio = ({ model, rule }: (typeof rows)[number]) => percent(rule / Number(total(model)));
    return `${ratio(at(0))} of the parameters of GPT-3 Small, ${ratio(at(-1))} of 175B: the blocks' matrices only`;
  },
  details: (rows) =>
    rows.map(({ model, rule }) => ({
      label: model.name,
      value: percent(rule / Number(total(model))),
      note: `12·${model.layers}·${model.hidden}² = ${short(rule)} of ${thousands(total(model))}`,
    })),
});

/** Weights of the blocks without biases. */
function matrices({ layers, hidden, heads, headSize, mlp }: ModelCard): number {
  return layers * (4 * hidden * heads * headSize + 2 * hidden * mlp.width);
}

export const p2 = claim({
  id: 'P2',
  documents: ['training-llms'],
  where: 'LLM parameters: example; other components',
  statement:
    '12·L·d² gives ~85 M for GPT-3 Small and ~302 M for Medium, which have 125 M and 350 M; missing are word, position and ' +
    'token-type embeddings and an embedding layer norm',
  kinds: ['arithmetic', 'published'],
  evidence: ({ card }) =>
    [
      { model: card('gpt3-small'), rule: 85e6, named: 125e6 },
      { model: card('gpt3-medium'), rule: 302e6, named: 350e6 },
    ].map((row) => ({ ...row, bridge: bridge(row.model) })),
  parts: [
    {
      says: 'the formula gives 85 M and 302 M, and the models have 125 M and 350 M',
      recorded: 'holds',
      asPrinted: (rows) =>
        rows.every(
          ({ model, rule, named }) =>
            isNear(formula('12L·D²', model), rule, 0.005) && isNear(Number(total(model)), named, 0.02),
        ),
    },
    {
      says: 'a token-type embedding and a layer norm on the embedding are among what is missing',
      recorded: 'erratum',
      // What BERT has beside the rest: two token types and a norm on the embedding.
      asPrinted: (rows) =>
        rows.every(({ model, bridge }) => sumOf(bridge) + 2n * hidden(model) + 2n * hidden(model) === total(model)),
      corrected: (rows) => rows.every(({ model, bridge }) => sumOf(bridge) === total(model)),
      shouldBe: 'token embedding, positions, biases and the norms of the blocks; GPT-3 has no token types',
    },
  ],
  brief: (rows) =>
    rows
      .map(({ model }) => `${short(formula('12L·D²', model), 3)} + ${short(total(model) - blocksOnly(model), 3)}`)
      .join(', '),
  details: (rows) =>
    rows.flatMap(({ model, bridge }) => [
      ...Object.entries(bridge).map(([label, value]) => ({
        label: `${model.name}: ${label}`,
        value: thousands(value),
      })),
      { label: `${model.name}: together`, value: thousands(total(model)) },
    ]),
  explanation:
    'Token types tell the two sentences of a BERT input apart, and BERT normalises the sum of its embeddings; GPT-3 reads one ' +
    'stream of text and has neither. The gap is closed to the last parameter by token embedding, positions, biases and norms.',
});

const blocksOnly = (model: ModelCard) => BigInt(matrices(model));

const sumOf = (rows: Readonly<Record<string, bigint>>) => Object.values(rows).reduce((sum, value) => sum + value, 0n);

/** From the matrices of the blocks to all parameters. */
function bridge(model: ModelCard): Record<string, bigint> {
  const { embedding, positions, norms } = groups(model);
  return {
    'blocks, 12·L·d²': blocksOnly(model),
    'token embedding, V·d': embedding,
    'positions, K·d': positions,
    'biases of the blocks': blocks(model) - blocksOnly(model),
    'norms, scale and shift': norms,
  };
}

export const p6 = claim({
  id: 'P6',
  documents: ['decoder-only'],
  where: '(2.2)',
  statement: 'N ≈ (4 + 2E)·L·D²·(1 + O(V/DL) + O(1/D))',
  kinds: ['arithmetic', 'published'],
  evidence: ({ card }) =>
    ['gpt2', 'gpt2-medium', 'gpt2-large', 'gpt2-xl', ...GPT3.slice(2), 'gpt-small', 'gpt-debug']
      .map((name) => card(name))
      .filter(({ hidden, heads, headSize }) => hidden === heads * headSize)
      .map((model) => {
        const rule = Number(documentParameters(model).value);
        const { embedding, head } = groups(model);
        const tablesShare = Number(embedding + head) / rule;
        const rest = Number(total(model)) / rule - 1 - tablesShare;
        return { model, rule, tablesShare, rest };
      }),
  parts: [
    {
      says: 'the rule is near for models of a billion parameters and more',
      recorded: 'approximates',
      asPrinted: (rows) => rows.every(({ model, rule }) => rule === Number(total(model))),
      approximation: {
        ratios: (rows) =>
          Object.fromEntries(
            rows
              .filter(({ model }) => total(model) > 10n ** 9n)
              .map(({ model, rule }) => [model.name, rule / Number(total(model))]),
          ),
        within: [0.9, 1.001],
        until: () => 'V/(DL) is above about 1: the table of tokens then weighs more than a tenth of the blocks',
      },
    },
    {
      says: 'what is missing is of the order V/DL (the tables) and 1/D (biases, norms)',
      recorded: 'holds',
      // V·D over (4 + 2E)·L·D² is (V/DL)/(4 + 2E); what else there is, per layer, is a few D over 12·D².
      asPrinted: (rows) =>
        rows.every(
          ({ model, tablesShare, rest }) =>
            isNear(tablesShare * 12, model.vocabulary / (model.hidden * model.layers), 0.1) &&
            Math.abs(rest - model.context / (12 * model.hidden * model.layers)) < 2 / model.hidden,
        ),
    },
  ],
  brief: (rows) => {
    const at = (name: string) => rows.find(({ model }) => model.name === name)!;
    const show = ({ model, rule }: (typeof rows)[number]) => times(rule / Number(total(model)));
    return `rule ÷ exact: gpt2 ${show(at('gpt2'))}, gpt2-xl ${show(at('gpt2-xl'))}, gpt3-175b ${show(at('gpt3-175b'))}`;
  },
  details: (rows) =>
    rows.map(({ model, rule, tablesShare, rest }) => ({
      label: model.name,
      value: times(rule / Number(total(model)), 4),
      note: `tables ${percent(tablesShare)} of the blocks, positions, biases and norms ${percent(rest)}`,
    })),
});

export const p8 = claim({
  id: 'P8',
  documents: ['decoder-only'],
  where: '2.6',
  statement: 'the embedding makes up ≈ 0.3 % of the parameters of GPT-3',
  kinds: ['arithmetic', 'published'],
  evidence: ({ card }) => {
    const model = card('gpt3-175b');
    return { model, part: share(groups(model).embedding, total(model)) };
  },
  parts: [
    {
      says: '0.3 % when rounded to one digit',
      recorded: 'approximates',
      asPrinted: ({ part }) => Number((100 * part).toPrecision(1)) === 0.3,
      approximation: {
        ratios: ({ part }) => ({ 'gpt3-175b': 0.003 / part }),
        within: [0.8, 1.2],
        until: ({ part }) => `it is ${percent(part)}, which rounds to 0.4 %: the digit is cut off, the order is right`,
      },
    },
  ],
  brief: ({ part, model }) =>
    `V·D/N = ${percent(part)} (${thousands(groups(model).embedding)} of ${thousands(total(model))})`,
});

export const p9 = claim({
  id: 'P9',
  documents: ['training-llms'],
  where: 'LLM parameters: other components',
  statement: 'the embeddings and other components "do not scale with model size"',
  kinds: ['arithmetic', 'published'],
  evidence: ({ card }) =>
    GPT3.map((name) => card(name)).map((model) => {
      const embedding = groups(model).embedding;
      return { name: model.name, embedding, share: share(embedding, total(model)) };
    }),
  parts: [
    {
      says: 'their size is the same in small and large models',
      recorded: 'erratum',
      asPrinted: (rows) => rows.every(({ embedding }) => embedding === rows[0]!.embedding),
      corrected: (rows) =>
        rows.every(
          (row, at) => at === 0 || (row.embedding > rows[at - 1]!.embedding && row.share < rows[at - 1]!.share),
        ),
      shouldBe: 'V·D grows with D; what shrinks is its share',
    },
  ],
  brief: (rows) => {
    const [first, last] = [rows[0]!, rows.at(-1)!];
    return (
      `V·D: ${short(first.embedding, 3)} in GPT-3 Small, ${short(last.embedding, 3)} in 175B; ` +
      `share ${percent(first.share)} → ${percent(last.share)}`
    );
  },
  details: (rows) =>
    rows.map(({ name, embedding, share: part }) => ({
      label: name,
      value: thousands(embedding),
      note: `${percent(part)} of all`,
    })),
  explanation:
    'The table of tokens has one row of D numbers for every token, and wider models have wider rows: GPT-3 175B keeps sixteen times ' +
    'as many numbers in it as GPT-3 Small. But the blocks grow with L·D², much faster, so that its share falls from 31 % to 0.4 %.',
});
