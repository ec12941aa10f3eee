// Models, batches and settings that several tests of whole models share.
import { readFileSync } from 'node:fs';
import { type ModelCard, resolveModelCard } from '../../src/cards/model-card.ts';
import { applyOverrides } from '../../src/cards/overrides.ts';
import type { Batch } from '../../src/data/batches.ts';
import { uniformInteger } from '../../src/engine/random.ts';
import type { OptimizerSettings } from '../../src/training/optimizer.ts';

/** A shipped card, changed as `--set` would change it. */
export function shippedCard(name: string, ...assignments: string[]): ModelCard {
  const json: unknown = JSON.parse(readFileSync(new URL(`../../models/${name}.json`, import.meta.url), 'utf8'));
  return resolveModelCard(applyOverrides(json, assignments), name);
}

const tiny = ['hidden=16', 'context=12', 'vocabulary=23', 'heads=4', 'headSize=4', 'mlp.width=24'];

/** One small model for every choice that a card can make. */
export const variants: Readonly<Record<string, ModelCard>> = {
  gpt: shippedCard('gpt-debug', ...tiny),
  llama3: shippedCard('llama3-debug', ...tiny),
  mqa: shippedCard('mqa-debug', ...tiny),
  'post-norm, sinusoidal, relu': shippedCard(
    'gpt-debug',
    ...tiny,
    'norm.placement=post',
    'positions.kind=sinusoidal',
    'mlp.kind=relu',
  ),
  'parallel with one norm, untied': shippedCard(
    'llama3-debug',
    ...tiny,
    'layout=parallel',
    'norm.perBlock=1',
    'tied=false',
  ),
  'parallel with two norms, exact gelu, norm without shift, head bias': shippedCard(
    'mqa-debug',
    ...tiny,
    'layout=parallel',
    'mlp.kind=gelu',
    'norm.bias=false',
    'bias.head=true',
  ),
  'llama3 scaling, odd head size': shippedCard(
    'llama3-debug',
    ...tiny,
    'headSize=6',
    'tied=false',
    'bias.head=true',
    'positions.scaling={"kind":"llama3","factor":8,"lowFrequencyFactor":1,"highFrequencyFactor":4,"originalContext":8}',
  ),
};

/** The card with every kind of dropout on. */
export const withDropout = (card: ModelCard, rate = 0.25): ModelCard => ({
  ...card,
  dropout: { embedding: rate, attention: rate, residual: rate },
});

/** Seeded windows of ids; each label is a random id, too. */
export function randomBatch(card: ModelCard, rows: number, length: number, seed = 1): Batch {
  const ids = (stream: string) =>
    Int32Array.from({ length: rows * length }, (_, i) => uniformInteger(seed, stream, i, card.vocabulary));
  return { inputs: ids('inputs'), labels: ids('labels'), rows, length };
}

export const adamwSettings: OptimizerSettings = {
  kind: 'adamw',
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0.1,
  momentum: 0.9,
};
