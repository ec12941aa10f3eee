// Claims H: intensity and hardware.
import type { AnyClaim } from '../claim.ts';

export const hardwareClaims: readonly AnyClaim[] = [];
