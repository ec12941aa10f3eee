// A plan as one document for machines: exact integers, formulas, seconds.
import type { PlannedLayout } from '../planner/plan.ts';
import type { PlanAnswer } from '../planner/request.ts';
import type { Term } from '../terms/term.ts';

const total = (terms: readonly Term[]) => terms.reduce((sum, { value }) => sum + value, 0n);

/** Every number of the answer, with formulas and exact integers. */
export function planDocument({ size, plan, assumedMfu }: PlanAnswer): Record<string, unknown> {
  const { problem, stepFlops, usable, considered, fitting, layouts } = plan;
  const { card, hardware, gpus, globalBatch, sequence, states, attention, efficiency, reserve } = problem;
  return {
    arch: card.name,
    card,
    hardware,
    gpus,
    parameters: { total: size.parameters },
    tokens: size.tokens,
    budget: { flops: size.flops, formula: '6ND', reasons: size.reasons, ...(assumedMfu ? { assumedMfu } : {}) },
    notes: size.notes,
    batch: { sequences: globalBatch, tokens: globalBatch * sequence, sequence },
    assumptions: { ...states, attention, efficiency, reserve, usableBytes: usable.value },
    flopsPerStep: stepFlops.value,
    considered,
    fitting,
    layouts: layouts.map(layoutDocument),
  };
}

function layoutDocument({
  candidate,
  memory,
  traffic,
  time,
  bubble,
  mfu,
  tokensPerSecond,
  run,
  reasons,
}: PlannedLayout) {
  const { layout, shape, recompute } = candidate;
  return {
    ...layout,
    microBatch: shape.batch,
    microBatches: shape.microBatches,
    recompute,
    memory: {
      total: memory.total.value,
      parameters: total(memory.parameters),
      gradients: total(memory.gradients),
      optimizer: total(memory.optimizer),
      savedActivations: total(memory.savedActivations),
      batch: total(memory.batch),
      temporaries: total(memory.temporaries[memory.largest]),
      stage: memory.stage,
      terms: memory,
    },
    time,
    bubble,
    communication: traffic.map(
      ({ traffic: { group, what, workers, link, sent, behind, every }, seconds, exposed }) => ({
        group,
        what,
        workers,
        link,
        every,
        behind,
        bytesPerStep: sent.value,
        formula: sent.formula,
        numbers: sent.numbers,
        source: sent.source,
        seconds,
        exposed,
      }),
    ),
    mfu,
    tokensPerSecond: tokensPerSecond.value,
    steps: run.steps,
    seconds: run.time.value,
    days: run.days,
    gpuHours: run.gpuHours,
    ...(run.dollars === undefined ? {} : { dollars: run.dollars }),
    reasons,
  };
}
