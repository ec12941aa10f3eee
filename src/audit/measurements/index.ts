// All measurements that claims rest on, in the order in which `yarn audit --measure` makes them.
import type { AnyMeasurement } from '../context.ts';

export const MEASUREMENTS: readonly AnyMeasurement[] = [];
