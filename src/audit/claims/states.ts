// Claims M: parameters, gradients, optimizer state and their sum.
import type { AnyClaim } from '../claim.ts';

export const stateClaims: readonly AnyClaim[] = [];
