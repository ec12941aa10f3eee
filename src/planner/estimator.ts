// Memory and time of many candidates of one problem: the theory's terms, computed once for each part that candidates share.
import type { Letters } from '../terms/formula.ts';
import { sum } from '../terms/quantities.ts';
import type { Term } from '../terms/term.ts';
import {
  contextTraffic,
  dataTraffic,
  pipelineTraffic,
  type Traffic,
  type TrafficInput,
  tensorEndTraffic,
  tensorTraffic,
} from '../theory/communication.ts';
import { workerLetters, workersOf, zeroWorkers } from '../theory/parallelism.ts';
import { activationBytes, blockActivationTerms, endActivationTerms } from '../theory/parallelism-activations.ts';
import { type WorkerFlops, workerFlops } from '../theory/parallelism-flops.ts';
import { temporaryTerms } from '../theory/parallelism-memory.ts';
import { workerParameterCount, workerParameterTerms } from '../theory/parallelism-parameters.ts';
import { microBatchTime, type StepTime, stepTime } from '../theory/parallelism-time.ts';
import { extremeStages, piecesInFlight } from '../theory/pipeline.ts';
import { ACTIVATION_BYTES, stateTerms } from '../theory/precision.ts';
import { workerStates } from '../theory/zero.ts';
import { type Candidate, choiceOf, type PlanProblem, paceOf } from './problem.ts';

const size = (terms: readonly Term<'bytes'>[]): bigint => sum('bytes', terms).value;

/** What a candidate and a stage are known by. */
interface Place {
  readonly candidate: Candidate;
  readonly stage: number;
  /** The stage's place in the pipeline, which is all that its ends depend on. */
  readonly ends: 'only' | 'first' | 'last';
}

/** Answers for one problem. The answers equal those of the theory's functions, which a test checks. */
export class Estimator {
  private readonly problem: PlanProblem;
  private readonly known = new Map<string, unknown>();

  constructor(problem: PlanProblem) {
    this.problem = problem;
  }

  private once<T>(key: string, compute: () => T): T {
    const found = this.known.get(key);
    if (found !== undefined) return found as T;
    const value = compute();
    this.known.set(key, value);
    return value;
  }

  private places(candidate: Candidate): Place[] {
    const { pipeline } = candidate.layout;
    return extremeStages(candidate.layout).map((stage) => ({
      candidate,
      stage,
      ends: pipeline === 1 ? 'only' : stage === 0 ? 'first' : 'last',
    }));
  }

  /** Letters of one micro-batch of one piece; what grows with m, v and i is multiplied by hand. */
  private letters({ candidate, stage, ends }: Place): Letters {
    const { card, sequence, states } = this.problem;
    const { layout, shape } = candidate;
    const { tensor, pipeline, context, data, sequenceParallel } = layout;
    const key = `letters ${tensor} ${pipeline} ${context} ${data} ${sequenceParallel} ${shape.batch} ${ends}`;
    return this.once(key, () => {
      const single = { batch: shape.batch, sequence, microBatches: 1 };
      const letters = workerLetters(card, single, { ...layout, interleave: 1 });
      const n = workerParameterCount(workerParameterTerms(card, layout, letters, stage));
      return { ...letters, n, i: 1n, q: 1n, p: ACTIVATION_BYTES[states.precision] };
    });
  }

  private states(place: Place) {
    const { layout } = place.candidate;
    const { tensor, pipeline, context, data, zero } = layout;
    return this.once(`states ${tensor} ${pipeline} ${context * data} ${zero} ${place.ends}`, () => {
      const { parameters, gradients, optimizer } = workerStates(this.letters(place), this.problem.states, zero);
      const optimizerBytes = size(optimizer);
      return { optimizer: optimizerBytes, total: size(parameters) + size(gradients) + optimizerBytes };
    });
  }

  /** What a micro-batch's activations depend on. */
  private work({ candidate: { layout, shape, recompute } }: Place): string {
    return `${layout.tensor} ${layout.sequenceParallel} ${layout.context} ${shape.batch} ${recompute}`;
  }

  private stageMemory(place: Place): bigint {
    const { candidate, stage, ends } = place;
    const { layout, shape } = candidate;
    const { card } = this.problem;
    const choice = () => choiceOf(this.problem, candidate);
    const work = this.work(place);
    const block = this.once(`block ${work}`, () => size(blockActivationTerms(card, choice(), this.letters(place))));
    const flight = Math.min(shape.microBatches, layout.pipeline);
    const isLast = ends !== 'first';
    const end = this.once(`ends ${work} ${ends} ${flight}`, () => {
      const letters = { ...this.letters(place), q: BigInt(flight) };
      return size(endActivationTerms(card, letters, { isFirst: ends !== 'last', isLast }));
    });
    const gathers = layout.zero === 3 ? `${layout.pipeline} ${zeroWorkers(layout)} ${ends}` : '';
    const temporaries = this.once(`temporaries ${work} ${gathers} ${isLast}`, () => {
      const { loss, backward } = temporaryTerms(card, choice(), layout, this.letters(place), isLast);
      return size(loss) > size(backward) ? size(loss) : size(backward);
    });
    const layers = BigInt((piecesInFlight(layout, shape, stage) * card.layers) / layout.pipeline / layout.interleave);
    const batch = BigInt((8 * shape.batch * shape.microBatches * shape.sequence) / layout.context);
    return this.states(place).total + layers * block + end + temporaries + batch;
  }

  /** Bytes of the fullest worker. */
  memory(candidate: Candidate): bigint {
    return this.places(candidate)
      .map((place) => this.stageMemory(place))
      .reduce((a, b) => (b > a ? b : a));
  }

  private flops(place: Place): WorkerFlops {
    const { pipeline } = place.candidate.layout;
    return this.once(`flops ${this.work(place)} ${pipeline} ${place.ends}`, () => {
      const choice = choiceOf(this.problem, place.candidate);
      return workerFlops(this.problem.card, choice, this.letters(place), place.ends !== 'first');
    });
  }

  private activations(place: Place): bigint {
    const { card, attention } = this.problem;
    const { pipeline } = place.candidate.layout;
    return this.once(`activations ${this.work(place)} ${pipeline}`, () =>
      activationBytes(card, attention, this.letters(place)),
    );
  }

  private traffic(place: Place): Traffic[] {
    const { card, hardware, states } = this.problem;
    const { candidate, ends } = place;
    const { layout } = candidate;
    const { tensor, pipeline, context, data, zero, interleave } = layout;
    const input = (): TrafficInput => ({
      card,
      layout,
      choice: choiceOf(this.problem, candidate),
      letters: { ...this.letters(place), v: BigInt(interleave) },
      gpusPerNode: hardware.gpusPerNode,
    });
    const whole = () =>
      stateTerms(
        { N: 0n, p: ACTIVATION_BYTES[states.precision] },
        states.precision,
        states.optimizer,
        states.convention,
      );
    const work = this.work(place);
    return [
      ...this.once(`tensor ${work} ${pipeline} ${ends}`, () => [
        ...tensorTraffic(input()),
        ...tensorEndTraffic(input(), { isFirst: ends !== 'last', isLast: ends !== 'first' }),
        ...contextTraffic(input()),
      ]),
      ...this.once(`pipeline ${work} ${pipeline} ${interleave} ${workersOf(layout)}`, () =>
        pipelineTraffic(input(), whole().gradients),
      ),
      ...this.once(`data ${tensor} ${pipeline} ${context} ${data} ${zero} ${ends} ${zeroWorkers(layout)}`, () =>
        dataTraffic(input(), whole()),
      ),
    ];
  }

  /** Where the seconds of a step go. */
  time(candidate: Candidate): StepTime {
    const places = this.places(candidate);
    const pace = paceOf(this.problem);
    const stages = places.map((place) =>
      microBatchTime(this.flops(place), this.activations(place), this.traffic(place), 1, pace),
    );
    const optimizer = places.map((place) => this.states(place).optimizer).reduce((a, b) => (b > a ? b : a));
    return stepTime(stages, candidate.layout, candidate.shape.microBatches, optimizer, pace);
  }
}
