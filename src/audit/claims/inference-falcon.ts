// Claim I7: the documents' case study of Falcon-40B.
import { kvCache } from '../../theory/inference-memory.ts';
import { countParameters } from '../../theory/parameters.ts';
import { type AnyClaim, claim } from '../claim.ts';
import { digits, inUnit, isNear, short } from '../words.ts';

const GIB = 2 ** 30;
/** What the case study starts from: (8), and the A100 with 80 GiB of C.1. */
const GIVEN = {
  parameters: 40e9,
  bytes: 2,
  hidden: 8192,
  layers: 60,
  sequence: 2048,
  peak: 312e12,
  bandwidth: 2.0e12,
} as const;
/** (8.1) on T devices, in bytes. */
const printedMemory = (batch: number, tensor: number) => ((80 + 4 * batch) * GIB) / tensor;

export const falconClaims: readonly AnyClaim[] = [
  claim({
    id: 'I7',
    documents: ['decoder-only'],
    where: '8, (8.1), footnote 30',
    statement:
      'Falcon-40B without its multi-query attention: (80 GiB + 4 GiB·B)/T; B ~ 200 needs T = 4; then pN/(λT) ~ 13 ms, and the memory time is of a comparable size',
    kinds: ['arithmetic', 'published'],
    evidence: ({ card }) => {
      const { parameters, bytes, hidden, layers, sequence, peak, bandwidth } = GIVEN;
      const falcon = card('falcon-40b');
      const [batch, tensor] = [200, 4];
      const needed = Array.from({ length: 128 }, (_, at) => at + 1).find(
        (count) => printedMemory(batch, count) <= 80 * GIB,
      )!;
      const cache = kvCache(falcon, { batch: 1, sequence });
      return {
        weights: bytes * parameters,
        perSequence: 2 * bytes * sequence * hidden * layers,
        perDevice: printedMemory(batch, tensor),
        needed,
        largestBatch: Math.floor((80 * tensor - 80) / 4),
        printedTime: (bytes * parameters) / (peak * tensor),
        computeTime: (2 * batch * parameters) / (peak * tensor),
        memoryTime: printedMemory(batch, tensor) / bandwidth,
        heads: falcon.heads,
        kvHeads: falcon.kvHeads,
        counted: Number(countParameters(falcon).total),
        realCache: Number(cache.total.value),
      };
    },
    parts: [
      {
        says: 'T = 4 is enough for a batch of 200 on GPUs with 80 GiB.',
        recorded: 'erratum',
        asPrinted: ({ needed }) => needed <= 4,
        corrected: ({ needed, largestBatch }) => needed === 11 && largestBatch === 60,
        shouldBe: 'T ≥ 11, or a batch of at most 60 on T = 4: (8.1) itself gives 220 GiB for each of 4 GPUs',
      },
      {
        says: '(80 GiB + 4 GiB·B)/T.',
        recorded: 'approximates',
        asPrinted: ({ weights, perSequence }) => weights === 80 * GIB && perSequence === 4 * GIB,
        approximation: {
          ratios: ({ weights, perSequence }) => ({
            weights: (80 * GIB) / weights,
            'cache of a sequence': (4 * GIB) / perSequence,
          }),
          within: [0.9, 1.1],
          until: ({ perSequence }) => `rounded up: pN = 80 GB = 74.5 GiB, and 2pSDL = ${inUnit(perSequence, 'GiB', 3)}`,
        },
      },
      {
        says: 'The time to compute is pN/(λ_FLOPs·T) ~ 13 ms.',
        recorded: 'erratum',
        asPrinted: ({ printedTime }) => isNear(printedTime, 13e-3, 0.05),
        corrected: ({ computeTime }) => isNear(computeTime, 13e-3, 0.05),
        shouldBe: '2BN/(λ_FLOPs·T) = 12.8 ms; the printed formula has bytes over FLOP/s and gives 0.064 ms',
      },
      {
        says: 'The memory time is of a comparable size (within a factor of 3).',
        recorded: 'erratum',
        asPrinted: ({ memoryTime, computeTime }) => memoryTime / computeTime <= 3,
        corrected: ({ memoryTime, computeTime }) => isNear(memoryTime / computeTime, 9, 0.05),
        shouldBe: '118 ms, nine times the time to compute: at B = 200 the cache is ten times the weights',
      },
      {
        says: 'Footnote 30: Falcon uses multi-query attention.',
        recorded: 'erratum',
        asPrinted: ({ kvHeads }) => kvHeads === 1,
        corrected: ({ heads, kvHeads, perSequence, realCache }) =>
          heads === 128 && kvHeads === 8 && perSequence === 16 * realCache,
        shouldBe:
          'grouped-query attention: the 40B has 8 key/value heads for 128 query heads, and a cache 16 times smaller',
      },
    ],
    brief: ({ perDevice, needed, computeTime, memoryTime }) =>
      `B = 200, T = 4: ${inUnit(perDevice, 'GiB')} per GPU, so T ≥ ${needed}; ${digits(1000 * computeTime, 3)} ms to compute, ` +
      `${digits(1000 * memoryTime, 3)} ms to load`,
    details: ({ weights, perSequence, printedTime, realCache, counted }) => [
      {
        label: 'pN',
        value: `${digits(weights / 1e9)} GB = ${inUnit(weights, 'GiB')}`,
        note: `N = 40 B; the card counts ${short(counted)}`,
      },
      { label: '2pSDL', value: inUnit(perSequence, 'GiB') },
      { label: 'pN/(λ_FLOPs·T), as printed', value: `${digits(1000 * printedTime, 2)} ms` },
      { label: 'cache of a sequence with the real 8 heads', value: inUnit(realCache, 'MiB', 3) },
    ],
    explanation:
      'The batch of 200 is taken from weights alone, but 200 caches of 4 GiB are ten times the weights: by (8.1) itself they fill 11 GPUs, ' +
      'and loading them takes nine times as long as computing. The printed formula for the 13 ms has lost a factor B, and the footnote the ' +
      '8 groups of key/value heads that the real model has.',
  }),
];
