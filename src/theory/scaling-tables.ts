// The documents' tables of optimal and of trained models, recomputed row by row.
import { APPROACHES, type OptimalRow, PARAMETRIC_FITS, TRAINED_MODELS } from './scaling-fits.ts';
import { scalingLaw } from './scaling-laws.ts';
import { FLOPS_PER_PARAMETER_AND_TOKEN, parametricLoss } from './scaling-parametric.ts';

/** A row as printed, and what the printed laws make of its budget. */
export interface TableRow extends OptimalRow {
  /** 6ND / C: 1 where the row spends its budget exactly. */
  readonly spent: number;
  readonly tokensPerParameter: number;
  /** What `N = 0.1·C^0.5, D = 1.7·C^0.5` says. */
  readonly rule: OptimalRow;
  /** What the loss L(N, D) says when it is minimised under C = 6ND, by fit. */
  readonly minimised: { readonly hoffmann: OptimalRow; readonly besiroglu: OptimalRow };
}

/** The optimum of a law as plain numbers. */
export function optimumBy(name: Parameters<typeof scalingLaw>[0], budget: number): OptimalRow {
  const { parameters, tokens } = scalingLaw(name).allocate({ budget });
  return { budget, parameters: parameters.value, tokens: tokens.value };
}

/** The nine budgets of llm-pretraining, which are table 3 of Hoffmann et al. 2022. */
export function documentTable(): TableRow[] {
  return APPROACHES['approach-1'].rows.map((row) => ({
    ...row,
    spent: (FLOPS_PER_PARAMETER_AND_TOKEN * row.parameters * row.tokens) / row.budget,
    tokensPerParameter: row.tokens / row.parameters,
    rule: optimumBy('documents-rule', row.budget),
    minimised: { hoffmann: optimumBy('hoffmann', row.budget), besiroglu: optimumBy('besiroglu', row.budget) },
  }));
}

/** A model that was trained, and what the same FLOPs would have given. */
export interface TrainedModel {
  readonly name: string;
  readonly parameters: number;
  readonly tokens: number;
  /** 6ND FLOPs. */
  readonly budget: number;
  readonly tokensPerParameter: number;
  /** Nats per token by Besiroglu's fit, and the least for the same budget. */
  readonly loss: number;
  readonly leastLoss: number;
}

/** The six models of training-llms. */
export function trainedModels(): TrainedModel[] {
  return TRAINED_MODELS.map(({ name, parameters, tokens }) => {
    const budget = FLOPS_PER_PARAMETER_AND_TOKEN * parameters * tokens;
    const best = optimumBy('besiroglu', budget);
    return {
      ...{ name, parameters, tokens, budget, tokensPerParameter: tokens / parameters },
      loss: parametricLoss(PARAMETRIC_FITS.besiroglu, parameters, tokens),
      leastLoss: parametricLoss(PARAMETRIC_FITS.besiroglu, best.parameters, best.tokens),
    };
  });
}
