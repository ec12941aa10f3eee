// Claims S7, S8, S10, S13: Kaplan's laws, the throughput of a run, and what only sweeps of small models can decide.
import { count, measure } from '../../terms/quantities.ts';
import { throughput, utilization } from '../../theory/efficiency.ts';
import { KAPLAN } from '../../theory/scaling-fits.ts';
import { FLOPS_PER_PARAMETER_AND_TOKEN } from '../../theory/scaling-parametric.ts';
import { criticalBatch, kaplanLoss, overfittingPenalty, tokensAgainstOverfitting } from '../../theory/scaling-power.ts';
import { type AnyClaim, claim } from '../claim.ts';
import { digits, isNear, percent, short } from '../words.ts';

/** The largest model of Kaplan et al. and the text it was trained on. */
const LARGEST = { parameters: 1.5e9, tokens: 22e9 } as const;

export const scalingRunClaims: readonly AnyClaim[] = [
  claim({
    id: 'S7',
    documents: ['training-llms'],
    where: 'Scaling laws (Kaplan et al. 2020)',
    statement:
      'The penalty of overfitting depends on N^0.74/D; the best batch is a power of the loss only, 1–2 M tokens',
    kinds: ['arithmetic', 'published'],
    evidence: () => {
      const along = (factor: number) => overfittingPenalty(factor * 1e8, factor ** 0.74 * 1e9);
      const loss = kaplanLoss(LARGEST.parameters, LARGEST.tokens).value;
      const lossFor = (batch: number) => (KAPLAN.criticalBatch.scale / batch) ** KAPLAN.criticalBatch.exponent;
      return {
        exponent: KAPLAN.joint.alphaN / KAPLAN.joint.alphaD,
        penalties: [along(1), along(10), along(100)],
        moreText: overfittingPenalty(1e8, 2e9),
        loss,
        batch: criticalBatch(loss).value,
        losses: [lossFor(1e6), lossFor(2e6)] as const,
        enough: tokensAgainstOverfitting(LARGEST.parameters).value,
      };
    },
    parts: [
      {
        says: 'Models with the same N^0.74/D pay the same penalty, and more text lowers it.',
        recorded: 'holds',
        asPrinted: ({ exponent, penalties, moreText }) =>
          isNear(exponent, 0.74, 0.005) &&
          penalties.every((penalty) => isNear(penalty, penalties[0]!, 0.02)) &&
          moreText < penalties[0]!,
      },
      {
        says: 'The best batch is 1–2 M tokens for the largest models.',
        recorded: 'approximates',
        asPrinted: ({ batch }) => batch >= 1e6 && batch <= 2e6,
        approximation: {
          ratios: ({ batch }) => ({ '2 M / critical batch of 1.5 B parameters': 2e6 / batch }),
          within: [0.4, 2.5],
          until: ({ batch, loss, losses: [one, two] }) =>
            `the law gives 1 M at a loss of ${digits(one, 3)} nats and 2 M at ${digits(two, 3)}; the largest model of the paper ` +
            `ends at ${digits(loss, 3)}, where it gives ${short(batch, 2)}`,
        },
      },
    ],
    brief: ({ exponent, batch }) =>
      `0.076/0.103 = ${digits(exponent, 3)}; critical batch of 1.5 B: ${short(batch, 2)} tokens`,
    details: ({ penalties, enough }) => [
      ...penalties.map((penalty, at) => ({
        label: `penalty of ${short(10 ** at * 1e8)} at the same N^0.74/D`,
        value: percent(penalty, 4),
        note: 'Kaplan et al. 2020, (1.5)',
      })),
      { label: 'tokens against overfitting, 1.5 B', value: short(enough), note: 'D ≥ 5·10³·N^0.74' },
    ],
  }),
  claim({
    id: 'S8',
    documents: ['llm-pretraining'],
    where: 'Training Throughput; Model FLOPs Utilization',
    statement:
      '256 A100, 7 B, 2048 × 4096 tokens in 12.7 s: 0.66 M tokens/s, 2580 per GPU, MFU 35 %, 150 B tokens in 63 h',
    kinds: ['arithmetic'],
    evidence: (context) => {
      const hardware = context.hardware('a100');
      const shape = { batch: 2048, sequence: 4096 };
      const time = measure('seconds', 12.7);
      const tokens = BigInt(shape.batch * shape.sequence);
      const flops = count('FLOPs', BigInt(FLOPS_PER_PARAMETER_AND_TOKEN) * 7_000_000_000n * tokens);
      const { total, perGpu } = throughput(shape, time, 256);
      return {
        total: total.value,
        perGpu: perGpu.value,
        mfu: utilization(flops, time, { hardware, gpus: 256 }),
        hours: 150e9 / total.value / 3600,
      };
    },
    parts: [
      {
        says: 'The four figures, each within the digits printed.',
        recorded: 'holds',
        asPrinted: ({ total, perGpu, mfu, hours }) =>
          isNear(total, 0.66e6, 0.005) &&
          isNear(perGpu, 2580, 0.002) &&
          Math.round(100 * mfu) === 35 &&
          Math.round(hours) === 63,
      },
    ],
    brief: ({ total, perGpu, mfu, hours }) =>
      `${digits(total, 6)} tokens/s, ${digits(perGpu)} per GPU, MFU ${percent(mfu)}, ${digits(hours, 3)} h`,
  }),
  claim({
    id: 'S10',
    documents: ['training-llms'],
    where: 'Scaling laws',
    statement: 'The loss follows power laws in N, D and C, and larger models need fewer tokens for the same loss',
    kinds: ['measured'],
    evidence: () => undefined,
    parts: [
      {
        says: 'Power laws in N, D and C; larger models are more sample-efficient.',
        recorded: 'pending: sweeps',
        missing: 'sweeps over sizes and lengths on a source of known entropy',
      },
    ],
    brief: () => '',
  }),
  claim({
    id: 'S13',
    documents: ['training-llms'],
    where: 'Scaling laws',
    statement:
      'At fixed N the shape (depth, width) matters little; the early part of a curve predicts the rest; converging is inefficient at fixed C',
    kinds: ['measured'],
    evidence: () => undefined,
    parts: [
      {
        says: 'Weak dependence on shape, curves that can be extrapolated, convergence that does not pay.',
        recorded: 'pending: sweeps',
        missing: 'sweeps over shapes of one size, with curves to extrapolate',
      },
    ],
    brief: () => '',
  }),
];
