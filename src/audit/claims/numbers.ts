// Claims N: number formats and quantization.
import type { AnyClaim } from '../claim.ts';
import { formatClaims } from './numbers-formats.ts';
import { quantizationClaims } from './numbers-quantization.ts';

const numberOf = ({ id }: AnyClaim) => Number(id.slice(1));

export const numberClaims: readonly AnyClaim[] = [...quantizationClaims, ...formatClaims].sort(
  (a, b) => numberOf(a) - numberOf(b),
);
