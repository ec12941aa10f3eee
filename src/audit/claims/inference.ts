// Claims I: inference.
import type { AnyClaim } from '../claim.ts';

export const inferenceClaims: readonly AnyClaim[] = [];
