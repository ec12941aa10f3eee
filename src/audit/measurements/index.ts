// All measurements that claims rest on, in the order in which `yarn audit --measure` makes them.
import type { AnyMeasurement } from '../context.ts';
import { machineRoofline } from './machine-roofline.ts';
import { matmulFlops } from './matmul-flops.ts';
import { modelCode } from './model-code.ts';
import { norms } from './norms.ts';
import { residuals } from './residuals.ts';
import { savedActivations } from './saved-activations.ts';
import { stepTimes } from './step-times.ts';
import { tokensPerWord } from './tokens-per-word.ts';

export const MEASUREMENTS: readonly AnyMeasurement[] = [
  matmulFlops,
  savedActivations,
  stepTimes,
  machineRoofline,
  norms,
  modelCode,
  residuals,
  tokensPerWord,
];
