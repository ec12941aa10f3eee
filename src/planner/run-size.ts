// How large a model and how many tokens: as asked, or the best that a budget of FLOPs or GPU-hours buys.
import type { ModelCard } from '../cards/model-card.ts';
import { UserError } from '../terms/user-error.ts';
import { countParameters } from '../theory/parameters.ts';
import { checkedQuantity, type ScalingLawName, scalingLaw, scalingNotes } from '../theory/scaling-laws.ts';
import { scaledCard } from './scaled-card.ts';
import { largestWithin, passedLimit, type ServingLimits, type ServingPlace } from './serving.ts';

/** What a person may spend. */
export type Budget = { readonly flops: number } | { readonly gpuHours: number };

/** What decides size and tokens. */
export interface RunQuestion {
  /** The model, where it is decided. */
  readonly card?: ModelCard;
  /** The kind of model to scale where it is not. */
  readonly family: ModelCard;
  readonly tokens?: number;
  readonly budget?: Budget;
  readonly law: ScalingLawName;
  readonly limits: ServingLimits;
  readonly serving: ServingPlace;
  /** The answer to what inference may cost, where it is known already. */
  readonly bound?: SizeBound;
}

/** The largest N whose inference stays within the limits, and what a larger model passes. */
export type SizeBound = ReturnType<typeof largestWithin>;

/** The model and the text, and why. */
export interface RunSize {
  readonly card: ModelCard;
  readonly parameters: bigint;
  readonly tokens: number;
  /** 6ND */
  readonly flops: number;
  readonly reasons: readonly string[];
  readonly notes: readonly string[];
  /** Where N was open and limits were given. */
  readonly bound?: SizeBound;
}

const hasLimits = (limits: ServingLimits) => Object.values(limits).some((limit) => limit !== undefined);
const billions = (value: number) => {
  if (value >= 1e12) return `${Number((value / 1e12).toPrecision(3))} T`;
  return value >= 1e9 ? `${Number((value / 1e9).toPrecision(3))} B` : `${Number((value / 1e6).toPrecision(3))} M`;
};

/**
 * Chooses what the question leaves open. A given card fixes N, given tokens fix D; a budget C gives the rest by C = 6ND or,
 * where both are open, by a scaling law. Limits of inference bound an open N, and what is saved goes into tokens.
 * @param flopsPerGpuHour what an hour of one GPU achieves: peak · 3600 · MFU
 * @throws UserError for a question without an answer: nothing to go by, a budget too small, a model beyond the limits
 */
export function chooseRun(question: RunQuestion, flopsPerGpuHour: number): RunSize {
  const { card, tokens, budget, limits, serving } = question;
  const flops = budgetFlops(budget, flopsPerGpuHour);
  const bounded = hasLimits(limits);
  if (card) {
    const passed = bounded ? passedLimit(card, limits, serving) : undefined;
    if (passed) {
      const { parameters } = largestWithin((size) => scaledCard(card, size), limits, serving);
      throw new UserError(
        `'${card.name}' ${passed}: the largest model of its kind that stays within has about ${billions(parameters)} parameters.`,
      );
    }
    const N = Number(countParameters(card).total);
    if (tokens !== undefined) return answer(card, tokens, [], question);
    if (flops !== undefined) {
      const D = checkedQuantity('tokens', flops / (6 * N));
      const best = scalingLaw(question.law).allocate({ budget: flops });
      const chosen = `${billions(best.parameters.value)} parameters on ${billions(best.tokens.value)} tokens`;
      const reason = `D = C / 6N: ${'the model is given'}; the law '${question.law}' would choose ${chosen}`;
      return answer(card, D, [reason], question);
    }
    return answer(card, 20 * N, ['D = 20N: neither --tokens nor --budget was given'], question);
  }
  return openSize(question, flops, bounded);
}

function budgetFlops(budget: Budget | undefined, flopsPerGpuHour: number): number | undefined {
  if (!budget) return undefined;
  if ('flops' in budget) return checkedQuantity('budget', budget.flops);
  if (!(budget.gpuHours > 0))
    throw new UserError(`A budget of ${budget.gpuHours} GPU-hours buys nothing: give more than 0.`);
  return checkedQuantity('budget', budget.gpuHours * flopsPerGpuHour);
}

/** N is open: by the law, by the tokens, or by what inference may cost. */
function openSize(question: RunQuestion, flops: number | undefined, bounded: boolean): RunSize {
  const { family, tokens, law, limits, serving } = question;
  const wanted = wantedSize(question, flops);
  if (wanted === undefined && !bounded) {
    throw new UserError(
      'Nothing says how large the model is: give --arch, --card or --hf, or a --budget to choose it by.',
    );
  }
  const most = bounded
    ? (question.bound ?? largestWithin((size) => scaledCard(family, size), limits, serving))
    : undefined;
  const isBound = most !== undefined && (wanted === undefined || most.parameters < wanted);
  const target = isBound ? most.parameters : wanted!;
  const card = scaledCard(family, target, most?.parameters);
  const N = Number(countParameters(card).total);
  const D = tokens ?? (flops === undefined ? 20 * N : checkedQuantity('tokens', flops / (6 * N)));
  const reasons = [
    ...(isBound ? [`N ≤ ${billions(most.parameters)} by what inference may cost: ${most.limit}`] : []),
    ...(wanted !== undefined && !isBound
      ? [tokens !== undefined ? 'N = C / 6D: the tokens are given' : `N = ${billions(wanted)} by the law '${law}'`]
      : []),
    ...(flops === undefined ? (tokens === undefined ? ['D = 20N: there is no --budget'] : []) : ['D = C / 6N']),
  ];
  return { ...answer(card, D, reasons, question), ...(most ? { bound: most } : {}) };
}

function wantedSize({ law, tokens }: RunQuestion, flops: number | undefined): number | undefined {
  if (flops === undefined) return undefined;
  if (tokens !== undefined) return checkedQuantity('parameters', flops / (6 * tokens));
  return scalingLaw(law).allocate({ budget: flops }).parameters.value;
}

function answer(card: ModelCard, tokens: number, reasons: readonly string[], { limits }: RunQuestion): RunSize {
  const { total } = countParameters(card);
  const D = Math.max(1, Math.round(tokens));
  const notes = scalingNotes({ parameters: Number(total), tokens: D });
  const within = hasLimits(limits) ? ['Within what inference may cost.'] : [];
  return { card, parameters: total, tokens: D, flops: 6 * Number(total) * D, reasons, notes: [...notes, ...within] };
}
