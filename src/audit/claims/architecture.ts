// Claims T: architecture and objective.
import type { AnyClaim } from '../claim.ts';
import { attentionClaims } from './architecture-attention.ts';
import { headClaims } from './architecture-heads.ts';
import { normClaims } from './architecture-norms.ts';
import { objectiveClaims } from './architecture-objective.ts';
import { positionClaims } from './architecture-positions.ts';
import { sequenceClaims } from './architecture-sequences.ts';

const numberOf = ({ id }: AnyClaim) => Number(id.slice(1));

export const architectureClaims: readonly AnyClaim[] = [
  ...normClaims,
  ...attentionClaims,
  ...headClaims,
  ...positionClaims,
  ...objectiveClaims,
  ...sequenceClaims,
].sort((a, b) => numberOf(a) - numberOf(b));
