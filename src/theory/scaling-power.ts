// Laws that say N = k·C^a and D = m·C^b: the paper's approaches (fitted to its tables), D = 20N, the documents' rule, Kaplan.
import { KAPLAN, type OptimalRow } from './scaling-fits.ts';
import { type Estimate, estimate, type RealLetters } from './scaling-formula.ts';
import type { Allocation } from './scaling-parametric.ts';

/** N = k·C^a and D = m·C^b. */
export interface PowerLaw {
  readonly k: number;
  readonly a: number;
  readonly m: number;
  readonly b: number;
  readonly source: string;
}

/** The straight line through (log x, log y) with the least squares: y = scale · x^exponent. */
function fitPower(points: readonly (readonly [x: number, y: number])[]): { scale: number; exponent: number } {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const mean = (at: 0 | 1) => logs.reduce((sum, point) => sum + point[at], 0) / logs.length;
  const [x, y] = [mean(0), mean(1)];
  const spread = logs.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
  const exponent = logs.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0) / spread;
  return { scale: Math.exp(y - exponent * x), exponent };
}

/**
 * The law behind a published table. The paper prints exponents with two digits and no coefficients; over the nine
 * decades of its tables two digits are not enough, so both are fitted to the rows.
 */
export function fittedLaw({ rows, source }: { rows: readonly OptimalRow[]; source: string }): PowerLaw {
  const parameters = fitPower(rows.map((row) => [row.budget, row.parameters]));
  const tokens = fitPower(rows.map((row) => [row.budget, row.tokens]));
  return {
    k: parameters.scale,
    a: parameters.exponent,
    m: tokens.scale,
    b: tokens.exponent,
    source: `${source}, a power law through its rows`,
  };
}

/** D = 20N under C = 6ND: N = √(C/120), D = √(20C/6). */
export const TWENTY_TOKENS: PowerLaw = {
  k: 1 / Math.sqrt(120),
  a: 0.5,
  m: Math.sqrt(20 / 6),
  b: 0.5,
  source: 'training-llms, transformer-math-101, lecture-compute-memory: D = 20P',
};

/** The documents' conclusion for Chinchilla. */
export const DOCUMENTS_RULE: PowerLaw = {
  k: 0.1,
  a: 0.5,
  m: 1.7,
  b: 0.5,
  source: 'llm-pretraining, Chinchilla Scaling Law: N = 0.1·C^0.5, D = 1.7·C^0.5',
};

/** What is known: a budget in FLOPs, a number of parameters, or a number of tokens. */
export type ScalingQuestion =
  | { readonly budget: number }
  | { readonly parameters: number }
  | { readonly tokens: number };

/** The allocation of a power law for what is given. */
export function powerAllocation(law: PowerLaw, question: ScalingQuestion): Allocation {
  const values: RealLetters = { k: law.k, a: law.a, m: law.m, b: law.b };
  const budget = budgetOf(law, values, question);
  const all = { ...values, C: budget.value };
  return {
    budget,
    parameters:
      'parameters' in question
        ? estimate('parameters', 'parameters', 'N', { N: question.parameters }, 'given')
        : estimate('parameters', 'parameters', 'k·C^a', all, law.source),
    tokens:
      'tokens' in question
        ? estimate('tokens', 'tokens', 'D', { D: question.tokens }, 'given')
        : estimate('tokens', 'tokens', 'm·C^b', all, law.source),
  };
}

function budgetOf(law: PowerLaw, values: RealLetters, question: ScalingQuestion): Estimate<'FLOPs'> {
  if ('budget' in question) return estimate('budget', 'FLOPs', 'C', { C: question.budget }, 'given');
  if ('parameters' in question) {
    return estimate('budget', 'FLOPs', '(N/k)^(1/a)', { ...values, N: question.parameters }, law.source);
  }
  return estimate('budget', 'FLOPs', '(D/m)^(1/b)', { ...values, D: question.tokens }, law.source);
}

/** 10¹⁵ FLOP/s for a day. */
export const PFLOP_DAY = 1e15 * 24 * 3600;

/**
 * Kaplan's optimum as a power law of the FLOPs spent. The paper gives it for C_min, the compute of a batch far below the
 * critical size; at the critical size, where training is done in practice, C = 2·C_min (equation 5.5 with B = B_crit).
 */
export const KAPLAN_OPTIMUM: PowerLaw = (() => {
  const { parameters, tokens } = KAPLAN.optimum;
  const unit = 2 * PFLOP_DAY;
  return {
    k: parameters.scale / unit ** parameters.exponent,
    a: parameters.exponent,
    m: tokens.scale / unit ** tokens.exponent,
    b: tokens.exponent,
    source: `${KAPLAN.source}, table 6 at the critical batch size (C = 2·C_min)`,
  };
})();

const kaplan = (id: string, formula: string, letters: RealLetters, where: string) =>
  estimate(id, 'nats', formula, letters, `${KAPLAN.source}, ${where}`);

/** L(N): a model of N parameters (no embeddings) trained to convergence on enough text. */
export function kaplanLossOfParameters(parameters: number): Estimate<'nats'> {
  const { scale, exponent } = KAPLAN.parameters;
  return kaplan('loss', '(N_c/N)^α', { N_c: scale, N: parameters, α: exponent }, 'equation 1.1');
}

/** L(D): a large model stopped early on D tokens. */
export function kaplanLossOfTokens(tokens: number): Estimate<'nats'> {
  const { scale, exponent } = KAPLAN.tokens;
  return kaplan('loss', '(D_c/D)^α', { D_c: scale, D: tokens, α: exponent }, 'equation 1.2');
}

/** L(C): `budget` FLOPs spent at a fixed batch size (`naive`), or with C_min (`least`), at the best size for it. */
export function kaplanLossOfCompute(budget: number, kind: 'naive' | 'least'): Estimate<'nats'> {
  const { scale, exponent } = kind === 'naive' ? KAPLAN.compute : KAPLAN.leastCompute;
  const letters = { C_c: scale, C: budget / PFLOP_DAY, α: exponent };
  return kaplan('loss', '(C_c/C)^α', letters, kind === 'naive' ? 'table 5, C in PFLOP-days' : 'equation 1.3');
}

/** L(N, D): N parameters (no embeddings), D tokens, early stopping. */
export function kaplanLoss(parameters: number, tokens: number): Estimate<'nats'> {
  const { joint } = KAPLAN;
  const letters = {
    ...{ N_c: joint.parameters, D_c: joint.tokens, a: joint.alphaN, d: joint.alphaD },
    ...{ N: parameters, D: tokens },
  };
  return kaplan('loss', '[(N_c/N)^(a/d) + D_c/D]^d', letters, 'equation 1.5, table 2');
}

/** How much of the loss is overfitting: L(N, D)/L(N, ∞) − 1, which depends on N^0.74/D. */
export function overfittingPenalty(parameters: number, tokens: number): number {
  const withoutLimit = kaplanLoss(parameters, Number.POSITIVE_INFINITY);
  return kaplanLoss(parameters, tokens).value / withoutLimit.value - 1;
}

/** The tokens that keep overfitting within the noise: D ≳ 5·10³·N^0.74. */
export function tokensAgainstOverfitting(parameters: number): Estimate<'tokens'> {
  const { scale, exponent } = KAPLAN.overfitting;
  const letters = { s: scale, N: parameters, e: exponent };
  return estimate('tokens', 'tokens', 's·N^e', letters, `${KAPLAN.source}, equation 4.4`);
}

/** The batch, in tokens, beyond which more of it saves little time: a power of the loss (nats) only. */
export function criticalBatch(loss: number): Estimate<'tokens'> {
  const { scale, exponent } = KAPLAN.criticalBatch;
  const letters = { B: scale, L: loss, α: exponent };
  return estimate('batch', 'tokens', 'B/L^(1/α)', letters, `${KAPLAN.source}, equation 5.3 with table 5`);
}
