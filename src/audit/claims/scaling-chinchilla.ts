// Claims S6, S9, S11, S12: Chinchilla and the models around it.
import { countParameters } from '../../theory/parameters.ts';
import { CHINCHILLA_RUNS, PARAMETRIC_FITS, TRAINED_MODELS, TRAINED_MODELS_SOURCE } from '../../theory/scaling-fits.ts';
import { scalingNotes } from '../../theory/scaling-laws.ts';
import {
  FLOPS_PER_PARAMETER_AND_TOKEN,
  lossTerms,
  optimumForParameters,
  parametricOptimum,
} from '../../theory/scaling-parametric.ts';
import { type AnyClaim, claim } from '../claim.ts';
import { digits, isNear, short } from '../words.ts';

const trained = (name: string) => TRAINED_MODELS.find((model) => model.name === name)!;
const flops = ({ parameters, tokens }: { parameters: number; tokens: number }) =>
  FLOPS_PER_PARAMETER_AND_TOKEN * parameters * tokens;

/** Chinchilla on MMLU as Hoffmann et al. 2022 print it: in table 6, and in the abstract. */
const MMLU = { table: 67.6, abstract: 67.5 } as const;

export const chinchillaClaims: readonly AnyClaim[] = [
  claim({
    id: 'S6',
    documents: ['training-llms', 'llm-pretraining'],
    where: 'Chinchilla and the other LLMs; abstract of Hoffmann et al.',
    statement:
      'Chinchilla (70 B, 1.4 T) has 4× fewer parameters and 4× more tokens than Gopher (280 B, 300 B), at the same compute',
    kinds: ['arithmetic'],
    evidence: ({ card }) => {
      const [chinchilla, gopher] = [trained('Chinchilla'), trained('Gopher')];
      const shapes = [
        { card: card('gopher-280b'), heads: 128, keySize: 128, model: 16_384, named: 280e9 },
        { card: card('chinchilla-70b'), heads: 64, keySize: 128, model: 8192, named: 70e9 },
      ];
      return {
        fewer: gopher.parameters / chinchilla.parameters,
        more: chinchilla.tokens / gopher.tokens,
        compute: flops(chinchilla) / flops(gopher),
        shapes: shapes.map((shape) => ({ ...shape, counted: Number(countParameters(shape.card).total) })),
      };
    },
    parts: [
      {
        says: '4× fewer parameters and 4× more tokens.',
        recorded: 'approximates',
        asPrinted: ({ fewer, more }) => isNear(fewer, 4, 0.005) && isNear(more, 4, 0.005),
        approximation: {
          ratios: ({ fewer, more }) => ({ parameters: 4 / fewer, tokens: 4 / more }),
          within: [0.8, 1.25],
          until: ({ more }) => `the tokens are ${digits(more, 3)}×; only the parameters are exactly 4×`,
        },
      },
      {
        says: 'The same compute budget.',
        recorded: 'approximates',
        asPrinted: ({ compute }) => isNear(compute, 1, 0.005),
        approximation: {
          ratios: ({ compute }) => ({ '6ND of Gopher / Chinchilla': 1 / compute }),
          within: [0.8, 1.25],
          until: ({ compute }) => `by 6ND Chinchilla took ${digits(compute, 3)}× the compute of Gopher`,
        },
      },
      {
        says: 'd_model is heads × key size in both shapes, and the shapes give the sizes named (10 %).',
        recorded: 'holds',
        asPrinted: ({ shapes }) =>
          shapes.every(
            ({ card, heads, keySize, model, named, counted }) =>
              heads * keySize === model &&
              card.heads === heads &&
              card.headSize === keySize &&
              card.hidden === model &&
              isNear(counted, named, 0.1),
          ),
      },
    ],
    brief: ({ fewer, more, compute }) =>
      `${digits(fewer)}× and ${digits(more, 3)}×; 6ND: ${digits(flops(trained('Gopher')), 3)} and ` +
      `${digits(flops(trained('Chinchilla')), 3)}, ${digits(compute, 3)}×`,
    details: ({ shapes }) => [
      ...TRAINED_MODELS.map((model) => ({
        label: `${model.name}: ${short(model.parameters)} on ${short(model.tokens)}`,
        value: `${digits(model.tokens / model.parameters, 3)} tokens per parameter, 6ND = ${digits(flops(model), 3)}`,
        note: TRAINED_MODELS_SOURCE,
      })),
      ...shapes.map(({ card, counted, named }) => ({
        label: `parameters of ${card.name}`,
        value: short(counted, 4),
        note: `${digits(counted / named, 3)} of the name`,
      })),
    ],
  }),
  claim({
    id: 'S9',
    documents: ['training-llms', 'lecture-compute-memory'],
    where: 'Parameter vs dataset',
    statement: 'Training an LLM on fewer than 200 billion tokens is not recommended',
    kinds: ['published', 'arithmetic'],
    evidence: () => {
      const fit = PARAMETRIC_FITS.besiroglu;
      const parameters = 1e9;
      const twenty = lossTerms(fit, parameters, 20 * parameters);
      const long = lossTerms(fit, parameters, 200e9);
      const sameCompute = parametricOptimum(fit, flops({ parameters, tokens: 200e9 }));
      return {
        twenty,
        long,
        optimalTokens: optimumForParameters(fit, parameters).tokens.value,
        bestForCompute: sameCompute.parameters.value,
        note: scalingNotes({ parameters, tokens: 20 * parameters }).some((note) => note.includes('200 B')),
        smallest: 200e9 / 20,
      };
    },
    parts: [
      {
        says: '200 B tokens are the least, also where D = 20P says fewer (below 10 B parameters).',
        recorded: 'convention',
        asPrinted: ({ optimalTokens }) => optimalTokens >= 200e9,
        sides: [
          {
            who: 'training-llms, at least 200 B tokens',
            says: 'a model of 1 B wants 200 B tokens',
            when: 'the model will be used: too little text should cost less than half of what its size costs',
            holds: ({ long }) => long.tokens.value < long.parameters.value / 2,
            holdsElsewhere: ({ bestForCompute }) => isNear(bestForCompute, 1e9, 0.3),
          },
          {
            who: 'training-llms, D = 20P',
            says: 'a model of 1 B wants 20 B tokens',
            when: 'training is the only cost',
            holds: ({ optimalTokens }) => isNear(optimalTokens, 20e9, 0.3),
            holdsElsewhere: ({ twenty }) => twenty.tokens.value < twenty.parameters.value / 2,
          },
        ],
      },
      {
        says: 'The planner repeats the advice as a note beside its optima.',
        recorded: 'holds',
        asPrinted: ({ note }) => note,
      },
    ],
    brief: ({ twenty, long }) =>
      `1 B parameters: 20 B tokens cost ${digits(twenty.tokens.value, 3)} nats, 200 B ${digits(long.tokens.value, 3)}, ` +
      `their size ${digits(long.parameters.value, 3)}`,
    details: ({ twenty, long, bestForCompute, smallest }) => [
      { label: 'loss of 1 B on 20 B', value: digits(twenty.total.value), note: twenty.total.numbers },
      { label: 'loss of 1 B on 200 B', value: digits(long.total.value), note: long.total.numbers },
      { label: 'best size for the compute of the second', value: short(bestForCompute) },
      { label: 'size from which both rules agree', value: short(smallest) },
    ],
  }),
  claim({
    id: 'S11',
    documents: ['training-llms', 'llm-pretraining'],
    where: 'Compute-optimal LLMs; abstract of Hoffmann et al.',
    statement:
      "Hoffmann et al.'s models were trained on 5 B to 400 B tokens (training-llms) or 5 B to 500 B (llm-pretraining)",
    kinds: ['published'],
    evidence: () => ({ most: CHINCHILLA_RUNS.tokens[1], printed: 400e9, other: 500e9 }),
    parts: [
      {
        says: 'training-llms: up to 400 B tokens.',
        recorded: 'erratum',
        asPrinted: ({ most, printed }) => most === printed,
        corrected: ({ most, other }) => most === other,
        shouldBe: 'up to 500 B tokens, as llm-pretraining and the abstract have it',
      },
    ],
    brief: ({ most }) => `the paper's abstract says ${short(most)}`,
    details: () => [{ label: 'source', value: CHINCHILLA_RUNS.source }],
    explanation:
      'The two documents contradict each other, and the abstract of the paper, which llm-pretraining quotes whole, says 5 to 500 billion ' +
      'tokens. The 400 of training-llms is the number of models that were trained, one line above.',
  }),
  claim({
    id: 'S12',
    documents: ['training-llms', 'llm-pretraining'],
    where: 'Chinchilla on MMLU; abstract of Hoffmann et al.',
    statement: 'Chinchilla reaches 67.6 % on MMLU (training-llms) or 67.5 % (llm-pretraining)',
    kinds: ['published'],
    evidence: () => ({ 'training-llms': 67.6, 'llm-pretraining': 67.5, ...MMLU }),
    parts: [
      {
        says: 'The two documents give one figure.',
        recorded: 'convention',
        asPrinted: (said) => said['training-llms'] === said['llm-pretraining'],
        sides: [
          {
            who: 'training-llms',
            says: '67.6 %',
            when: "the paper's table 6 is quoted",
            holds: (said) => said['training-llms'] === said.table,
            holdsElsewhere: (said) => said['training-llms'] === said.abstract,
          },
          {
            who: 'llm-pretraining',
            says: '67.5 %',
            when: "the paper's abstract is quoted",
            holds: (said) => said['llm-pretraining'] === said.abstract,
            holdsElsewhere: (said) => said['llm-pretraining'] === said.table,
          },
        ],
      },
    ],
    brief: ({ table, abstract }) =>
      `the paper contradicts itself: ${table} % in table 6, ${abstract} % in its abstract`,
  }),
];
