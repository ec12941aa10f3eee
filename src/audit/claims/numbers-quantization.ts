// Claims N1, N2, N4, N5: int8 by absmax and by zero point.

import { normalArray } from '../../engine/random.ts';
import {
  dequantize,
  type Quantization,
  quantizationError,
  quantize,
  quantizedBytes,
} from '../../numbers/quantization.ts';
import { UserError } from '../../terms/user-error.ts';
import { servingMemory } from '../../theory/inference-memory.ts';
import { countParameters } from '../../theory/parameters.ts';
import { type AnyClaim, claim } from '../claim.ts';
import { digits, inUnit, percent } from '../words.ts';

const ROWS = 16;
const COLUMNS = 64;

/** Weights of a matrix as at initialisation, and the same with every row of another size and shifted, as activations are. */
const weights = () => normalArray(3, 'quantize.weights', ROWS * COLUMNS, 0.02);
const shifted = () => weights().map((value, at) => (value + 0.05) * (1 + Math.floor(at / COLUMNS)));

/** Both ways, per tensor and per row. */
function errors(values: Float32Array, kind: Quantization) {
  return [COLUMNS, values.length].map((columns) => {
    const quantized = quantize(values, kind, columns);
    return {
      per: columns === COLUMNS ? 'row' : 'tensor',
      ...quantizationError(values, quantized),
      bytes: quantizedBytes(quantized),
    };
  }) as [ErrorOf, ErrorOf];
}
type ErrorOf = { per: string; largest: number; rootMeanSquare: number; bound: number; bytes: number };

/** The slide's formulas, written out: nearest whole numbers of scale times x. */
function bySlide(values: Float32Array, kind: Quantization): number[] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const scale = kind === 'absmax' ? 127 / Math.max(-least, most) : 255 / (most - least);
  const zeroPoint = kind === 'absmax' ? 0 : -Math.round(scale * least) - 128;
  return [...values].map((value) => Math.round(scale * value + zeroPoint));
}

/** How many stored numbers differ from the slide's, and by how much at most; rounding halves and the last step may. */
function differsFromSlide(kind: Quantization) {
  const values = shifted();
  const stored = quantize(values, kind).values;
  const differences = bySlide(values, kind).map((expected, at) => Math.abs(expected - stored[at]!));
  return {
    most: Math.max(...differences),
    share: differences.filter((difference) => difference > 0).length / values.length,
  };
}

/** What happens to a tensor of one repeated number, whose range is empty. */
function constantTensor(value: number): string {
  try {
    const [back] = dequantize(quantize([value, value, value], 'zero-point'));
    return back === Math.fround(value) ? 'comes back as it was' : `comes back as ${back}`;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

const FLOAT_ROUNDING = 1e-6;

export const quantizationClaims: readonly AnyClaim[] = [
  claim({
    id: 'N1',
    documents: ['lecture-compute-memory'],
    where: 'INT8 quantization (1)',
    statement: 'Absmax: X_quant = round(127/max|X| · X)',
    kinds: ['arithmetic'],
    evidence: () => {
      const [row, tensor] = errors(shifted(), 'absmax');
      return { row, tensor, slide: differsFromSlide('absmax'), bytes: 4 * ROWS * COLUMNS };
    },
    parts: [
      {
        says: 'The stored numbers are those of the formula, and no element is off by more than half a step, max|X|/254.',
        recorded: 'holds',
        asPrinted: ({ row, tensor, slide }) =>
          slide.most === 0 &&
          [row, tensor].every(({ largest, bound }) => largest <= bound * (1 + FLOAT_ROUNDING)) &&
          row.rootMeanSquare < tensor.rootMeanSquare,
      },
    ],
    brief: ({ row, tensor, bytes }) =>
      `error ${digits(tensor.rootMeanSquare, 2)} per tensor, ${digits(row.rootMeanSquare, 2)} per row (rms); ${tensor.bytes} and ${row.bytes} bytes of ${bytes}`,
  }),
  claim({
    id: 'N2',
    documents: ['lecture-compute-memory'],
    where: 'INT8 quantization (1)',
    statement:
      'Zero point: scale = 255/(max − min), zeropoint = −round(scale·min) − 128, X_quant = round(scale·X + zeropoint)',
    kinds: ['arithmetic'],
    evidence: () => {
      const [row, tensor] = errors(shifted(), 'zero-point');
      const [, absmax] = errors(shifted(), 'absmax');
      return { row, tensor, absmax, slide: differsFromSlide('zero-point'), constant: [0, 0.3, -7].map(constantTensor) };
    },
    parts: [
      {
        says: 'The stored numbers are those of the formula, and no element is off by more than one step.',
        recorded: 'holds',
        // At the upper end scale·max + zeropoint may round to 128, which a byte does not hold.
        asPrinted: ({ row, tensor, slide }) =>
          slide.most <= 1 &&
          slide.share <= 0.01 &&
          [row, tensor].every(({ largest, bound }) => largest <= 2 * bound * (1 + FLOAT_ROUNDING)),
      },
      {
        says: 'Where the values lie to one side of 0 it is finer than absmax.',
        recorded: 'holds',
        asPrinted: ({ tensor, absmax }) => tensor.rootMeanSquare < absmax.rootMeanSquare,
      },
      {
        says: 'A tensor of one repeated number, for which the scale is 255/0, comes back as it was.',
        recorded: 'holds',
        asPrinted: ({ constant }) => constant.every((result) => result === 'comes back as it was'),
      },
    ],
    brief: ({ tensor, absmax }) =>
      `error ${digits(tensor.rootMeanSquare, 2)} against ${digits(absmax.rootMeanSquare, 2)} by absmax (rms, per tensor, values shifted from 0)`,
    details: ({ constant, slide }) => [
      { label: 'constant tensors 0, 0.3, −7', value: constant.join('; ') },
      {
        label: 'stored numbers that differ from the formula',
        value: percent(slide.share, 2),
        note: 'those that round to 128',
      },
    ],
  }),
  claim({
    id: 'N4',
    documents: ['lecture-compute-memory'],
    where: 'INT8 quantization (2)',
    statement: 'int8 weights take a quarter of the memory of fp32, and integer computation is faster',
    kinds: ['arithmetic'],
    evidence: ({ card }) => {
      const model = card('llama2-7b');
      const weightsIn = (precision: 'fp32' | 'int8') =>
        Number(servingMemory(model, { batch: 1, sequence: 1 }, { precision }).weights.value);
      const quantized = quantize(weights(), 'absmax', COLUMNS);
      return {
        ratio: weightsIn('fp32') / weightsIn('int8'),
        int8: weightsIn('int8'),
        fp32: weightsIn('fp32'),
        parameters: Number(countParameters(model).total),
        withScales: (4 * ROWS * COLUMNS) / quantizedBytes(quantized),
      };
    },
    parts: [
      {
        says: 'One byte per weight instead of four.',
        recorded: 'holds',
        asPrinted: ({ ratio, int8, parameters, withScales }) =>
          ratio === 4 && int8 === parameters && withScales < 4 && withScales > 3.5,
      },
      {
        says: 'Integer computation speeds it up.',
        recorded: 'pending: generation',
        missing:
          'models that run with int8 weights: bytes, loss and time measured, and an integer product where the backend has one',
      },
    ],
    brief: ({ fp32, int8, withScales }) =>
      `Llama-2 7B: ${inUnit(fp32, 'GiB')} → ${inUnit(int8, 'GiB')}; with a scale for each row of ${COLUMNS}, ${digits(withScales, 3)}×`,
  }),
  claim({
    id: 'N5',
    documents: ['lecture-compute-memory'],
    where: 'INT8 quantization (1)',
    statement: 'Real number = stored integer × scaling factor',
    kinds: ['arithmetic'],
    evidence: () => {
      const values = shifted();
      return (['absmax', 'zero-point'] as const).map((kind) => {
        const quantized = quantize(values, kind);
        const [scale, zeroPoint] = [quantized.scales[0]!, quantized.zeroPoints[0]!];
        const off = (real: (stored: number) => number) =>
          Math.max(...[...values].map((value, at) => Math.abs(value - real(quantized.values[at]!))));
        const step = 1 / scale;
        return {
          kind,
          step,
          printed: off((stored) => stored * scale),
          corrected: off((stored) => (stored - zeroPoint) / scale),
        };
      });
    },
    parts: [
      {
        says: "With the scale of the slide's own absmax and zero-point formulas the product is the real number, to a step.",
        recorded: 'erratum',
        asPrinted: (ways) => ways.every(({ printed, step }) => printed <= step),
        corrected: (ways) => ways.every(({ corrected, step }) => corrected <= step * (1 + FLOAT_ROUNDING)),
        shouldBe: 'stored / scale (absmax), (stored − zeropoint) / scale (zero point)',
      },
    ],
    brief: (ways) =>
      ways
        .map(
          ({ kind, printed, corrected }) =>
            `${kind}: off by ${digits(printed, 2)} as printed, ${digits(corrected, 2)} corrected`,
        )
        .join('; '),
    explanation:
      'In the two formulas below it the scale multiplies the real number to give the stored one, so the way back divides. The line is right ' +
      'for the other habit, where the scale is one step of the real axis; but then the formulas would have to divide.',
  }),
];
