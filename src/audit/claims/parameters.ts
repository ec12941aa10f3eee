// Claims P: parameters.
import type { AnyClaim } from '../claim.ts';
import { p3, p4, p5, p7, p10 } from './parameters-layers.ts';
import { p1, p2, p6, p8, p9 } from './parameters-models.ts';

export const parameterClaims: readonly AnyClaim[] = [p1, p2, p3, p4, p5, p6, p7, p8, p9, p10];
