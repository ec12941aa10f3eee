// All measurements that claims rest on, in the order in which `yarn audit --measure` makes them.
import type { AnyMeasurement } from '../context.ts';
import { matmulFlops } from './matmul-flops.ts';
import { savedActivations } from './saved-activations.ts';
import { stepTimes } from './step-times.ts';

export const MEASUREMENTS: readonly AnyMeasurement[] = [matmulFlops, savedActivations, stepTimes];
