// Claims A7, A8, A9 and A12: the case study of GPT-3, recomputation, FlashAttention.
import { BYTES_IN, sum } from '../../terms/quantities.ts';
import { documentParameters } from '../../theory/parameters.ts';
import { hardwareFlops } from '../../theory/recompute.ts';
import { trainingMemory } from '../../theory/training-memory.ts';
import { type AnyClaim, claim } from '../claim.ts';
import { matmulFlops, productsOf } from '../measurements/matmul-flops.ts';
import { savedActivations } from '../measurements/saved-activations.ts';
import { stepTimes } from '../measurements/step-times.ts';
import { digits, inUnit, isNear, percent, roundsTo, thousands, times } from '../words.ts';
import { documentedTotals } from './activations-documents.ts';
import { compareTiled } from './tiled-attention.ts';

const GIB = Number(BYTES_IN.GiB);

const a7 = claim({
  id: 'A7',
  documents: ['decoder-only'],
  where: '(2.18), (2.19)',
  statement: 'GPT-3 keeps ≈ 3·10⁻²·BS·(1 + S/10³) TiB of activations, ≈ .2B of the non-activation memory at S = 2048',
  kinds: ['arithmetic'],
  evidence: ({ card }) => {
    const model = card('gpt3-175b');
    const at = (sequence: number) => documentedTotals(model, sequence).two;
    // bytes = u·S + v·S², from two lengths
    const quadratic = (at(2) - 2 * at(1)) / 2;
    const linear = at(1) - quadratic;
    const parameters = Number(documentParameters(model).value) + model.vocabulary * model.hidden;
    return { gib: linear / GIB, turn: linear / quadratic, ratio: at(2048) / (18 * parameters) };
  },
  parts: [
    {
      says: 'the unit is TiB',
      recorded: 'erratum',
      asPrinted: ({ gib }) => isNear(gib / 1024, 3e-2, 0.5),
      corrected: ({ gib }) => isNear(gib, 3e-2, 0.5),
      shouldBe: 'GiB: 3.74·10⁻²·BS·(1 + S/870) GiB',
    },
    {
      says: 'the ratio is .2B',
      recorded: 'erratum',
      asPrinted: ({ ratio }) => roundsTo(ratio, 0.2, 1),
      corrected: ({ ratio }) => roundsTo(ratio, 0.088, 2) && roundsTo(2 * ratio, 0.2, 1),
      shouldBe: '.088B; .175B only against the halved 1463 of (2.16)',
    },
    {
      says: 'the two terms are equal near S = 10³',
      recorded: 'approximates',
      asPrinted: ({ turn }) => turn === 1000,
      approximation: {
        ratios: ({ turn }) => ({ 'gpt3-175b': 1000 / turn }),
        within: [0.8, 1.2],
        until: ({ turn }) => `it is S = ${digits(turn)}: the order of magnitude is right, the digit is not`,
      },
    },
  ],
  brief: ({ gib, turn, ratio }) => `${digits(gib, 3)}·BS·(1 + S/${digits(turn, 3)}) GiB; ratio ${digits(ratio, 3)}·B`,
  explanation:
    'One token of one sequence keeps 40 MB in all 96 layers together, which is 0.037 GiB; 0.03 TiB would be a thousand times as much. The ' +
    'ratio inherits the slip of (2.16), whose 1463 is half of what its own formulas give.',
});

const a8 = claim({
  id: 'A8',
  documents: ['training-llms', 'transformer-math-101'],
  where: 'Activations',
  statement: 'recomputation (checkpointing) trades memory for compute',
  kinds: ['arithmetic', 'measured'],
  evidence: ({ card, measured }) => {
    const saved = measured(savedActivations).models.filter(
      ({ card: name, set, sequence }) => name === 'gpt-debug' && set === '' && sequence === 24,
    );
    const bytes = (keep: string) => saved.find((row) => row.keep === keep)!.bytes;
    const counted = measured(matmulFlops).find(({ card: name }) => name === 'gpt-debug')!;
    const { passes, ...time } = measured(stepTimes);
    const model = card('gpt2');
    const shape = { batch: 8, sequence: 1024 };
    return {
      bytes: { kept: bytes('probabilities'), again: bytes('nothing-quadratic') },
      flops: {
        again: productsOf(counted, 'recompute'),
        rest: productsOf(counted, 'forward') + productsOf(counted, 'backward'),
      },
      seconds: passes,
      time,
      schemes: (['none', 'selective', 'full'] as const).map((keeps) => ({
        keeps,
        bytes: Number(sum('bytes', trainingMemory(model, shape, 'adamw', keeps).savedActivations).value),
        flops: Number(hardwareFlops(model, shape, keeps).total.value),
      })),
    };
  },
  parts: [
    {
      says: 'attention’s probabilities made again: fewer bytes, more FLOPs',
      recorded: 'holds',
      asPrinted: ({ bytes, flops }) => bytes.again < bytes.kept && flops.again > 0,
    },
    {
      says: 'selective and full recomputation, by the formulas: each saves more and costs more than the one before',
      recorded: 'holds',
      asPrinted: ({ schemes: [none, selective, full] }) =>
        full!.bytes < selective!.bytes &&
        selective!.bytes < none!.bytes &&
        full!.flops > selective!.flops &&
        selective!.flops > none!.flops,
    },
    {
      says: 'whole blocks made again, on a real step',
      recorded: 'pending: ledger',
      missing: 'checkpointing of whole blocks (--recompute full), its bytes, FLOPs and time',
    },
  ],
  brief: ({ bytes, flops, seconds }) =>
    `measured: ${percent(1 - bytes.again / bytes.kept)} fewer bytes for ${percent(flops.again / flops.rest)} more FLOPs; ` +
    `a pass of gpt-small takes ${digits(seconds.probabilities, 3)} ms kept, ${digits(seconds['nothing-quadratic'], 3)} ms made again`,
  details: ({ bytes, flops, seconds, schemes, time }) => [
    { label: 'measured bytes, gpt-debug 2 × 24', value: `${thousands(bytes.kept)} → ${thousands(bytes.again)}` },
    { label: 'measured FLOPs again, gpt-debug 2 × 12', value: thousands(flops.again), note: 'q·kᵀ once more' },
    {
      label: `measured time, ${time.card} ${time.batch} × ${time.sequence}`,
      value: `${digits(seconds.probabilities, 3)} → ${digits(seconds['nothing-quadratic'], 3)} ms`,
      note: 'what is not written need not be read: the time may even fall',
    },
    ...schemes.map((scheme) => ({
      label: `formulas, gpt2 8 × 1,024: ${scheme.keeps}`,
      value: inUnit(scheme.bytes, 'GiB', 3),
      note: `${times(scheme.flops / schemes[0]!.flops, 4)} the FLOPs`,
    })),
  ],
});

const a9 = claim({
  id: 'A9',
  documents: ['training-llms'],
  where: 'FlashAttention',
  statement: 'FlashAttention reduces attention’s memory from O(n²) to O(n) and is exact',
  kinds: ['arithmetic', 'measured'],
  evidence: ({ card }) => {
    const model = { ...card('gpt2'), context: 2 ** 14 };
    const kept = (sequence: number, attention: 'materialized' | 'flash') => {
      const rows = trainingMemory(model, { batch: 1, sequence }, 'adamw', 'none', { attention }).savedActivations;
      return Number(
        sum(
          'bytes',
          rows.filter(({ id }) => /^(attention|dropout\.attention)/.test(id)),
        ).value,
      );
    };
    const growth = (attention: 'materialized' | 'flash') => kept(8192, attention) / kept(4096, attention);
    return {
      tiles: [16, 33, 64].map((tile) => compareTiled(64, 16, tile)),
      naive: growth('materialized'),
      flash: growth('flash'),
    };
  },
  parts: [
    {
      says: 'tile by tile the outputs are the same, within rounding, and no row of scores is ever whole',
      recorded: 'holds',
      asPrinted: ({ tiles }) => tiles.every(({ worst }) => worst < 1e-12),
    },
    {
      says: 'what attention keeps doubles with n, where the naive one’s grows fourfold',
      recorded: 'holds',
      asPrinted: ({ naive, flash }) => flash === 2 && naive > 3.5,
    },
    {
      says: 'measured: peak bytes against S',
      recorded: 'pending: ledger',
      missing: 'a tiled attention that trains (--attention flash), and the peak of a real step against S',
    },
  ],
  brief: ({ tiles, naive, flash }) =>
    `tiles of ${tiles.map(({ scoresTiled }) => scoresTiled).join(', ')}: off by at most ${Math.max(...tiles.map(({ worst }) => worst)).toExponential(0)}; ` +
    `S 4,096 → 8,192: ${times(naive)} naive, ${times(flash)} tiled`,
});

/** Elements that attention of one head moves between fast and slow memory (Dao et al. 2022, theorem 2). */
function moved(sequence: number, headSize: number, fastMemory: number) {
  const inOut = 4 * sequence * headSize;
  // Scores written and read, probabilities written and read.
  const naive = inOut + 4 * sequence ** 2;
  // A quarter of the fast memory holds a block of keys; for each block all queries and results pass.
  const blocks = Math.ceil((4 * sequence * headSize) / fastMemory);
  return { sequence, naive, tiled: inOut + blocks * 3 * sequence * headSize };
}

const a12 = claim({
  id: 'A12',
  documents: ['training-llms'],
  where: 'FlashAttention; computing considerations',
  statement:
    'FlashAttention is IO-aware: fusing and tiling move fewer bytes, and training is 15 % to 3× faster end to end',
  kinds: ['arithmetic', 'measured'],
  // 100 kB of fast memory per multiprocessor of an A100, 2 bytes an element.
  evidence: () => [1024, 4096, 16384].map((sequence) => moved(sequence, 64, 50_000)),
  parts: [
    {
      says: 'it moves fewer bytes',
      recorded: 'holds',
      asPrinted: (rows) => rows.every(({ naive, tiled }) => tiled < naive),
    },
    {
      says: 'fused kernels and a tiled attention, on a real step: bytes read and written, time',
      recorded: 'pending: ledger',
      missing: 'a tiled attention that trains, and bytes and time per term of it and of the composed operations',
    },
  ],
  brief: (rows) =>
    `elements moved by one head of 64, naive ÷ tiled: ${rows.map(({ sequence, naive, tiled }) => `${times(naive / tiled)} at S = ${thousands(sequence)}`).join(', ')}`,
});

export const recomputationClaims: readonly AnyClaim[] = [a7, a8, a9, a12];
