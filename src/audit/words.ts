// Numbers in the evidence of claims, as people read them.
import { BYTES_IN } from '../terms/quantities.ts';

/** 3819776 → '3,819,776'. */
export const thousands = (value: bigint | number) => value.toLocaleString('en-US', { maximumFractionDigits: 0 });

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** A power of ten: −5 → '10⁻⁵'. */
const powerOfTen = (exponent: number) =>
  `10${exponent < 0 ? '⁻' : ''}${[...String(Math.abs(exponent))].map((digit) => SUPERSCRIPTS[Number(digit)]).join('')}`;

/** `count` significant digits, and no coarser than to the unit: '0.355', '1,463'; very large and small as '5.04·10²³'. */
export function digits(value: number, count = 4): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const size = Math.floor(Math.log10(Math.abs(value)));
  if (size >= 12 || size < -4) {
    const [mantissa, exponent] = value.toExponential(count - 1).split('e') as [string, string];
    return `${mantissa}·${powerOfTen(Number(exponent))}`;
  }
  return value.toLocaleString('en-US', { maximumSignificantDigits: Math.max(count, size + 1) });
}

/** 1.0432 → '1.04×'. */
export const times = (ratio: number, count = 3) => `${digits(ratio, count)}×`;

/** 0.3213 → '32.1 %'. */
export const percent = (share: number, count = 3) => `${digits(100 * share, count)} %`;

/** Bytes in a unit of your choice: '2,926 GiB'. */
export const inUnit = (bytes: bigint | number, unit: keyof typeof BYTES_IN, count = 4) =>
  `${digits(Number(bytes) / Number(BYTES_IN[unit]), count)} ${unit}`;

/** 124439808 → '124.4 M'. */
export function short(value: bigint | number, count = 4): string {
  const size = Number(value);
  const steps = [
    [1e12, 'T'],
    [1e9, 'B'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const;
  const step = steps.find(([least]) => Math.abs(size) >= least);
  return step ? `${digits(size / step[0], count)} ${step[1]}` : digits(size, count);
}

/** Whether a number is another within a share of it. */
export const isNear = (value: number, exact: number, tolerance: number) =>
  Math.abs(value - exact) <= tolerance * Math.abs(exact);

/** Whether a number is what a document prints: equal to it in so many significant digits. */
export const roundsTo = (value: number, printed: number, count: number) =>
  Number(value.toPrecision(count)) === Number(printed.toPrecision(count));
