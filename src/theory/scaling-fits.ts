// What was published about scaling: the constants of fitted laws and the tables of their papers, each with its source.

/** The constants of L(N, D) = E + A/N^α + B/D^β. */
export interface ParametricFit {
  readonly name: string;
  readonly title: string;
  readonly E: number;
  readonly A: number;
  readonly B: number;
  readonly alpha: number;
  readonly beta: number;
  readonly source: string;
}

/** The fits of the parametric loss that were published, by name. */
export const PARAMETRIC_FITS = {
  hoffmann: {
    name: 'hoffmann',
    title: 'Hoffmann et al. 2022',
    E: 1.69,
    A: 406.4,
    B: 410.7,
    alpha: 0.34,
    beta: 0.28,
    source: 'Hoffmann et al. 2022, equation 10; llm-pretraining, Chinchilla Scaling Law',
  },
  'hoffmann-unrounded': {
    name: 'hoffmann-unrounded',
    title: 'the same, four digits',
    E: 1.6934,
    A: 406.4,
    B: 410.7,
    alpha: 0.3392,
    beta: 0.2849,
    source: 'Hoffmann et al. 2022, the TeX source of the paper, as quoted by Besiroglu et al. 2024',
  },
  besiroglu: {
    name: 'besiroglu',
    title: 'Besiroglu et al. 2024',
    E: 1.8172,
    A: 482.01,
    B: 2085.43,
    alpha: 0.3478,
    beta: 0.3658,
    source: 'Besiroglu et al. 2024, "Chinchilla Scaling: A replication attempt", table 1',
  },
} as const satisfies Record<string, ParametricFit>;
export type FitName = keyof typeof PARAMETRIC_FITS;

/** One row of a published table of compute-optimal models. */
export interface OptimalRow {
  /** FLOPs. */
  readonly budget: number;
  readonly parameters: number;
  readonly tokens: number;
}

/** A way to find the optimum from training runs: exponents as published, and the table that was computed with it. */
export interface Approach {
  readonly name: string;
  readonly title: string;
  /** N ∝ C^a and D ∝ C^b, as printed with two digits. */
  readonly published: { readonly a: number; readonly b: number };
  readonly rows: readonly OptimalRow[];
  readonly source: string;
}

const SIZES = [400e6, 1e9, 10e9, 67e9, 175e9, 280e9, 520e9, 1e12, 10e12] as const;
const rows = (budgets: readonly number[], tokens: readonly number[]): OptimalRow[] =>
  SIZES.map((parameters, at) => ({ budget: budgets[at]!, parameters, tokens: tokens[at]! }));

/** The paper's three approaches. The table of approach 1 is also the documents' (llm-pretraining). */
export const APPROACHES = {
  'approach-1': {
    name: 'approach-1',
    title: 'Hoffmann 1: least over training curves',
    published: { a: 0.5, b: 0.5 },
    rows: rows(
      [1.92e19, 1.21e20, 1.23e22, 5.76e23, 3.85e24, 9.9e24, 3.43e25, 1.27e26, 1.3e28],
      [8e9, 20.2e9, 205.1e9, 1.5e12, 3.7e12, 5.9e12, 11e12, 21.2e12, 216.2e12],
    ),
    source: 'Hoffmann et al. 2022, tables 2 and 3',
  },
  'approach-2': {
    name: 'approach-2',
    title: 'Hoffmann 2: iso-FLOP profiles',
    published: { a: 0.49, b: 0.51 },
    rows: rows(
      [1.84e19, 1.2e20, 1.32e22, 6.88e23, 4.54e24, 1.18e25, 4.19e25, 1.59e26, 1.75e28],
      [7.7e9, 20e9, 219.5e9, 1.7e12, 4.3e12, 7.1e12, 13.4e12, 26.5e12, 292e12],
    ),
    source: 'Hoffmann et al. 2022, tables 2 and A3',
  },
  'approach-3': {
    name: 'approach-3',
    title: 'Hoffmann 3: its table A3',
    published: { a: 0.46, b: 0.54 },
    // The paper prints 1.26e24 for 175 B, which is ten times too small for its own 12.0 T tokens (6ND = 1.26e25).
    rows: rows(
      [2.21e19, 1.62e20, 2.46e22, 1.71e24, 1.26e25, 3.52e25, 1.36e26, 5.65e26, 8.55e28],
      [9.2e9, 27.1e9, 410.1e9, 4.1e12, 12e12, 20.1e12, 43.5e12, 94.1e12, 1425.5e12],
    ),
    source: 'Hoffmann et al. 2022, tables 2 and A3 (175 B: 1.26e25 where 1.26e24 is printed)',
  },
} as const satisfies Record<string, Approach>;
export type ApproachName = keyof typeof APPROACHES;

/** Where the runs behind the Chinchilla laws lie; beyond it every law extrapolates. */
export const CHINCHILLA_RUNS = {
  parameters: [70e6, 16e9],
  tokens: [5e9, 500e9],
  source: 'Hoffmann et al. 2022, abstract',
} as const;

/** Constants of Kaplan et al. 2020. N counts no embeddings, C is in PFLOP-days, L in nats per token. */
export const KAPLAN = {
  /** L(N), L(D), L(C), L(C_min): a scale and an exponent each. */
  parameters: { scale: 8.8e13, exponent: 0.076 },
  tokens: { scale: 5.4e13, exponent: 0.095 },
  compute: { scale: 1.6e7, exponent: 0.057 },
  leastCompute: { scale: 3.1e8, exponent: 0.05 },
  criticalBatch: { scale: 2.1e8, exponent: 0.21 },
  /** L(N, D), fitted together. */
  joint: { parameters: 6.4e13, tokens: 1.8e13, alphaN: 0.076, alphaD: 0.103 },
  /** What to train with C_min. */
  optimum: {
    parameters: { scale: 1.3e9, exponent: 0.73 },
    tokens: { scale: 2e10, exponent: 0.27 },
  },
  /** D ≥ 5·10³·N^0.74 tokens keep the penalty of overfitting small. */
  overfitting: { scale: 5e3, exponent: 0.74 },
  source: 'Kaplan et al. 2020',
} as const;

/** Models of 2020 to 2022 and what they were trained on. */
export const TRAINED_MODELS = [
  { name: 'LaMDA', parameters: 137e9, tokens: 168e9 },
  { name: 'GPT-3', parameters: 175e9, tokens: 300e9 },
  { name: 'Jurassic', parameters: 178e9, tokens: 300e9 },
  { name: 'Gopher', parameters: 280e9, tokens: 300e9 },
  { name: 'MT-NLG 530B', parameters: 530e9, tokens: 270e9 },
  { name: 'Chinchilla', parameters: 70e9, tokens: 1.4e12 },
] as const;
/** Where {@link TRAINED_MODELS} stand. */
export const TRAINED_MODELS_SOURCE = 'training-llms, Chinchilla and the other LLMs (Hoffmann et al. 2022, table 1)';
