// Claims P3, P4, P5, P7 and P10: single layers.
import type { ModelCard } from '../../cards/model-card.ts';
import { claim } from '../claim.ts';
import { percent, short, thousands } from '../words.ts';
import { linearGradient } from './linear-gradient.ts';
import { blocks, formula, groups, hidden, perLayer, share, total } from './parameters-counts.ts';

export const p3 = claim({
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

export const p4 = claim({
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

export const p5 = claim({
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

export const p7 = claim({
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

export const p10 = claim({
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
