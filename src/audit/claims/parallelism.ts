// Claims D: parallelism.
import type { AnyClaim } from '../claim.ts';

export const parallelismClaims: readonly AnyClaim[] = [];
