// Claims H: intensity and hardware.
import { measure } from '../../terms/quantities.ts';
import { trainingFlopsPerToken } from '../../theory/efficiency.ts';
import { saturatingBatch } from '../../theory/inference.ts';
import { intensity, machineOf, matrixProductWork, ridgePoint } from '../../theory/roofline.ts';
import { type AnyClaim, claim } from '../claim.ts';
import { type MachineRoofline, machineRoofline } from '../measurements/machine-roofline.ts';
import { digits, isNear, percent, roundsTo, times } from '../words.ts';

/** The table of C.1: TFLOP/s, memory per second in "TiB", FLOPs per byte; and the card that it is about. */
const TABLE = [
  { name: 'A100 40', card: 'a100-40gb', flops: 312, memory: 1.6, math: 195 },
  { name: 'A100 80', card: 'a100', flops: 312, memory: 2.0, math: 156 },
  { name: 'V100', card: 'v100s', flops: 130, memory: 1.1, math: 118 },
] as const;

const h1 = claim({
  id: 'H1',
  documents: ['decoder-only'],
  where: 'C.1',
  statement: 'A100 40: 312 TFLOP/s, 1.6 TiB/s, 195 FLOPs/B; A100 80: 2.0, 156; V100: 130, 1.1, 118',
  kinds: ['arithmetic', 'published'],
  evidence: ({ hardware }) =>
    TABLE.map((row) => {
      const published = hardware(row.card);
      return {
        ...row,
        decimal: row.flops / row.memory,
        binary: (row.flops * 1e12) / (row.memory * 2 ** 40),
        bandwidth: published.memoryBandwidth,
        peak: published.peakFlops.fp16!,
      };
    }),
  parts: [
    {
      says: 'the unit of memory bandwidth is TiB/s',
      recorded: 'erratum',
      asPrinted: (rows) => rows.every(({ binary, math }) => Math.abs(binary - math) < 1),
      corrected: (rows) =>
        rows.every(
          ({ decimal, math, bandwidth, memory }) =>
            Math.abs(decimal - math) < 1 && isNear(bandwidth / 1e12, memory, 0.035),
        ),
      shouldBe: 'TB/s, 10¹² bytes: the table’s own quotients need it',
    },
    {
      says: 'the peaks are those of the datasheets',
      recorded: 'holds',
      asPrinted: (rows) => rows.every(({ peak, flops }) => isNear(peak / 1e12, flops, 0.005)),
    },
  ],
  brief: (rows) =>
    rows
      .map(({ name, decimal, binary }) => `${name}: ${digits(decimal, 3)} by TB, ${digits(binary, 3)} by TiB`)
      .join('; '),
  details: (rows) =>
    rows.map(({ name, decimal, binary, math, bandwidth }) => ({
      label: name,
      value: `${digits(decimal, 4)} by TB/s, ${digits(binary, 4)} by TiB/s`,
      note: `printed ${math}; the datasheet of the card has ${digits(bandwidth / 1e12, 4)} TB/s`,
    })),
  explanation:
    'A TiB is 1.0995 TB, so that 312 TFLOP/s over 1.6 TiB/s would be 177 FLOPs per byte, not the 195 that stand in the next column. The ' +
    'datasheets give TB/s; the V100 of the table is the V100S, whose 130 TFLOP/s and 1.13 TB/s the SXM2 card does not reach.',
});

const h2 = claim({
  id: 'H2',
  documents: ['decoder-only'],
  where: '(D.1)',
  statement: 'a (B, S, D) × (D, D) product has the intensity (1/p)·BSD/(2BS + D)',
  kinds: ['arithmetic'],
  evidence: () =>
    [
      [1, 1024],
      [4096, 4096],
      [2048, 12288],
    ].map(([tokens, hidden]) => {
      const work = matrixProductWork({ rows: tokens!, inner: hidden!, columns: hidden!, bytesPerElement: 2 });
      return {
        tokens: tokens!,
        hidden: hidden!,
        printed: (tokens! * hidden!) / (2 * (2 * tokens! + hidden!)),
        counted: intensity(work),
      };
    }),
  parts: [
    {
      says: '(1/p)·BSD/(2BS + D)',
      recorded: 'erratum',
      asPrinted: (rows) => rows.every(({ printed, counted }) => isNear(printed, counted, 1e-12)),
      corrected: (rows) => rows.every(({ printed, counted }) => isNear(2 * printed, counted, 1e-12)),
      shouldBe: '(2/p)·BSD/(2BS + D)',
    },
  ],
  brief: (rows) =>
    rows
      .map(
        ({ tokens, hidden, printed, counted }) =>
          `BS = ${tokens}, D = ${hidden}: ${digits(counted)}, printed ${digits(printed)}`,
      )
      .join('; '),
  explanation:
    'The text above the equation counts 2BSD² operations over p(2BS·D + D²) bytes; dividing one by the other leaves the 2 in place. It was ' +
    'lost on the way to (D.1), which halves every intensity.',
});

/** Achieved FLOP/s and the two bounds of each measured product. */
function productRows({ products, size, peak, bandwidth }: MachineRoofline) {
  return products.map(({ rows, seconds }) => {
    const work = matrixProductWork({ rows, inner: size, columns: size, bytesPerElement: 4 });
    const compute = Number(work.flops.value) / peak;
    const memory = Number(work.bytes.value) / bandwidth;
    return {
      rows,
      seconds,
      intensity: intensity(work),
      share: Number(work.flops.value) / seconds / peak,
      larger: Math.max(compute, memory),
      both: compute + memory,
    };
  });
}

const h3 = claim({
  id: 'H3',
  documents: ['decoder-only'],
  where: 'D',
  statement: 'element-wise operations are memory-bound (C/p FLOPs per byte), large products compute-bound',
  kinds: ['arithmetic', 'measured'],
  evidence: ({ hardware, measured }) => {
    const here = measured(machineRoofline);
    const ridge = ridgePoint(machineOf(hardware('a100'), 'mixed'));
    const { elements, seconds } = here.addition;
    return {
      ridge,
      product: intensity(matrixProductWork({ rows: 4096, inner: 4096, columns: 4096, bytesPerElement: 2 })),
      // Ten operations on each element, read and written in two bytes: a generous GELU.
      elementwise: 10 / 4,
      ridgeHere: here.peak / here.bandwidth,
      productHere: productRows(here).at(-1)!,
      // One operation on each element; x + x reads one array and writes one.
      additionFlops: elements / seconds / here.peak,
    };
  },
  parts: [
    {
      says: 'on an A100',
      recorded: 'holds',
      asPrinted: ({ ridge, product, elementwise }) => product > ridge && elementwise < ridge,
    },
    {
      says: 'measured on one machine: a product of 1,024 rows nears the peak, an addition is far below it',
      recorded: 'holds',
      asPrinted: ({ ridgeHere, productHere, additionFlops }) =>
        productHere.intensity > ridgeHere && productHere.share > 0.5 && additionFlops < 0.05,
    },
  ],
  brief: ({ ridge, product, elementwise, ridgeHere, productHere, additionFlops }) =>
    `A100: ridge ${digits(ridge, 3)}, product ${digits(product)}, element-wise ${elementwise} FLOPs/B; measured: ridge ${digits(ridgeHere, 3)}, ` +
    `a product at ${percent(productHere.share)} of the peak, an addition at ${percent(additionFlops, 2)}`,
});

const h4 = claim({
  id: 'H4',
  documents: ['decoder-only'],
  where: 'D',
  statement: 'at inference the intensity drops to O(B), and B ~ 200 saturates an A100',
  kinds: ['arithmetic', 'measured'],
  evidence: ({ card, hardware, measured }) => {
    const model = card('falcon-40b');
    const saturation = saturatingBatch(model, 128, hardware('a100'), { precision: 'mixed' });
    const here = measured(machineRoofline);
    return { saturation, rows: productRows(here), batchHere: (4 * here.peak) / here.bandwidth / 2 };
  },
  parts: [
    {
      says: 'B ~ 200 saturates an A100',
      recorded: 'approximates',
      asPrinted: ({ saturation }) => isNear(saturation.weightsOnly, 200, 0.05),
      approximation: {
        ratios: ({ saturation }) => ({ 'weights alone, p·λ_math/2': 200 / saturation.weightsOnly }),
        within: [0.5, 2],
        until: ({ saturation }) =>
          saturation.withCache === null
            ? 'the cache is counted: then no batch saturates it'
            : `the cache is counted: ${saturation.withCache} for Falcon-40B behind 128 tokens, and more behind longer texts`,
      },
    },
    {
      says: 'the intensity of one token for each of B sequences grows with B while B ≪ D',
      recorded: 'holds',
      asPrinted: ({ rows: [one, four] }) => isNear(four!.intensity / one!.intensity, 4, 0.01),
    },
    {
      says: 'measured on one machine: one row is far below the peak, many rows near it',
      recorded: 'holds',
      asPrinted: ({ rows }) => rows[0]!.share < 0.25 && rows.at(-1)!.share > 0.5,
    },
  ],
  brief: ({ saturation, rows, batchHere }) =>
    `A100: ${digits(saturation.weightsOnly, 3)}; measured here (ridge at ${digits(batchHere, 3)} rows): ` +
    rows.map(({ rows, share }) => `${rows} rows ${percent(share, 2)}`).join(', '),
  details: ({ rows }) =>
    rows.map(({ rows, intensity, share }) => ({
      label: `${rows} rows`,
      value: percent(share, 3),
      note: `of the peak, at ${digits(intensity, 3)} FLOPs/B`,
    })),
});

const h5 = claim({
  id: 'H5',
  documents: ['transformer-math-101'],
  where: 'Compute requirements',
  statement: 'under 115 TFLOP/s per A100 something is wrong with model or hardware',
  kinds: ['arithmetic', 'published'],
  // llm-pretraining's example of a training run: 256 A100, 7 B parameters, 2048 × 4096 tokens in 12.7 s.
  evidence: ({ card, hardware }) => {
    const tokensPerGpu = measure('tokens/s', (2048 * 4096) / 12.7 / 256);
    const withAttention = trainingFlopsPerToken(card('llama2-7b'), 4096).value;
    return {
      mfu: 115e12 / hardware('a100').peakFlops.bf16!,
      sixN: 6 * 7e9 * tokensPerGpu.value,
      exact: withAttention * tokensPerGpu.value,
    };
  },
  parts: [
    {
      says: 'healthy runs reach 115 TFLOP/s, a utilization of 37 %',
      recorded: 'approximates',
      asPrinted: ({ sixN, exact }) => sixN >= 115e12 && exact >= 115e12,
      approximation: {
        ratios: ({ sixN, exact }) => ({ 'by 6N': sixN / 115e12, 'with attention and head': exact / 115e12 }),
        within: [0.9, 1.1],
        until: () =>
          'it is read as a border: the same run lies below it by one way of counting and above it by another',
      },
    },
    {
      says: '115 TFLOP/s are 37 % of the peak',
      recorded: 'holds',
      asPrinted: ({ mfu }) => roundsTo(mfu, 0.37, 2),
    },
  ],
  brief: ({ mfu, sixN, exact }) =>
    `${percent(mfu)} of the peak; llm-pretraining’s own example runs at ${digits(sixN / 1e12, 3)} TFLOP/s by 6N, ` +
    `${digits(exact / 1e12, 3)} with attention`,
});

const h6 = claim({
  id: 'H6',
  documents: ['decoder-only'],
  where: 'D, footnote 35',
  statement: 'the times of computing and of moving data are not additive: a process takes about the larger',
  kinds: ['measured'],
  evidence: ({ measured }) => {
    const rows = productRows(measured(machineRoofline));
    const off = (predicted: (row: (typeof rows)[number]) => number) =>
      rows.reduce((sum, row) => sum + Math.abs(Math.log(row.seconds / predicted(row))), 0) / rows.length;
    return { rows, larger: Math.exp(off(({ larger }) => larger)), both: Math.exp(off(({ both }) => both)) };
  },
  parts: [
    {
      says: 'products of 1 to 1,024 rows take the larger of the two times',
      recorded: 'approximates',
      asPrinted: ({ larger }) => larger < 1.05,
      approximation: {
        ratios: ({ larger }) => ({ 'larger ÷ measured, on average': 1 / larger }),
        within: [0.5, 1],
        until: ({ rows }) => {
          const worst = rows.reduce((a, b) => (a.seconds / a.larger > b.seconds / b.larger ? a : b));
          return `rows are few: ${worst.rows} take ${times(worst.seconds / worst.larger)} the larger of the two`;
        },
      },
    },
  ],
  brief: ({ larger, both }) => `measured: off by ${times(larger)} on average; their sum is off by ${times(both)}`,
  details: ({ rows }) =>
    rows.map(({ rows, seconds, larger, both }) => ({
      label: `${rows} rows`,
      value: `${digits(1000 * seconds, 3)} ms`,
      note: `the larger ${digits(1000 * larger, 3)} ms, the sum ${digits(1000 * both, 3)} ms`,
    })),
});

export const hardwareClaims: readonly AnyClaim[] = [h1, h2, h3, h4, h5, h6];
