// Claims D: parallelism.
import type { AnyClaim } from '../claim.ts';
import { clusterClaims } from './parallelism-cluster.ts';
import { collectiveClaims } from './parallelism-collectives.ts';
import { tensorParallelClaims } from './parallelism-tensor.ts';

const numberOf = ({ id }: AnyClaim) => Number(id.slice(1));

export const parallelismClaims: readonly AnyClaim[] = [
  ...tensorParallelClaims,
  ...collectiveClaims,
  ...clusterClaims,
].sort((a, b) => numberOf(a) - numberOf(b));
