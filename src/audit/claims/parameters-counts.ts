// Exact counts that the claims on parameters are judged by.
import type { ModelCard } from '../../cards/model-card.ts';
import { evaluateFormula } from '../../terms/formula.ts';
import { cardLetters } from '../../theory/letters.ts';
import { countParameters } from '../../theory/parameters.ts';

export const total = (card: ModelCard) => countParameters(card).total;

export const groups = (card: ModelCard) => countParameters(card).groups;

export const blocks = (card: ModelCard) => groups(card).attention + groups(card).mlp;

export const share = (part: bigint, whole: bigint) => Number(part) / Number(whole);

export const perLayer = (count: bigint, card: ModelCard) => Number(count) / card.layers;

export const formula = (text: string, card: ModelCard) => Number(evaluateFormula(text, cardLetters(card)));

export const hidden = ({ hidden }: ModelCard) => BigInt(hidden);
