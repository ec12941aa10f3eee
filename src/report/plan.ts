// A plan on paper: the layouts from the fastest on, and of the fastest its memory, its time and its traffic with formulas.
import { describeCard } from '../cards/description.ts';
import type { Plan, PlannedLayout } from '../planner/plan.ts';
import type { PlanAnswer } from '../planner/request.ts';
import type { Term } from '../terms/term.ts';
import { WORKER_LETTER_MEANINGS } from '../theory/parallelism.ts';
import { duration, inOneUnit, percent, si, significant, thousands } from './format.ts';
import { wrapItems } from './key-lines.ts';
import type { Palette } from './palette.ts';
import { type Column, table } from './table.ts';

const gigabytes = (bytes: bigint | number) => `${significant(Number(bytes) / 1e9)} GB`;
const total = (terms: readonly Term[]) => terms.reduce((sum, { value }) => sum + value, 0n);
const left = (title: string): Column => ({ title });
const right = (title: string): Column => ({ title, align: 'right' });

/** The plan for people. */
export function planLines({ size, plan, assumedMfu }: PlanAnswer, palette: Palette, width = 100): string[] {
  const { problem, layouts } = plan;
  const { card } = problem;
  const best = layouts[0]!;
  const section = (title: string, lines: readonly string[]) => ['', palette.strong(title), ...lines];
  return [
    palette.strong(card.name),
    ...wrapItems(describeCard(card).split(' · '), ' · ', width),
    ...questionLines(size, plan, assumedMfu, width),
    ...section(
      `Layouts that fit, fastest first (${thousands(plan.fitting)} of ${thousands(plan.considered)} that divide)`,
      [...layoutRows(layouts, palette, width)],
    ),
    ...section('The fastest: memory of the fullest worker', memoryRows(best, plan, palette, width)),
    ...section('Time of a step', timeRows(best, palette, width)),
    ...(best.traffic.length > 0
      ? section('What a worker sends in a step', trafficRows(best, plan, palette, width))
      : []),
    ...section('The run', runLines(best, plan, width)),
    ...size.notes.flatMap((note) => wrapItems(`Note: ${note}`.split(' '), ' ', width)).map(palette.warning),
    '',
    ...letterLines(width).map(palette.quiet),
    ...assumptionLines(plan, width).map(palette.quiet),
  ];
}

function questionLines(
  size: PlanAnswer['size'],
  { problem, stepFlops }: Plan,
  assumedMfu: number | undefined,
  width: number,
) {
  const { hardware, gpus, globalBatch, sequence } = problem;
  const batch = `${thousands(globalBatch)} × ${thousands(sequence)} = ${si(globalBatch * sequence)} tokens a step`;
  const corrected = assumedMfu
    ? [`GPU-hours turned into FLOPs at the predicted speed (first guess MFU ${percent(assumedMfu, 0)})`]
    : [];
  return [
    ...wrapItems(
      [
        `N ${thousands(size.parameters)} parameters`,
        `D ${si(size.tokens)} tokens`,
        `6ND ${size.flops.toExponential(3).replace('e+', 'e')} FLOPs`,
        batch,
        `${si(stepFlops.value, 'FLOP')} a step`,
        `${thousands(gpus)} × ${hardware.title}`,
      ],
      ' · ',
      width,
    ),
    ...[...size.reasons, ...corrected].flatMap((reason) => wrapItems(reason.split(' '), ' ', width)),
  ];
}

const CHOSEN = [
  right(''),
  right('TP'),
  right('PP'),
  right('CP'),
  right('DP'),
  right('ZeRO'),
  left('batch'),
  left('again'),
  right('GB/GPU'),
  right('bubble'),
  right('comm.'),
  right('MFU'),
  right('step'),
  right('days'),
];

/** Seconds of traffic that nothing hides. */
const exposed = ({ time }: PlannedLayout) =>
  Object.values(time.communication).reduce((sum, seconds) => sum + seconds, 0);

function layoutRows(layouts: readonly PlannedLayout[], palette: Palette, width: number): string[] {
  const share = (part: number) => thousands(100 * part, 1);
  const rows = layouts.map((planned, at) => {
    const { candidate, memory, bubble, mfu, time, run } = planned;
    const { layout, shape, recompute } = candidate;
    return [
      String(at + 1),
      `${layout.tensor}${layout.sequenceParallel ? '+SP' : ''}`,
      `${layout.pipeline}${layout.interleave > 1 ? `·${layout.interleave}` : ''}`,
      String(layout.context),
      String(layout.data),
      String(layout.zero),
      `${shape.batch}×${shape.microBatches}`,
      recompute,
      thousands(Number(memory.total.value) / 1e9, 1),
      share(bubble),
      share(exposed(planned) / time.total),
      share(mfu),
      duration(time.total),
      significant(run.days),
    ];
  });
  const [titles, ...lines] = table(CHOSEN, rows, palette, width);
  return [titles!, ...lines.flatMap((line, at) => [line, ...reasonLines(layouts[at]!, palette, width)])];
}

/** The reasons of a row, below it. */
function reasonLines({ reasons }: PlannedLayout, palette: Palette, width: number): string[] {
  const indent = ' '.repeat(5);
  const lines = reasons.length > 0 ? wrapItems(reasons, '; ', width - indent.length) : [];
  return lines.map((line) => palette.quiet(indent + line));
}

function memoryRows({ memory }: PlannedLayout, { usable, problem }: Plan, palette: Palette, width: number): string[] {
  const rows: { name: string; value: bigint; formula: string; note: string }[] = [];
  const group = (name: string, terms: readonly Term[]) => {
    const single = terms.length === 1 ? terms[0] : undefined;
    rows.push({ name, value: total(terms), formula: single?.formula ?? 'sum of', note: single?.source ?? '' });
    if (single) return;
    for (const { id, value, formula, source } of [...terms].sort((a, b) => (a.value < b.value ? 1 : -1))) {
      rows.push({ name: `  ${id}`, value, formula, note: source.replace('decoder-only ', '') });
    }
  };
  const weights = total(memory.weights);
  group('parameters', memory.parameters);
  group('gradients', memory.gradients);
  group('optimizer', memory.optimizer);
  group('savedActivations', memory.savedActivations);
  group(`temporaries (${memory.largest})`, memory.temporaries[memory.largest]);
  const shown = rows.filter(({ value }) => value > 0n);
  const room = `of ${gigabytes(usable.value)} usable: ${gigabytes(problem.hardware.memoryBytes)} less ${percent(problem.reserve, 0)}`;
  const sumRow = { name: 'total', value: memory.total.value, formula: 'with the batch', note: room };
  const all = [...shown, sumRow];
  const { unit, texts } = inOneUnit(
    all.map(({ value }) => value),
    'B',
    4,
  );
  return [
    `stage ${memory.stage} · n = ${thousands(weights)} parameters: ${memory.weights.map(({ id, formula }) => `${id} ${formula}`).join(' · ')}`,
    ...table(
      [left('category'), right(unit), left('formula'), left('')],
      all.map(({ name, formula, note }, at) => [name, texts[at]!, formula, palette.quiet(note)]),
      palette,
      width,
    ),
  ].flatMap((line) => (line.length > width ? wrapItems(line.split(' '), ' ', width) : [line]));
}

const AGAIN = {
  none: 'scores again, tile by tile, if attention is flash',
  selective: 'the core of attention again in the backward pass',
  full: 'the forward pass of every block again',
} as const;

function timeRows({ time, candidate, bubble, mfu }: PlannedLayout, palette: Palette, width: number): string[] {
  const { layout, shape } = candidate;
  const { communication } = time;
  const rows: [name: string, seconds: number, reason: string][] = [
    ['products', time.products, 'm · 3 · forward FLOPs of the slowest stage / (peak · efficiency)'],
    ['element-wise', time.elementwise, 'm · 8 · bytes of activations / memory bandwidth'],
    ['recomputation', time.recompute, AGAIN[candidate.recompute]],
    [
      'bubble',
      time.bubble,
      `(P − 1)/v = ${layout.pipeline - 1}/${layout.interleave} micro-batches beside ${shape.microBatches}: ${percent(bubble)}`,
    ],
    ['tensor traffic', communication.tensor, 'what stands between products and cannot hide'],
    ['context traffic', communication.context, 'beyond what hides behind attention'],
    ['pipeline traffic', communication.pipeline, 'from stage to stage'],
    ['data traffic', communication.data, 'beyond what hides behind products'],
    ['optimizer', time.optimizer, 'states read and written once'],
  ];
  const shown = rows.filter(([, seconds]) => seconds > 0);
  return table(
    [left(''), right('time'), right('share'), left('why')],
    [
      ...shown.map(([name, seconds, reason]) => [
        name,
        duration(seconds),
        percent(seconds / time.total),
        palette.quiet(reason),
      ]),
      [
        'total',
        duration(time.total),
        '100.0 %',
        palette.quiet(`MFU ${percent(mfu)}: model FLOPs / (time · GPUs · peak)`),
      ],
    ],
    palette,
    width,
  );
}

function trafficRows(
  { traffic, candidate }: PlannedLayout,
  { problem }: Plan,
  palette: Palette,
  width: number,
): string[] {
  const { microBatches } = candidate.shape;
  const rows = [...traffic].sort((a, b) => (a.traffic.sent.value < b.traffic.sent.value ? 1 : -1));
  const { unit, texts } = inOneUnit(
    rows.map(({ traffic: { sent } }) => sent.value),
    'B',
    4,
  );
  const linkName = { link: 'node', interNode: 'network' } as const;
  return table(
    [left('group'), right(unit), left('over'), right('time'), right('exposed'), left('what · formula')],
    rows.map(({ traffic: { group, what, workers, link, sent, every }, seconds, exposed: open }, at) => {
      const times = every === 'micro-batch' ? microBatches : 1;
      return [
        `${group} of ${workers}`,
        texts[at]!,
        `${linkName[link]} ${si(problem.hardware[link].bytesPerSecond, 'B/s')}`,
        duration(times * seconds),
        duration(times * open),
        palette.quiet(`${what} · ${sent.formula}`),
      ];
    }),
    palette,
    width,
  );
}

function runLines({ run, tokensPerSecond }: PlannedLayout, { problem }: Plan, width: number): string[] {
  const { pricePerHour: price } = problem.hardware;
  const cost =
    run.dollars === undefined
      ? ['no price is known: give --price']
      : [`$${thousands(run.dollars)} at $${price!.dollars} an hour`, `${price!.source}, ${price!.date}`];
  return wrapItems(
    [
      `${thousands(run.steps)} steps`,
      `${thousands(tokensPerSecond.value)} tokens/s`,
      `${duration(run.time.value)} (${significant(run.days)} days)`,
      `${thousands(run.gpuHours)} GPU-hours`,
      ...cost,
    ],
    ' · ',
    width,
  );
}

const letterLines = (width: number) =>
  wrapItems(
    Object.entries(WORKER_LETTER_MEANINGS).map(([letter, meaning]) => `${letter} ${meaning}`),
    ' · ',
    width,
  );

function assumptionLines({ problem }: Plan, width: number): string[] {
  const { efficiency, states, attention } = problem;
  const text =
    `Assumed: products reach ${percent(efficiency, 0)} of the peak (--efficiency); links reach their bandwidth, without latency; ` +
    `gradients and ZeRO's parameters travel behind products where they can; attention is ${attention}; states as in ${states.convention}. ` +
    'TP tensor, +SP with sequence parallelism, PP pipeline·pieces, CP context, DP data; batch: micro-batch × micro-batches. ' +
    'A multiply-add is 2 FLOPs; GB is 10⁹ bytes.';
  return wrapItems(text.split(' '), ' ', width);
}
