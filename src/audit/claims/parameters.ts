// Claims P: parameters.
import type { AnyClaim } from '../claim.ts';

export const parameterClaims: readonly AnyClaim[] = [];
