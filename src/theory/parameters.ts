// How many parameters a model has, by group: exactly, from the shapes of its weights, and as a formula in the documents' letters.
import type { ModelCard } from '../cards/model-card.ts';
import { PARAMETER_GROUPS, type ParameterGroup, weightShapes, weightSize } from '../cards/weights.ts';
import { type Term, term, totalTerm } from '../terms/term.ts';
import { cardLetters } from './letters.ts';

/** A count of parameters by group. A tied head has none of its own. */
export interface ParameterCount {
  readonly total: bigint;
  readonly groups: Readonly<Record<ParameterGroup, bigint>>;
}

/** Counts the weights of {@link weightShapes}, without building any. */
export function countParameters(card: ModelCard): ParameterCount {
  const groups = Object.fromEntries(PARAMETER_GROUPS.map((group) => [group, 0n])) as Record<ParameterGroup, bigint>;
  for (const weight of weightShapes(card)) groups[weight.group] += weightSize(weight);
  return { total: Object.values(groups).reduce((total, size) => total + size, 0n), groups };
}

/** What a group holds once per model, and what once per layer; empty where it holds nothing. */
interface GroupFormula {
  readonly group: ParameterGroup;
  readonly once?: string;
  readonly perLayer?: string;
}

const plus = (...parts: (string | false | undefined)[]) => parts.filter(Boolean).join(' + ');

function groupFormulas({ bias, mlp, norm, positions, tied }: ModelCard): GroupFormula[] {
  const gated = mlp.kind === 'swiglu';
  const perNorm = norm.bias ? 2 : 1;
  return [
    { group: 'embedding', once: 'V·D' },
    { group: 'positions', once: positions.kind === 'learned' ? 'K·D' : '' },
    { group: 'attention', perLayer: plus('2D·H(A + g)', bias.qkv && 'H(A + 2g)', bias.projection && 'D') },
    { group: 'mlp', perLayer: plus(gated ? '3D·F' : '2D·F', bias.mlp && (gated ? '2F + D' : 'F + D')) },
    {
      group: 'norms',
      perLayer: `${norm.perBlock * perNorm}D`.replace(/^1D/, 'D'),
      once: norm.placement === 'pre' ? `${perNorm}D`.replace(/^1D/, 'D') : '',
    },
    { group: 'head', once: plus(!tied && 'V·D', bias.head && 'V') },
  ];
}

/** `perLayer` times L, in brackets where it is a sum. */
function timesLayers(perLayer: string): string {
  const isSum = perLayer.replace(/\([^)]*\)/g, '').includes('+');
  return isSum ? `L(${perLayer})` : `L·${perLayer}`;
}

/** Each group that has parameters as a term, with its formula. */
export function parameterTerms(card: ModelCard): Term<'parameters', ParameterGroup>[] {
  const letters = cardLetters(card);
  return groupFormulas(card).flatMap(({ group, once, perLayer }) => {
    const formula = plus(perLayer && timesLayers(perLayer), once);
    return formula ? [term(group, 'parameters', formula, letters, 'decoder-only 1.1–1.6, every weight counted')] : [];
  });
}

/** The whole model as one term: `V·D + L(2D·H(A + g) + 3D·F + 2D) + D`. */
export function parameterTotal(card: ModelCard): Term<'parameters', 'parameters'> {
  const formulas = groupFormulas(card);
  const layers = timesLayers(plus(...formulas.map(({ perLayer }) => perLayer)));
  const before = formulas.filter(({ group }) => group === 'embedding' || group === 'positions');
  const after = formulas.filter((formula) => !before.includes(formula));
  const formula = plus(...before.map(({ once }) => once), layers, ...after.map(({ once }) => once));
  return totalTerm('parameters', parameterTerms(card), 'parameters', formula, cardLetters(card), 'sum of the groups');
}

/** The documents' approximation (4 + 2E)LD², which counts the blocks' matrices of a multi-head GELU model only. */
export function documentParameters(card: ModelCard): Term<'parameters', 'parameters'> {
  return term('parameters', 'parameters', '(4 + 2E)L·D²', cardLetters(card), 'decoder-only (2.2)');
}

/** Parameters outside the tables at both ends: without token embedding, learned positions and the head. */
export function nonEmbeddingParameters(card: ModelCard): bigint {
  const { groups } = countParameters(card);
  return groups.attention + groups.mlp + groups.norms;
}

/** Weights that every token is multiplied by: the matrices of the blocks, and the head's, tied or not. */
export function matmulParameters(card: ModelCard): bigint {
  const matrices = weightShapes(card).filter(
    ({ group, shape }) => shape.length === 2 && (group === 'attention' || group === 'mlp'),
  );
  const head = BigInt(card.vocabulary) * BigInt(card.hidden);
  return matrices.reduce((total, matrix) => total + weightSize(matrix), head);
}
