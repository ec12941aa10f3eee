// Claims P: parameters.
import type { ModelCard } from '../../cards/model-card.ts';
import { evaluateFormula } from '../../terms/formula.ts';
import { cardLetters } from '../../theory/letters.ts';
import { countParameters, documentParameters } from '../../theory/parameters.ts';
import { type AnyClaim, claim } from '../claim.ts';
import { isNear, percent, short, thousands, times } from '../words.ts';
import { linearGradient } from './linear-gradient.ts';

const total = (card: ModelCard) => countParameters(card).total;
const groups = (card: ModelCard) => countParameters(card).groups;
const blocks = (card: ModelCard) => groups(card).attention + groups(card).mlp;
const share = (part: bigint, whole: bigint) => Number(part) / Number(whole);
const perLayer = (count: bigint, card: ModelCard) => Number(count) / card.layers;
const formula = (text: string, card: ModelCard) => Number(evaluateFormula(text, cardLetters(card)));

/** GPT-3 as the slides have it, from the smallest to the largest. */
const GPT3 = ['gpt3-small', 'gpt3-medium', 'gpt3-large', 'gpt3-xl', 'gpt3-2.7b', 'gpt3-6.7b', 'gpt3-13b', 'gpt3-175b'];

const p1 = claim({
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

const p2 = claim({
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

const hidden = ({ hidden }: ModelCard) => BigInt(hidden);
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

const p3 = claim({
  id: 'P3',
  documents: ['decoder-only'],
  where: '1.1',
  statement: 'embedding and positions require (V + S)D ≈ VD parameters per layer',
  kinds: ['arithmetic'],
  evidence: ({ card }) => [card('gpt2'), card('gpt2-xl'), card('gpt3-175b')],
  parts: [
    {
      says: 'per layer',
      recorded: 'erratum',
      asPrinted: (cards) => cards.every((model) => ends(model) === BigInt(model.layers) * BigInt(tables(model))),
      corrected: (cards) => cards.every((model) => ends(model) === BigInt(tables(model))),
      shouldBe: '(V + K)D once per model, K being the context for which positions exist',
    },
    {
      says: '(V + S)D ≈ VD',
      recorded: 'approximates',
      asPrinted: (cards) => cards.every((model) => groups(model).positions === 0n),
      approximation: {
        ratios: (cards) =>
          Object.fromEntries(cards.map((model) => [model.name, share(groups(model).embedding, ends(model))])),
        within: [0.95, 1],
        until: () => 'the context is no longer short against the vocabulary: K = V halves it',
      },
    },
  ],
  brief: ([small]) => `gpt2: ${thousands(ends(small!))} once; ${small!.layers} times that is more than the whole model`,
  details: (cards) =>
    cards.map((model) => ({
      label: model.name,
      value: thousands(ends(model)),
      note: `(${model.vocabulary} + ${model.context})·${model.hidden}, of ${thousands(total(model))} parameters`,
    })),
  explanation:
    'A model looks a token up once, at its beginning: there is one table of tokens and one of positions, however many layers ' +
    'follow. Counted per layer, GPT-2 would hold 473 M numbers in its tables alone, four times as many as it has.',
});

const ends = (model: ModelCard) => groups(model).embedding + groups(model).positions;
const tables = ({ vocabulary, context, hidden }: ModelCard) => (vocabulary + context) * hidden;

const p4 = claim({
  id: 'P4',
  documents: ['decoder-only'],
  where: '1.2',
  statement: 'two LayerNorm instances in each block require 2D parameters per layer',
  kinds: ['arithmetic'],
  evidence: ({ card }) =>
    ['gpt2', 'gpt3-175b', 'starcoder'].map((name) => {
      const model = card(name);
      const finalNorm = 2n * hidden(model);
      return { model, inBlocks: groups(model).norms - finalNorm };
    }),
  parts: [
    {
      says: '2D per layer',
      recorded: 'erratum',
      asPrinted: (rows) => rows.every(({ model, inBlocks }) => perLayer(inBlocks, model) === 2 * model.hidden),
      corrected: (rows) => rows.every(({ model, inBlocks }) => perLayer(inBlocks, model) === 4 * model.hidden),
      shouldBe: '4D: scale γ and shift β, twice',
    },
  ],
  brief: ([first]) =>
    `${first!.model.name}: ${thousands(perLayer(first!.inBlocks, first!.model))} per layer, D = ${first!.model.hidden}`,
  details: (rows) =>
    rows.map(({ model, inBlocks }) => ({
      label: model.name,
      value: `${perLayer(inBlocks, model) / model.hidden}·D per layer`,
      note: `${thousands(inBlocks)} in ${model.layers} layers of ${model.hidden}`,
    })),
  explanation:
    'Equation (1.1) multiplies by a scale γ and adds a shift β, each a vector of D numbers, so that one LayerNorm has 2D and two ' +
    'have 4D. With 2D one of the two vectors, or one of the two norms, was forgotten.',
});

const p5 = claim({
  id: 'P5',
  documents: ['decoder-only'],
  where: '1.3, 1.4',
  statement: 'attention has 4D² and the MLP 2ED² parameters per layer',
  kinds: ['arithmetic'],
  evidence: ({ card }) => {
    const without = ['bias.qkv=false', 'bias.projection=false', 'bias.mlp=false'];
    return ['gpt2', 'gpt3-175b', 'gpt-small'].map((name) => ({ bare: card(name, without), full: card(name) }));
  },
  parts: [
    {
      says: 'exactly, where biases are left out',
      recorded: 'holds',
      asPrinted: (rows) =>
        rows.every(
          ({ bare }) =>
            Number(groups(bare).attention) === formula('4L·D²', bare) &&
            Number(groups(bare).mlp) === formula('2E·L·D²', bare),
        ),
    },
  ],
  brief: (rows) =>
    rows
      .map(
        ({ bare, full }) =>
          `${full.name}: biases are ${percent(share(blocks(full) - blocks(bare), blocks(full)), 2)} more`,
      )
      .join(', '),
});

const p6 = claim({
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

const p7 = claim({
  id: 'P7',
  documents: ['llm-pretraining'],
  where: 'GQA, MQA, SiLU MLP',
  statement: 'GQA has W^K, W^V of D × gH, MQA of D × H; the Llama MLP has three matrices, D × 4D on the slide',
  kinds: ['arithmetic', 'published'],
  evidence: ({ card }) => {
    const llama = card('llama3-8b');
    return {
      gqa: llama,
      mqa: card('starcoder', ['bias.qkv=false', 'bias.projection=false']),
      slide: card('llama3-8b', [`mlp.width=${4 * llama.hidden}`]),
    };
  },
  parts: [
    {
      says: 'GQA and MQA: attention has 2·D·H(A + g) parameters per layer, with g = 1 for MQA',
      recorded: 'holds',
      asPrinted: ({ gqa, mqa }) =>
        Number(groups(gqa).attention) === formula('2L·D·H(A + g)', gqa) &&
        Number(groups(mqa).attention) === formula('2L·D·H(A + 1)', mqa),
    },
    {
      says: 'the MLP has three matrices; as wide as on the slide they hold 12·D² per layer',
      recorded: 'holds',
      asPrinted: ({ gqa, slide }) =>
        Number(groups(slide).mlp) === formula('12L·D²', slide) &&
        Number(groups(gqa).mlp) === formula('3L·D·F', gqa) &&
        BigInt(gqa.published?.parameters ?? 0) === total(gqa),
    },
  ],
  brief: ({ gqa, slide }) =>
    `Llama 3 8B: F = ${thousands(gqa.mlp.width)} = 3.5·D, ${short(total(gqa))}; with 4·D it would have ${short(total(slide))}`,
  details: ({ gqa, mqa, slide }) => [
    { label: 'attention, GQA', value: thousands(groups(gqa).attention), note: 'llama3-8b: 32 heads over 8' },
    { label: 'attention, MQA', value: thousands(groups(mqa).attention), note: 'starcoder: 48 heads over 1, no biases' },
    { label: 'MLP, F = 3.5·D', value: thousands(groups(gqa).mlp), note: 'the real Llama 3 8B' },
    { label: 'MLP, F = 4·D', value: thousands(groups(slide).mlp), note: 'as on the slide: 12·D² per layer' },
  ],
});

const p8 = claim({
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

const p9 = claim({
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

const p10 = claim({
  id: 'P10',
  documents: ['llm-pretraining'],
  where: 'Linear layer computation',
  statement: '∂L/∂W = Xᵀ·∂L/∂Y and ∂L/∂X = ∂L/∂Y·Wᵀ, both in R^(B×H2), for Y = X·W',
  kinds: ['arithmetic'],
  evidence: linearGradient,
  parts: [
    {
      says: 'both shapes are B × H2',
      recorded: 'erratum',
      asPrinted: ({ dW, dX, rows, outputs }) =>
        [dW, dX].every(({ shape }) => shape[0] === rows && shape[1] === outputs),
      corrected: ({ dW, dX, rows, inputs, outputs }) =>
        dW.shape[0] === inputs && dW.shape[1] === outputs && dX.shape[0] === rows && dX.shape[1] === inputs,
      shouldBe: '∂L/∂W in R^(H1×H2), as W; ∂L/∂X in R^(B×H1), as X',
    },
    {
      says: 'the two products are the gradients',
      recorded: 'holds',
      asPrinted: ({ dW, dX }) => dW.worst < 1e-6 && dX.worst < 1e-6,
    },
  ],
  brief: ({ dW, dX, rows, inputs, outputs }) =>
    `B = ${rows}, H1 = ${inputs}, H2 = ${outputs}: ∂L/∂W is ${dW.shape.join('×')}, ∂L/∂X is ${dX.shape.join('×')}`,
  details: ({ dW, dX }) => [
    {
      label: '∂L/∂W',
      value: dW.shape.join(' × '),
      note: `differs from finite differences by at most ${dW.worst.toExponential(1)}`,
    },
    {
      label: '∂L/∂X',
      value: dX.shape.join(' × '),
      note: `differs from finite differences by at most ${dX.worst.toExponential(1)}`,
    },
  ],
  explanation:
    'A gradient has one number for every number of what it is the gradient of, so its shape is that of W or of X, never that of Y. ' +
    'The products are right, and their inner sizes give these shapes: (H1×B)·(B×H2) is H1×H2, and (B×H2)·(H2×H1) is B×H1.',
});

export const parameterClaims: readonly AnyClaim[] = [p1, p2, p3, p4, p5, p6, p7, p8, p9, p10];
