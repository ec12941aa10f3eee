// Every published answer to "how large a model, on how many tokens?": the laws side by side, for a budget, a size or a text.
import { UserError } from '../terms/user-error.ts';
import {
  APPROACHES,
  type ApproachName,
  CHINCHILLA_RUNS,
  type FitName,
  PARAMETRIC_FITS,
  type ParametricFit,
} from './scaling-fits.ts';
import type { Estimate } from './scaling-formula.ts';
import {
  type Allocation,
  FLOPS_PER_PARAMETER_AND_TOKEN,
  type LossTerms,
  lossTerms,
  optimumForParameters,
  optimumForTokens,
  parametricOptimum,
} from './scaling-parametric.ts';
import {
  criticalBatch,
  DOCUMENTS_RULE,
  fittedLaw,
  KAPLAN_OPTIMUM,
  kaplanLoss,
  overfittingPenalty,
  type PowerLaw,
  powerAllocation,
  type ScalingQuestion,
  TWENTY_TOKENS,
  tokensAgainstOverfitting,
} from './scaling-power.ts';

/** A law by name: what it says about the optimum. */
export interface ScalingLaw {
  readonly name: ScalingLawName;
  readonly title: string;
  /** `total` counts the embeddings among the parameters, `no-embedding` does not. */
  readonly counts: 'total' | 'no-embedding';
  readonly source: string;
  /** The optimum for the budget, or the one that has so many parameters or tokens. */
  allocate(question: ScalingQuestion): Allocation;
}

export type ScalingLawName = FitName | ApproachName | '20-tokens' | 'documents-rule' | 'kaplan';

function parametricLaw(name: FitName, title: string): ScalingLaw {
  const fit: ParametricFit = PARAMETRIC_FITS[name];
  const allocate = (question: ScalingQuestion) => {
    if ('budget' in question) return parametricOptimum(fit, question.budget);
    if ('parameters' in question) return optimumForParameters(fit, question.parameters);
    return optimumForTokens(fit, question.tokens);
  };
  return { name, title, counts: 'total', source: fit.source, allocate };
}

function powerLaw(
  name: ScalingLawName,
  title: string,
  law: PowerLaw,
  counts: ScalingLaw['counts'] = 'total',
): ScalingLaw {
  return { name, title, counts, source: law.source, allocate: (question) => powerAllocation(law, question) };
}

/** All laws, in the order in which they are shown. */
export const SCALING_LAWS: readonly ScalingLaw[] = [
  ...Object.values(APPROACHES).map((approach) => powerLaw(approach.name, approach.title, fittedLaw(approach))),
  parametricLaw('hoffmann', 'L(N, D) as printed, minimised'),
  parametricLaw('hoffmann-unrounded', 'the same with four digits'),
  parametricLaw('besiroglu', 'L(N, D) of the replication'),
  powerLaw('20-tokens', 'twenty tokens a parameter', TWENTY_TOKENS),
  powerLaw('documents-rule', "the documents' rule", DOCUMENTS_RULE),
  powerLaw('kaplan', 'Kaplan et al. 2020', KAPLAN_OPTIMUM, 'no-embedding'),
];

/** A law by its name. */
export function scalingLaw(name: ScalingLawName): ScalingLaw {
  return SCALING_LAWS.find((law) => law.name === name)!;
}

/** The loss by each parametric fit, in nats per token, part by part. */
export function lossesOf(parameters: number, tokens: number): Record<FitName, LossTerms> {
  const entries = Object.values(PARAMETRIC_FITS).map((fit) => [fit.name, lossTerms(fit, parameters, tokens)]);
  return Object.fromEntries(entries) as Record<FitName, LossTerms>;
}

/** A model and its training: what it costs and what each fit expects of it. */
export interface ScalingPoint {
  readonly parameters: number;
  readonly tokens: number;
  /** 6ND FLOPs. */
  readonly budget: number;
  readonly tokensPerParameter: number;
  readonly losses: Record<FitName, LossTerms>;
  /** Kaplan's L(N, D), and how much of it is overfitting. */
  readonly kaplan: { readonly loss: Estimate<'nats'>; readonly overfitting: number };
  readonly tokensAgainstOverfitting: Estimate<'tokens'>;
  /** Kaplan's critical batch at the loss of Besiroglu's fit. */
  readonly criticalBatch: Estimate<'tokens'>;
}

/** What is known about one choice of parameters and tokens. */
export function scalingPoint(parameters: number, tokens: number): ScalingPoint {
  const losses = lossesOf(parameters, tokens);
  return {
    parameters,
    tokens,
    budget: FLOPS_PER_PARAMETER_AND_TOKEN * parameters * tokens,
    tokensPerParameter: tokens / parameters,
    losses,
    kaplan: { loss: kaplanLoss(parameters, tokens), overfitting: overfittingPenalty(parameters, tokens) },
    tokensAgainstOverfitting: tokensAgainstOverfitting(parameters),
    criticalBatch: criticalBatch(losses.besiroglu.total.value),
  };
}

/** The smallest transformer that deserves the name has about a thousand parameters; the laws end far above it. */
export const LEAST_PARAMETERS = 1e3;
const LEAST = {
  budget: FLOPS_PER_PARAMETER_AND_TOKEN * LEAST_PARAMETERS * 20 * LEAST_PARAMETERS,
  parameters: LEAST_PARAMETERS,
  tokens: LEAST_PARAMETERS,
};
/** Far beyond what all computers together could do: a slip of the pen. */
const MOST = { budget: 1e36, parameters: 1e18, tokens: 1e21 };
const WORDS = {
  budget: ['A budget', 'FLOPs'],
  parameters: ['A model', 'parameters'],
  tokens: ['A text', 'tokens'],
} as const;

/** 120000000 → 1.2e8, as it can be typed again. */
export function typed(value: number): string {
  const rounded = Number(value.toPrecision(6));
  return Math.abs(rounded) < 1e5 ? String(rounded) : rounded.toExponential().replace('e+', 'e');
}

/**
 * The value, checked.
 * @throws UserError for what is not a number, not positive, too small for any model, or absurdly large
 */
export function checkedQuantity(kind: keyof typeof LEAST, value: number): number {
  const [what, unit] = WORDS[kind];
  const of = `${what} of ${typed(value)} ${unit}`;
  if (!(value > 0)) {
    throw new UserError(`${of} makes no sense: it must be a number above 0, and at least ${typed(LEAST[kind])}.`);
  }
  if (value < LEAST[kind]) {
    const smallest = `${LEAST.parameters} parameters`;
    const why =
      kind === 'budget' ? `: ${smallest} on ${20 * LEAST.parameters} tokens already cost ${typed(LEAST.budget)}` : '';
    const too = kind === 'parameters' ? 'is too small for the laws' : 'is too small for any model';
    throw new UserError(`${of} ${too}${why}; at least ${typed(LEAST[kind])} is needed.`);
  }
  if (value > MOST[kind]) throw new UserError(`${of} is beyond all reason: at most ${typed(MOST[kind])} is allowed.`);
  return value;
}

/** What should be said beside an optimum: extrapolation, little text. */
export function scalingNotes(allocation: { parameters: number; tokens: number }): string[] {
  const { parameters, tokens } = CHINCHILLA_RUNS;
  const outside = (value: number, [low, high]: readonly [number, number]) => value < low || value > high;
  const notes: string[] = [];
  if (outside(allocation.parameters, parameters) || outside(allocation.tokens, tokens)) {
    notes.push(
      'Extrapolated: the Chinchilla laws rest on runs of 70 M to 16 B parameters on 5 B to 500 B tokens ' +
        `(${CHINCHILLA_RUNS.source}; training-llms says 5 B to 400 B).`,
    );
  }
  if (allocation.tokens < 200e9) {
    notes.push('Below 200 B tokens, which training-llms recommends as the least for an LLM.');
  }
  return notes;
}
