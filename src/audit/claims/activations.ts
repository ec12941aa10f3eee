// Claims A: what is kept between the forward and the backward pass.
import type { AnyClaim } from '../claim.ts';

export const activationClaims: readonly AnyClaim[] = [];
