// Claims T: architecture and objective.
import type { AnyClaim } from '../claim.ts';

export const architectureClaims: readonly AnyClaim[] = [];
