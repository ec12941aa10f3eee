// Claims I: inference.
import type { AnyClaim } from '../claim.ts';
import { cacheClaims } from './inference-cache.ts';
import { falconClaims } from './inference-falcon.ts';
import { searchClaims } from './inference-search.ts';
import { inferenceWorkClaims } from './inference-work.ts';

const numberOf = ({ id }: AnyClaim) => Number(id.slice(1));

export const inferenceClaims: readonly AnyClaim[] = [
  ...cacheClaims,
  ...inferenceWorkClaims,
  ...falconClaims,
  ...searchClaims,
].sort((a, b) => numberOf(a) - numberOf(b));
