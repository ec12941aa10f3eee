// What `yarn bench train` shows, and the same as one document.
import { describeCard } from '../cards/description.ts';
import { bytes, duration, percent, si, significant, thousands } from '../report/format.ts';
import type { Palette } from '../report/palette.ts';
import { type Column, table } from '../report/table.ts';
import type { TrainingMeasurement } from './measurement.ts';
import type { Comparison, Row } from './rows.ts';

/** A model on a backend for which there is no row. */
export interface Missing {
  readonly arch?: string;
  readonly backend: string;
  readonly reason: string;
}

const right = (title: string): Column => ({ title, align: 'right' });

/** All that was measured, for people. */
export function trainingLines(
  rows: readonly Row[],
  missing: readonly Missing[],
  palette: Palette,
  width = 100,
): string[] {
  const sections = [
    speeds(rows, palette, width),
    parts(rows, palette, width),
    comparisons(rows, palette, width),
    ...rows.map((row) => kernels(row, palette, width)),
    missing.map(({ arch, backend, reason }) => palette.quiet(`no ${arch ? `${arch} on ` : ''}${backend}: ${reason}`)),
  ];
  const shown = sections.filter((lines) => lines.length > 0);
  return shown.flatMap((lines, at) => (at === 0 ? lines : ['', ...lines]));
}

function speeds(rows: readonly Row[], palette: Palette, width: number): string[] {
  if (rows.length === 0) return [];
  const columns = [
    { title: 'model' },
    { title: 'on' },
    ...['step', 'least', 'tokens/s', 'FLOP/s', 'MFU', 'saved', 'peak RSS'].map(right),
  ];
  const cells = rows.map((row) => {
    const { measurement: run } = row;
    return [
      row.subject.card.name,
      onWhat(row),
      duration(run.medianSeconds),
      duration(run.minimumSeconds),
      thousands(run.tokensPerSecond),
      si(run.flopsPerSecond),
      percent(run.mfu),
      bytes(run.savedForBackwardBytes),
      bytes(run.peakRssBytes),
    ];
  });
  return [
    ...models(rows, palette),
    '',
    ...table(columns, cells, palette, width),
    palette.quiet(
      'step: median of a whole training step; MFU: FLOP/s of exact matmuls (multiply-add = 2) over the matmul peak',
    ),
  ];
}

/** Each model once, with its shape. */
function models(rows: readonly Row[], palette: Palette): string[] {
  const subjects = [...new Set(rows.map(({ subject }) => subject))];
  return subjects.map(({ card, batch, sequence }) => {
    const flops = rows.find(({ subject }) => subject.card === card)!.measurement.flopsPerStep;
    const shape = `${batch} × ${sequence} = ${thousands(batch * sequence)} tokens · ${si(flops, 'FLOP')} a step`;
    return `${palette.strong(card.name)}  ${shape}\n${palette.quiet(describeCard(card))}`;
  });
}

function parts(rows: readonly Row[], palette: Palette, width: number): string[] {
  if (rows.length === 0) return [];
  const columns = [
    { title: 'model' },
    { title: 'on' },
    ...['forward + backward', 'norm', 'AdamW', 'matmul peak', 'steps', 'loss'].map(right),
  ];
  const cells = rows.map((row) => {
    const { shares, matmulPeak, seconds, loss } = row.measurement;
    return [
      row.subject.card.name,
      onWhat(row),
      percent(shares.forwardBackward),
      percent(shares.norm),
      percent(shares.optimizer),
      si(matmulPeak.flopsPerSecond, 'FLOP/s'),
      row.repetitions.length > 1 ? `${row.repetitions.length} × ${seconds.length}` : String(seconds.length),
      `${significant(loss.first, 4)} → ${significant(loss.last, 4)}`,
    ];
  });
  return table(columns, cells, palette, width);
}

function comparisons(rows: readonly Row[], palette: Palette, width: number): string[] {
  const all = rows.flatMap((row) => row.comparisons.map((comparison) => ({ row, comparison })));
  const remarks = rows.flatMap((row) => row.remarks.map((remark) => `${row.subject.card.name} ${remark}`));
  const notes = all.flatMap(({ row, comparison }) =>
    comparison.differences.map((difference) => `${row.subject.card.name} beside ${comparison.name}: ${difference}`),
  );
  const quiet = [...new Set([...notes, ...remarks])].map((note) => palette.quiet(note));
  if (all.length === 0) return quiet;
  const columns = [
    { title: 'model' },
    { title: 'on' },
    { title: 'beside' },
    ...['tokens/s', 'its tokens/s', 'ratio', 'saved', 'its saved'].map(right),
  ];
  const cells = all.flatMap(({ row, comparison }) => comparisonCells(row, comparison, palette));
  return [...table(columns, cells, palette, width), ...quiet];
}

function comparisonCells(row: Row, { name, pairs, medianRatio, savedForBackwardBytes }: Comparison, palette: Palette) {
  const of = [row.subject.card.name, onWhat(row), name];
  const ratio = (value: number) => `${value.toFixed(2)} ×`;
  const lines = pairs.map((pair, at) => [
    ...(at === 0 ? of : ['', '', '']),
    thousands(pair.ours),
    thousands(pair.other),
    ratio(pair.ratio),
  ]);
  const saved = [bytes(savedForBackwardBytes.ours), bytes(savedForBackwardBytes.other)];
  return [...lines, ['', '', 'median', '', '', palette.strong(ratio(medianRatio)), ...saved]];
}

const kernelsShown = 12;

function kernels(row: Row, palette: Palette, width: number): string[] {
  const { kernelTimes } = row.measurement;
  if (!kernelTimes) return [];
  const columns = [{ title: `${row.subject.card.name} on ${onWhat(row)}` }, ...['calls', 'time', 'share'].map(right)];
  const line = (name: string, calls: string, part: { seconds: number; share: number }) => [
    name,
    calls,
    duration(part.seconds),
    percent(part.share),
  ];
  const { outside, kernels: all } = kernelTimes;
  const rest = all.slice(kernelsShown);
  const restOf = (key: 'seconds' | 'share') => rest.reduce((sum, kernel) => sum + kernel[key], 0);
  return table(
    columns,
    [
      ...all.slice(0, kernelsShown).map((kernel) => line(kernel.name, thousands(kernel.calls), kernel)),
      ...(rest.length > 0
        ? [line(`${rest.length} others`, '', { seconds: restOf('seconds'), share: restOf('share') })]
        : []),
      line('outside kernels', '', outside),
    ],
    palette,
    width,
  );
}

function onWhat({ backend, measurement }: Row): string {
  const { threads } = measurement.backend;
  return threads === undefined ? backend : `${backend} ×${threads}`;
}

/** The document: every row with every number, by its unit. */
export function trainingDocument(rows: readonly Row[], missing: readonly Missing[], machine: object): object {
  return {
    benchmark: 'train',
    machine,
    conventions: {
      flops: 'palm: every matrix product, full attention and head, multiply-add = 2',
      mfu: 'flopsPerSecond / matmulPeak.flopsPerSecond',
      ratio: 'tokens per second of ours over the other',
    },
    rows: rows.map(rowDocument),
    missing,
  };
}

function rowDocument({ subject, backend, measurement, repetitions, comparisons, remarks }: Row): object {
  const { card, batch, sequence } = subject;
  const { backend: running, seconds, medianSeconds, minimumSeconds, warmupSteps, ...rest } = measurement;
  return {
    arch: card.name,
    card,
    backend,
    running,
    shape: { batch, sequence, tokens: batch * sequence },
    step: { medianSeconds, minimumSeconds, seconds, count: seconds.length, warmupSteps },
    ...(rest satisfies Partial<TrainingMeasurement>),
    repetitions,
    comparisons,
    remarks,
  };
}
