// Claims N: number formats and quantization.
import type { AnyClaim } from '../claim.ts';

export const numberClaims: readonly AnyClaim[] = [];
