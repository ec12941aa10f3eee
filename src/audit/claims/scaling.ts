// Claims S: scaling.
import type { AnyClaim } from '../claim.ts';
import { chinchillaClaims } from './scaling-chinchilla.ts';
import { fitClaims } from './scaling-fits.ts';
import { scalingRunClaims } from './scaling-runs.ts';

const numberOf = ({ id }: AnyClaim) => Number(id.slice(1));

export const scalingClaims: readonly AnyClaim[] = [...fitClaims, ...chinchillaClaims, ...scalingRunClaims].sort(
  (a, b) => numberOf(a) - numberOf(b),
);
