// Every layout of a number of GPUs in which a model divides.
import type { ModelCard } from '../cards/model-card.ts';
import { type Layout, ZERO_STAGES } from '../theory/parallelism.ts';
import type { AttentionKind, Recomputation } from '../theory/recompute.ts';
import type { Candidate, Pins, PlanProblem } from './problem.ts';

/** Degrees of tensor, pipeline, context and data parallelism; their product is the number of GPUs. */
export type Degrees = Pick<Layout, 'tensor' | 'pipeline' | 'context' | 'data'>;

/** Beyond these, more of the same changes little and the list grows long. */
const MOST = { interleave: 5, microBatch: 16, context: 64 } as const;

/** Tokens of a sequence below which a context worker has too little to do. */
const LEAST_CONTEXT_TOKENS = 512;

function divisors(whole: number, most: number): number[] {
  const found: number[] = [];
  for (let candidate = 1; candidate <= Math.min(whole, most); candidate++) {
    if (whole % candidate === 0) found.push(candidate);
  }
  return found;
}

const pinned = (values: readonly number[], pin: number | undefined) =>
  pin === undefined ? values : values.filter((value) => value === pin);

/** Tensor degrees: within a node, unless one is asked for. */
function tensorDegrees({ heads, kvHeads, mlp }: ModelCard, { gpus, hardware, pins }: PlanProblem): readonly number[] {
  const most = pins.tensor ?? hardware.gpusPerNode;
  const dividing = divisors(gpus, Math.min(most, heads)).filter(
    (degree) => heads % degree === 0 && mlp.width % degree === 0 && (kvHeads % degree === 0 || degree % kvHeads === 0),
  );
  return pinned(dividing, pins.tensor);
}

function contextDegrees(rest: number, { sequence, pins }: PlanProblem): readonly number[] {
  const most = pins.context ?? Math.min(MOST.context, Math.max(1, sequence / LEAST_CONTEXT_TOKENS));
  return pinned(divisors(rest, most), pins.context).filter(
    (degree) => degree === 1 || (sequence % (2 * degree) === 0 && degree <= sequence / 2),
  );
}

/** All degrees in which the model and the batch divide. */
export function allDegrees(problem: PlanProblem): Degrees[] {
  const { card, gpus, globalBatch, pins } = problem;
  return tensorDegrees(card, problem).flatMap((tensor) =>
    pinned(divisors(gpus / tensor, card.layers), pins.pipeline)
      .filter((pipeline) => card.layers % pipeline === 0)
      .flatMap((pipeline) =>
        contextDegrees(gpus / tensor / pipeline, problem).map((context) => ({
          tensor,
          pipeline,
          context,
          data: gpus / tensor / pipeline / context,
        })),
      )
      .filter(({ data }) => globalBatch % data === 0 && (pins.data === undefined || pins.data === data)),
  );
}

function recomputations(attention: AttentionKind, pin: Recomputation | undefined): readonly Recomputation[] {
  if (pin !== undefined) return [pin];
  return attention === 'flash' ? ['none', 'full'] : ['none', 'selective', 'full'];
}

/** Micro-batches are powers of two, or all there is, so that the list stays short. */
function microBatches(perReplica: number, { microBatch }: Pins): readonly number[] {
  if (microBatch !== undefined) return perReplica % microBatch === 0 ? [microBatch] : [];
  return divisors(perReplica, MOST.microBatch).filter((size) => Number.isInteger(Math.log2(size)));
}

/**
 * The candidates with these degrees: micro-batch, ZeRO, interleaving. Each is a list of the same layout with more and more
 * recomputation, of which the first that fits is the fastest. Sequence parallelism costs no time that is not hidden and
 * saves memory, so it is on wherever the sequence divides, unless the person says otherwise.
 */
export function* candidatesOf(problem: PlanProblem, degrees: Degrees): Generator<Candidate[]> {
  const { card, globalBatch, sequence, attention, pins } = problem;
  const { tensor, pipeline, context, data } = degrees;
  const canSplit = tensor > 1 && (sequence / context) % tensor === 0;
  if (pins.sequenceParallel && tensor > 1 && !canSplit) return;
  const sequenceParallel = canSplit && (pins.sequenceParallel ?? true);
  const stages = pinned(data * context > 1 ? ZERO_STAGES : [0], pins.zero) as readonly Layout['zero'][];
  const pieces = pinned(divisors(card.layers / pipeline, pins.interleave ?? MOST.interleave), pins.interleave);
  const again = recomputations(attention, pins.recompute);
  for (const batch of microBatches(globalBatch / data, pins)) {
    const shape = { batch, sequence, microBatches: globalBatch / data / batch };
    const allowed = pieces.filter((v) => v === 1 || (pipeline > 1 && shape.microBatches % pipeline === 0));
    for (const zero of stages) {
      for (const interleave of allowed) {
        const layout = { ...degrees, sequenceParallel, interleave, zero };
        yield again.map((recompute) => ({ layout, shape, recompute }));
      }
    }
  }
}
