// ZeRO: optimizer states, gradients and parameters divided among the workers that hold the same weights.
import type { Letters } from '../terms/formula.ts';
import type { Term } from '../terms/term.ts';
import type { ZeroStage } from './parallelism.ts';
import { roundedTerm } from './parallelism-terms.ts';
import {
  type OptimizerKind,
  type StateConvention,
  type StateTerms,
  stateTerms,
  type TrainingPrecision,
} from './precision.ts';

/** From which stage on ZeRO divides each state (Rajbhandari et al. 2020: P_os, P_os+g, P_os+g+p). */
const DIVIDED_FROM: Readonly<Record<keyof StateTerms, ZeroStage>> = { optimizer: 1, gradients: 2, parameters: 3 };

/** How states are stored. */
export interface StateChoice {
  readonly precision: TrainingPrecision;
  readonly optimizer: OptimizerKind;
  readonly convention: StateConvention;
}

/**
 * Parameters, gradients and optimizer states of one worker: those of its n parameters, divided by Z as the stage says.
 * @param letters need n, the worker's parameters, Z, the workers that divide, and p, the bytes of an activation
 */
export function workerStates(letters: Letters, { precision, optimizer, convention }: StateChoice, stage: ZeroStage) {
  const whole = stateTerms({ ...letters, N: letters.n! }, precision, optimizer, convention);
  const divide = (state: keyof StateTerms): Term<'bytes'>[] =>
    whole[state].map(({ id, formula, source }) => {
      const own = formula.replaceAll('N', 'n');
      const divides = stage >= DIVIDED_FROM[state];
      return divides
        ? roundedTerm(id, 'bytes', `⌈${own} / Z⌉`, letters, `${source}; ZeRO ${DIVIDED_FROM[state]}`)
        : roundedTerm(id, 'bytes', own, letters, source);
    });
  return { parameters: divide('parameters'), gradients: divide('gradients'), optimizer: divide('optimizer') };
}
