// The parametric loss L(N, D) = E + A/N^α + B/D^β: its terms, its minimum under C = 6ND, its surface and its iso-FLOP curves.
import { UserError } from '../terms/user-error.ts';
import type { OptimalRow, ParametricFit } from './scaling-fits.ts';
import { type Estimate, estimate } from './scaling-formula.ts';

/** C = 6ND: a token costs 2 FLOPs per parameter forward and 4 backward. */
export const FLOPS_PER_PARAMETER_AND_TOKEN = 6;

/** The three parts of a loss, in nats per token, and their sum. */
export interface LossTerms {
  /** E: the entropy of the text, which no model goes below. */
  readonly entropy: Estimate<'nats'>;
  /** A/N^α: the price of a model that is not infinitely large. */
  readonly parameters: Estimate<'nats'>;
  /** B/D^β: the price of a text that is not infinitely long. */
  readonly tokens: Estimate<'nats'>;
  readonly total: Estimate<'nats'>;
}

/** A size and a length of training that spend a budget. */
export interface Allocation {
  /** FLOPs. */
  readonly budget: Estimate<'FLOPs'>;
  readonly parameters: Estimate<'parameters'>;
  readonly tokens: Estimate<'tokens'>;
}

const letters = ({ E, A, B, alpha, beta }: ParametricFit) => ({
  E,
  A,
  B,
  α: alpha,
  β: beta,
  G: ((alpha * A) / (beta * B)) ** (1 / (alpha + beta)),
  a: beta / (alpha + beta),
  b: alpha / (alpha + beta),
  r: beta / alpha,
  s: alpha / beta,
});

/** The loss in nats per token of `parameters` trained on `tokens`. */
export function parametricLoss(fit: ParametricFit, parameters: number, tokens: number): number {
  return fit.E + fit.A / parameters ** fit.alpha + fit.B / tokens ** fit.beta;
}

/** The same, term by term (Hoffmann et al. 2022, equation 2). */
export function lossTerms(fit: ParametricFit, parameters: number, tokens: number): LossTerms {
  const values = { ...letters(fit), N: parameters, D: tokens };
  const part = (id: string, formula: string) => estimate(id, 'nats', formula, values, fit.source);
  return {
    entropy: part('loss.entropy', 'E'),
    parameters: part('loss.parameters', 'A/N^α'),
    tokens: part('loss.tokens', 'B/D^β'),
    total: part('loss', 'E + A/N^α + B/D^β'),
  };
}

/**
 * The least loss for `budget` FLOPs: where αA/N^α = βB/D^β, which is a power law with a = β/(α + β), b = α/(α + β) and
 * G = (αA/(βB))^(1/(α + β)) (Hoffmann et al. 2022, equation 4).
 */
export function parametricOptimum(fit: ParametricFit, budget: number): Allocation {
  const values = { ...letters(fit), C: budget };
  const source = `${fit.source}; minimised under C = 6ND (Hoffmann et al. 2022, equation 4)`;
  return {
    budget: estimate('budget', 'FLOPs', 'C', values, 'given'),
    parameters: estimate('parameters', 'parameters', 'G(C/6)^a', values, source),
    tokens: estimate('tokens', 'tokens', '(C/6)^b/G', values, source),
  };
}

/** The budget for which `parameters` are optimal, and its tokens: (N/G)^(α/β)/G. */
export function optimumForParameters(fit: ParametricFit, parameters: number): Allocation {
  const values = { ...letters(fit), N: parameters };
  const tokens = estimate('tokens', 'tokens', '(N/G)^s/G', values, `${fit.source}; αA/N^α = βB/D^β`);
  return {
    budget: estimate('budget', 'FLOPs', '6N·D', { ...values, D: tokens.value }, '6ND'),
    parameters: estimate('parameters', 'parameters', 'N', values, 'given'),
    tokens,
  };
}

/** The budget for which `tokens` are optimal, and its parameters: G(G·D)^(β/α). */
export function optimumForTokens(fit: ParametricFit, tokens: number): Allocation {
  const values = { ...letters(fit), D: tokens };
  const parameters = estimate('parameters', 'parameters', 'G(G·D)^r', values, `${fit.source}; αA/N^α = βB/D^β`);
  return {
    budget: estimate('budget', 'FLOPs', '6N·D', { ...values, N: parameters.value }, '6ND'),
    parameters,
    tokens: estimate('tokens', 'tokens', 'D', values, 'given'),
  };
}

/**
 * The tokens after which `parameters` reach `loss`: how much longer a smaller model has to be trained.
 * @throws UserError when a model of this size never reaches it
 */
export function tokensToReach(fit: ParametricFit, parameters: number, loss: number): number {
  const floor = fit.E + fit.A / parameters ** fit.alpha;
  if (!(loss > floor)) {
    throw new UserError(
      `A loss of ${loss} nats is out of reach for ${parameters} parameters by ${fit.title}: ` +
        `however long they are trained, the loss stays above ${floor.toPrecision(5)}.`,
    );
  }
  return (fit.B / (loss - floor)) ** (1 / fit.beta);
}

/** A point of the loss surface. */
export interface LossPoint extends OptimalRow {
  /** Nats per token. */
  readonly loss: number;
}

/** The surface on a grid: one row per number of parameters, one column per number of tokens. */
export function lossSurface(
  fit: ParametricFit,
  parameters: readonly number[],
  tokens: readonly number[],
): LossPoint[][] {
  return parameters.map((size) => tokens.map((length) => lossPoint(fit, size, length)));
}

/**
 * A cut through the surface along 6ND = `budget`: `points` sizes, evenly apart on a logarithmic axis, from `span` times
 * fewer parameters than the optimum to `span` times more.
 */
export function isoFlopCurve(fit: ParametricFit, budget: number, points = 65, span = 100): LossPoint[] {
  const best = parametricOptimum(fit, budget).parameters.value;
  return isoFlopPoints(fit, budget, logarithmic(best / span, best * span, points));
}

/** The losses of the given sizes when each spends `budget` FLOPs. */
export function isoFlopPoints(fit: ParametricFit, budget: number, sizes: readonly number[]): LossPoint[] {
  return sizes.map((size) => lossPoint(fit, size, budget / (FLOPS_PER_PARAMETER_AND_TOKEN * size)));
}

/** `points` numbers from `low` to `high`, each the same factor above the last. */
export function logarithmic(low: number, high: number, points: number): number[] {
  return Array.from({ length: points }, (_, at) => low * (high / low) ** (points > 1 ? at / (points - 1) : 0));
}

function lossPoint(fit: ParametricFit, parameters: number, tokens: number): LossPoint {
  const budget = FLOPS_PER_PARAMETER_AND_TOKEN * parameters * tokens;
  return { parameters, tokens, budget, loss: parametricLoss(fit, parameters, tokens) };
}
