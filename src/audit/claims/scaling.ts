// Claims S: scaling.
import type { AnyClaim } from '../claim.ts';

export const scalingClaims: readonly AnyClaim[] = [];
