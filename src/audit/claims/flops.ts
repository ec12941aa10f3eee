// Claims F: floating point operations. A multiply-add is 2 FLOPs.
import type { AnyClaim } from '../claim.ts';
import { f3, f4, f5, f11 } from './flops-products.ts';
import { f1, f6, f7, f8 } from './flops-rules.ts';
import { f2, f9, f10, f12, f13 } from './flops-units.ts';

export const flopClaims: readonly AnyClaim[] = [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13];
