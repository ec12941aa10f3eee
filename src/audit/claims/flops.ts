// Claims F: floating point operations.
import type { AnyClaim } from '../claim.ts';

export const flopClaims: readonly AnyClaim[] = [];
