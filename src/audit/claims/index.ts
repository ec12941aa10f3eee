// All claims of the documents, in the order of their groups.
import type { AnyClaim } from '../claim.ts';
import { activationClaims } from './activations.ts';
import { architectureClaims } from './architecture.ts';
import { flopClaims } from './flops.ts';
import { hardwareClaims } from './hardware.ts';
import { inferenceClaims } from './inference.ts';
import { numberClaims } from './numbers.ts';
import { parallelismClaims } from './parallelism.ts';
import { parameterClaims } from './parameters.ts';
import { scalingClaims } from './scaling.ts';
import { stateClaims } from './states.ts';

export const CLAIMS: readonly AnyClaim[] = [
  ...parameterClaims,
  ...flopClaims,
  ...stateClaims,
  ...activationClaims,
  ...parallelismClaims,
  ...inferenceClaims,
  ...hardwareClaims,
  ...scalingClaims,
  ...architectureClaims,
  ...numberClaims,
];
