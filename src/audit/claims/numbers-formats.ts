// Claim N3: number formats, and the value of a bit pattern.
import { describeFloat, parsePattern } from '../../numbers/describe.ts';
import { BF16, decodeFloat, FLOAT_FORMATS, FP16, FP32 } from '../../numbers/float-format.ts';
import { decodeInt8, encodeInt8 } from '../../numbers/int8.ts';
import { type AnyClaim, claim } from '../claim.ts';
import { digits, isNear, roundsTo } from '../words.ts';

/** The fields as the slide prints them: sign, exponent, significand. */
const PRINTED_FP32 = ['0', '10000000', '100100100000111111011011'] as const;
const PRINTED_FP16 = ['0', '10000', '1001001000'] as const;
/** The values as the slide prints them. */
const PRINTED_VALUES = { fp32: Number('3.1415927'), fp16: Number('3.141') } as const;
/** π in float32, with the 23 digits that the format has. */
const PI_FP32 = '0 10000000 10010010000111111011011';

/** (−1)^S · 2^(e − bias) · 1.m for every pattern, as the slide says it of every float. */
const everyNormal = (sign: string, exponent: string, fraction: string, bias: number) =>
  (sign === '1' ? -1 : 1) *
  2 ** (Number.parseInt(exponent, 2) - bias) *
  (1 + Number.parseInt(fraction, 2) / 2 ** fraction.length);

/** Patterns whose value is not (−1)^S·2^(e − bias)·1.m. */
const SPECIAL = [
  ['zero', 0b0_00000_0000000000],
  ['smallest subnormal', 0b0_00000_0000000001],
  ['infinity', 0b0_11111_0000000000],
  ['NaN', 0b0_11111_1000000000],
] as const;

export const formatClaims: readonly AnyClaim[] = [
  claim({
    id: 'N3',
    documents: ['lecture-compute-memory'],
    where: 'Number representations, FP32/FP16',
    statement:
      'fp32 has 1 + 8 + 23 bits and decodes to 2^(128−127)·1.5707964 = 3.1415927, fp16 1 + 5 + 10 to "2^(128−127)·1.571" = 3.141; int8 is −128 … 127',
    kinds: ['arithmetic'],
    evidence: () => {
      const pi = describeFloat(FP32, parsePattern(FP32, PI_FP32));
      const half = describeFloat(FP16, parsePattern(FP16, PRINTED_FP16.join(' ')));
      return {
        pi,
        half,
        formats: Object.values(FLOAT_FORMATS),
        int8: [decodeInt8(128), decodeInt8(127), encodeInt8(-128), encodeInt8(127)],
        printedDigits: PRINTED_FP32[2].length,
        significand: PI_FP32.split(' ')[2]!,
        special: SPECIAL.map(([name, pattern]) => {
          const { sign, exponent, fraction } = describeFloat(FP16, pattern);
          return { name, value: decodeFloat(FP16, pattern), byRule: everyNormal(sign, exponent, fraction, FP16.bias) };
        }),
        normal: { value: half.value, byRule: everyNormal(...PRINTED_FP16, FP16.bias) },
      };
    },
    parts: [
      {
        says: 'The patterns decode to 3.1415927 = 2 · 1.5707964 and to 3.141 = 2 · 1.571, in the digits printed.',
        recorded: 'holds',
        asPrinted: ({ pi, half }) =>
          roundsTo(pi.value, PRINTED_VALUES.fp32, 8) &&
          roundsTo(pi.significand, 1.5707964, 8) &&
          pi.storedExponent === 128 &&
          isNear(half.value, PRINTED_VALUES.fp16, 2e-4) &&
          isNear(half.significand, 1.571, 5e-4) &&
          half.value === 3.140625,
      },
      {
        says: 'fp32, fp16 and bf16 take 32, 16 and 16 bits, int8 8 from −128 to 127.',
        recorded: 'holds',
        asPrinted: ({ formats, int8 }) =>
          formats.map(({ bits }) => bits).join() === '32,16,16' &&
          BF16.exponentBits === FP32.exponentBits &&
          int8.join() === '-128,127,128,127',
      },
      {
        says: 'The significand of fp32 is printed with the 23 digits of its heading.',
        recorded: 'erratum',
        asPrinted: ({ printedDigits }) => printedDigits === FP32.fractionBits,
        corrected: ({ significand, pi }) =>
          significand.length === FP32.fractionBits && pi.value === Math.fround(Math.PI),
        shouldBe: '10010010000111111011011: 24 digits are printed, one too many',
      },
      {
        says: 'The exponent of fp16 is 128 − 127.',
        recorded: 'erratum',
        asPrinted: ({ half }) => half.storedExponent === 128 && FP16.bias === 127,
        corrected: ({ half }) => half.storedExponent === 16 && FP16.bias === 15 && half.power === 1,
        shouldBe: '2^(16−15): five bits store 16, and the bias is 15',
      },
      {
        says: 'Every float is (−1)^S·2^(e − bias)·1.m.',
        recorded: 'erratum',
        asPrinted: ({ special }) => special.every(({ value, byRule }) => Object.is(value, byRule)),
        corrected: ({ special, normal }) =>
          normal.value === normal.byRule && special.every(({ value, byRule }) => !Object.is(value, byRule)),
        shouldBe:
          'every normal float: zeros, subnormals, infinities and NaN have exponents of all zeros or all ones and other rules',
      },
    ],
    brief: ({ pi, half, printedDigits }) =>
      `fp32 ${digits(pi.value, 8)}, fp16 ${digits(half.value, 7)}; ${printedDigits} digits where 23 belong; fp16's bias is ${FP16.bias}`,
    details: ({ pi, half, special }) => [
      { label: 'fp32', value: pi.formula },
      { label: 'fp16', value: half.formula },
      ...special.map(({ name, value, byRule }) => ({
        label: `fp16, ${name}`,
        value: String(value),
        note: `the rule would say ${byRule}`,
      })),
    ],
    explanation:
      'The values are right, the fields slipped: one digit too many in the fp32 significand, and the bias of fp32 (127) in the line of fp16 ' +
      '(15). The rule with the hidden 1 holds for normal numbers only, or else there would be no zero.',
  }),
];
