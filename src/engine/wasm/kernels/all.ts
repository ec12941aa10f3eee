// Every kernel that we replace in, or add to, the wasm backend.
import type { Override } from '../runtime.ts';
import { adamw } from './adamw.ts';
import { cast, identity } from './aliases.ts';
import { binary } from './binary.ts';
import { crossEntropy } from './cross-entropy.ts';
import { matmul } from './matmul.ts';
import { concat, slice, split, transpose } from './move.ts';
import { reduce } from './reduce.ts';
import { gather, segmentSum } from './rows.ts';
import { softmax } from './softmax.ts';
import { clip, unary } from './unary.ts';

export const overrides: readonly Override[] = [
  matmul,
  identity,
  cast,
  unary,
  clip,
  binary,
  reduce,
  softmax,
  transpose,
  slice,
  concat,
  split,
  gather,
  segmentSum,
  crossEntropy,
  adamw,
];
