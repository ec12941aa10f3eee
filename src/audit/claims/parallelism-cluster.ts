// Claims D8, D10, D11: the four dimensions, scaling with the number of processors, links.
import { largestSerialShare, strongScaling, weakScaling } from '../../theory/efficiency.ts';
import { NO_PARALLELISM, workersOf } from '../../theory/parallelism.ts';
import { bubbleShare } from '../../theory/pipeline.ts';
import { type AnyClaim, claim } from '../claim.ts';
import { digits, isNear, percent } from '../words.ts';
import { playPipeline } from './parallelism-workers.ts';

/** How Llama 3.1 405B was trained (Llama team 2024, table 4). */
const LLAMA_405B = [
  { gpus: 8192, tensor: 8, context: 1, pipeline: 16, data: 64 },
  { gpus: 16_384, tensor: 8, context: 1, pipeline: 16, data: 128 },
  { gpus: 16_384, tensor: 8, context: 16, pipeline: 16, data: 8 },
] as const;

const PIPELINES = [
  [2, 4],
  [4, 8],
  [8, 8],
  [16, 32],
] as const;

/** 10⁹ bytes/s, one way, of an accelerator to another (NVIDIA's data sheets; half of the sum of both directions). */
const LINKS = { nvlinkA100: 600 / 2, nvlinkV100: 300 / 2, pcie3: 32 / 2 } as const;

const timeOn = (processors: number, serial: number, parallel: number) => serial + parallel / processors;

export const clusterClaims: readonly AnyClaim[] = [
  claim({
    id: 'D8',
    documents: ['transformer-math-101'],
    where: 'Distributed training, 4D parallelism',
    statement:
      'Llama 3.1 405B combines tensor, pipeline, context and data parallelism; a pipeline idles (P − 1)/(m + P − 1) of its time',
    kinds: ['published', 'arithmetic'],
    evidence: () => ({
      layouts: LLAMA_405B.map((layout) => ({ ...layout, workers: workersOf({ ...NO_PARALLELISM, ...layout }) })),
      bubbles: PIPELINES.map(([pipeline, microBatches]) => ({
        pipeline,
        microBatches,
        played: playPipeline(pipeline, microBatches),
        formula: bubbleShare({ pipeline, interleave: 1 }, { microBatches }),
      })),
    }),
    parts: [
      {
        says: 'The four degrees multiply to the number of GPUs.',
        recorded: 'holds',
        asPrinted: ({ layouts }) => layouts.every(({ gpus, workers }) => gpus === workers),
      },
      {
        says: 'The bubble of a pipeline is (P − 1)/(m + P − 1) of a step.',
        recorded: 'holds',
        asPrinted: ({ bubbles }) => bubbles.every(({ played, formula }) => isNear(played, formula, 1e-9)),
      },
    ],
    brief: ({ layouts, bubbles }) =>
      `${layouts.map(({ tensor, context, pipeline, data, gpus }) => `${tensor}·${context}·${pipeline}·${data} = ${gpus}`).join('; ')}; ` +
      `bubble of 16 stages, 32 micro-batches ${percent(bubbles.at(-1)!.played)}`,
    details: ({ bubbles }) =>
      bubbles.map(({ pipeline, microBatches, played, formula }) => ({
        label: `${pipeline} stages, ${microBatches} micro-batches`,
        value: `1F1B played out idles ${percent(played, 4)}`,
        note: `(P − 1)/(m + P − 1) = ${percent(formula, 4)}`,
      })),
  }),
  claim({
    id: 'D10',
    documents: ['llm-pretraining'],
    where: 'Strong Scalability, Weak Scalability',
    statement:
      'Speedup 1/(s + p/N): 500× on 1000 processors needs a serial part of at most 0.1 %; scaled problems: s + p·N',
    kinds: ['arithmetic'],
    evidence: () => ({
      serial: largestSerialShare(500, 1000),
      reached: strongScaling(0.001, 1000),
      missed: strongScaling(0.0011, 1000),
      limit: strongScaling(0.001, 1e8),
      weak: weakScaling(0.001, 1000),
      // A parallel part N times as large: one processor does it piece after piece, N do it at once.
      scaledProblem: timeOn(1, 0.001, 1000 * 0.999) / timeOn(1000, 0.001, 1000 * 0.999),
    }),
    parts: [
      {
        says: '500× needs s ≤ 0.1 %, and no number of processors passes 1/s.',
        recorded: 'holds',
        asPrinted: ({ serial, reached, missed, limit }) =>
          isNear(serial, 0.001, 0.002) && reached >= 500 && missed < 500 && limit < 1000 && isNear(limit, 1000, 1e-4),
      },
      {
        says: 'With a problem that grows with N the speedup is s + p·N.',
        recorded: 'holds',
        asPrinted: ({ weak, scaledProblem }) => isNear(weak, scaledProblem, 1e-12),
      },
    ],
    brief: ({ serial, weak }) => `s ≤ ${percent(serial, 4)}; scaled problem, s = 0.1 %: ${digits(weak, 5)}×`,
  }),
  claim({
    id: 'D11',
    documents: ['decoder-only'],
    where: 'C.1',
    statement: 'λ_comms, one way: A100 300 GiB/s, V100 16 GiB/s',
    kinds: ['published'],
    evidence: (context) => ({
      a100: context.hardware('a100').link.bytesPerSecond / 1e9,
      v100: context.hardware('v100').link.bytesPerSecond / 1e9,
      gibibyte: 2 ** 30 / 1e9,
      ...LINKS,
    }),
    parts: [
      {
        says: 'Both cards are listed by the same kind of link.',
        recorded: 'convention',
        asPrinted: ({ nvlinkA100, nvlinkV100 }) => nvlinkA100 === 300 && nvlinkV100 === 16,
        sides: [
          {
            who: 'decoder-only, A100: 300',
            says: 'NVLink, half of its 600 GB/s',
            when: 'GPUs of a node are linked by NVLink, as in both SXM cards',
            holds: ({ nvlinkA100 }) => nvlinkA100 === 300,
            holdsElsewhere: ({ pcie3 }) => pcie3 === 300,
          },
          {
            who: 'decoder-only, V100: 16',
            says: 'PCIe 3.0, half of its 32 GB/s',
            when: 'GPUs of a node are linked by PCIe; the NVLink of a V100 gives 150 GB/s one way',
            holds: ({ pcie3 }) => pcie3 === 16,
            holdsElsewhere: ({ nvlinkV100 }) => nvlinkV100 === 16,
          },
        ],
      },
      {
        says: 'The unit is GiB/s.',
        recorded: 'erratum',
        asPrinted: ({ nvlinkA100, gibibyte }) => isNear(300 * gibibyte, nvlinkA100, 0.01),
        corrected: ({ nvlinkA100 }) => isNear(300, nvlinkA100, 0.01),
        shouldBe: 'GB/s: 300 GiB/s would be 322 GB/s',
      },
    ],
    brief: ({ a100, v100 }) => `our cards: A100 ${digits(a100)} GB/s, V100 ${digits(v100)} GB/s one way, both NVLink`,
    explanation:
      'The column mixes two kinds of links: 300 is half of the NVLink of an A100, 16 is half of the PCIe of a V100 whose NVLink gives 150. ' +
      'Data sheets count in powers of ten, so the unit is GB/s, 7 % less than the GiB/s printed.',
  }),
];
