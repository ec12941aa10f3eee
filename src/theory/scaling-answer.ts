// The whole answer of `yarn scale`: optima by every law, losses, the documents' tables and iso-FLOP curves for one question.
import { UserError } from '../terms/user-error.ts';
import { type FitName, PARAMETRIC_FITS } from './scaling-fits.ts';
import {
  checkedQuantity,
  lossesOf,
  SCALING_LAWS,
  type ScalingLaw,
  type ScalingPoint,
  scalingNotes,
  scalingPoint,
  typed,
} from './scaling-laws.ts';
import { type Allocation, isoFlopPoints, type LossPoint, type LossTerms, logarithmic } from './scaling-parametric.ts';
import type { ScalingQuestion } from './scaling-power.ts';
import { documentTable, type TableRow, type TrainedModel, trainedModels } from './scaling-tables.ts';

/** What a person gives: one of the three, or two, which fix a model and its training. */
export interface ScalingRequest {
  /** FLOPs. */
  readonly budget?: number;
  readonly parameters?: number;
  readonly tokens?: number;
}

/** What one law recommends, and the loss that each fit expects of it. */
export interface LawAnswer {
  readonly law: ScalingLaw;
  readonly allocation: Allocation;
  readonly losses: Record<FitName, LossTerms>;
}

export interface ScalingAnswer {
  readonly question: ScalingQuestion;
  readonly laws: readonly LawAnswer[];
  /** The model that was asked about, where two quantities were given. */
  readonly choice?: ScalingPoint;
  readonly table: readonly TableRow[];
  readonly models: readonly TrainedModel[];
  /** Losses of models that all cost `budget`, by fit. */
  readonly isoFlop: {
    readonly budget: number;
    readonly curves: Readonly<Record<'hoffmann' | 'besiroglu', LossPoint[]>>;
  };
  readonly notes: readonly string[];
}

/**
 * Answers for a budget, a size or a text; for two of them also what that choice is worth.
 * @throws UserError when nothing, all three, or something absurd is given
 */
export function answerScaling(request: ScalingRequest, curvePoints = 93): ScalingAnswer {
  const { question, choice } = resolve(request);
  const laws = SCALING_LAWS.map((law) => {
    const allocation = law.allocate(question);
    return { law, allocation, losses: lossesOf(allocation.parameters.value, allocation.tokens.value) };
  });
  const best = laws.find(({ law }) => law.name === 'besiroglu')!.allocation;
  const budget = best.budget.value;
  const sizes = logarithmic(best.parameters.value / 50, best.parameters.value * 50, curvePoints);
  const told = choice ?? { parameters: best.parameters.value, tokens: best.tokens.value };
  return {
    question,
    laws,
    choice,
    table: documentTable(),
    models: trainedModels(),
    isoFlop: {
      budget,
      curves: {
        hoffmann: isoFlopPoints(PARAMETRIC_FITS.hoffmann, budget, sizes),
        besiroglu: isoFlopPoints(PARAMETRIC_FITS.besiroglu, budget, sizes),
      },
    },
    notes: scalingNotes(told),
  };
}

function resolve({ budget, parameters, tokens }: ScalingRequest): { question: ScalingQuestion; choice?: ScalingPoint } {
  if (budget !== undefined) checkedQuantity('budget', budget);
  if (parameters !== undefined) checkedQuantity('parameters', parameters);
  if (tokens !== undefined) checkedQuantity('tokens', tokens);
  if (budget !== undefined && parameters !== undefined && tokens !== undefined) {
    throw new UserError(
      `${typed(budget)} FLOPs, ${typed(parameters)} parameters and ${typed(tokens)} tokens are one too many, because ` +
        `C = 6ND (here ${typed(Number((6 * parameters * tokens).toPrecision(4)))}): leave one of the three out.`,
    );
  }
  const point = (size: number, length: number) => {
    const choice = scalingPoint(checkedQuantity('parameters', size), checkedQuantity('tokens', length));
    return { question: { budget: checkedQuantity('budget', choice.budget) }, choice };
  };
  if (parameters !== undefined && tokens !== undefined) return point(parameters, tokens);
  if (budget !== undefined && parameters !== undefined) return point(parameters, budget / (6 * parameters));
  if (budget !== undefined && tokens !== undefined) return point(budget / (6 * tokens), tokens);
  if (budget !== undefined) return { question: { budget } };
  if (parameters !== undefined) return { question: { parameters } };
  if (tokens !== undefined) return { question: { tokens } };
  throw new UserError('Nothing to scale: give a budget in FLOPs, a number of parameters, or a number of tokens.');
}
