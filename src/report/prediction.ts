// A prediction on paper: tables with the formula in the row, and the same as one document for machines.
import { describeCard } from '../cards/description.ts';
import type { Fraction, Letters } from '../terms/formula.ts';
import { CONVENTION_MEANINGS } from '../theory/flops.ts';
import { servingBytes } from '../theory/inference-letters.ts';
import { LETTER_MEANINGS } from '../theory/letters.ts';
import { countParameters, matmulParameters } from '../theory/parameters.ts';
import { FORMULA_CONVENTIONS, type Prediction } from '../theory/prediction.ts';
import { memoryLetters } from '../theory/training-memory.ts';
import { inOneUnit, percent, thousands } from './format.ts';
import type { Palette } from './palette.ts';
import { machineDocument, machineLines } from './prediction-machine.ts';
import { memoryDocument, memoryRows, memoryTitle, stateRows } from './prediction-memory.ts';
import { table } from './table.ts';

/** The names of the design's vocabulary, with exact integers: `parameters.total`, `flops.palm.forward`, `memory.gradients` … */
export function predictionDocument(prediction: Prediction): Record<string, unknown> {
  const { card, shape, parameters, flops, hardwareFlops, machine } = prediction;
  const { keeps: recompute, ...settings } = prediction.settings;
  const { total, groups } = countParameters(card);
  const flopEntries = FORMULA_CONVENTIONS.map((convention) => {
    const { forward, forwardBackward, forwardTerms, backwardTerms } = flops[convention];
    return [
      convention,
      {
        forward: forward.value,
        forwardBackward: forwardBackward.value,
        formula: forwardBackward.formula,
        numbers: forwardBackward.numbers,
        source: forward.source,
        terms: { forward: forwardTerms, backward: backwardTerms },
      },
    ];
  });
  return {
    arch: card.name,
    card,
    shape: { ...shape, tokens: shape.batch * shape.sequence },
    settings: { ...settings, recompute },
    parameters: {
      total,
      groups,
      formula: parameters.total.formula,
      numbers: parameters.total.numbers,
      terms: parameters.groups,
      documents: parameters.documents,
    },
    flops: Object.fromEntries(flopEntries),
    ...(hardwareFlops && {
      hardwareFlops: {
        total: hardwareFlops.total.value,
        formula: hardwareFlops.total.formula,
        numbers: hardwareFlops.total.numbers,
        source: hardwareFlops.total.source,
        recompute: hardwareFlops.recomputeTerms,
      },
    }),
    ...memoryDocument(prediction),
    ...(machine && { hardware: machineDocument(machine) }),
  };
}

/** The prediction for people: lines of text. */
export function predictionLines(prediction: Prediction, palette: Palette, width = 100): string[] {
  const { card, machine, states, settings } = prediction;
  const section = (title: string, lines: readonly string[]) => ['', palette.strong(title), ...lines];
  const isMixed = states !== undefined && settings.precision === 'mixed';
  return [
    palette.strong(card.name),
    ...flowed(describeCard(card).split(' · '), width),
    ...section('Parameters', parameterRows(prediction, palette, width)),
    ...section(flopsTitle(prediction), flopRows(prediction, palette, width)),
    ...section(memoryTitle(prediction), memoryRows(prediction, palette, width)),
    ...(isMixed ? section('The same states as each document counts them', stateRows(states, palette, width)) : []),
    ...(machine ? ['', ...machineLines(prediction, machine, palette, width)] : []),
    '',
    ...letterLines(prediction, width).map(palette.quiet),
    palette.quiet('A multiply-add is 2 FLOPs; MB is 10⁶ bytes, GB 10⁹ and GiB 2³⁰.'),
  ];
}

function parameterRows({ card, parameters }: Prediction, palette: Palette, width: number): string[] {
  const { total, groups, documents } = parameters;
  const share = (value: bigint) => percent(Number(value) / Number(total.value));
  const row = (name: string, value: bigint, formula: string) => [name, thousands(value), share(value), formula];
  const bySize = [...groups].sort((a, b) => (a.value < b.value ? 1 : -1));
  const published = card.published?.parameters;
  return table(
    [
      { title: '' },
      { title: 'parameters', align: 'right' },
      { title: 'of total', align: 'right' },
      { title: 'formula' },
    ],
    [
      row('total', total.value, total.formula),
      ...bySize.map(({ id, value, formula }) => row(`  ${id}`, value, formula)),
      ...(card.tied ? [['  head', 'tied', '', "multiplies by the token embedding's V·D"]] : []),
      row('documents', documents.value, `${documents.formula}   ${documents.source}: the blocks' matrices only`),
      ...(published ? [row('published', BigInt(published), card.published?.name ?? '')] : []),
    ],
    palette,
    width,
  );
}

function flopsTitle({ shape }: Prediction): string {
  const { batch, sequence } = shape;
  return `FLOPs of ${thousands(batch)} × ${thousands(sequence)} = ${thousands(batch * sequence)} tokens`;
}

function flopRows({ flops, shape, hardwareFlops }: Prediction, palette: Palette, width: number): string[] {
  const tokens = shape.batch * shape.sequence;
  const rows = FORMULA_CONVENTIONS.map((convention) => ({
    name: convention as string,
    forward: flops[convention].forward.value as bigint | undefined,
    both: flops[convention].forwardBackward.value,
    formula: flops[convention].forwardBackward.formula,
    meaning: CONVENTION_MEANINGS[convention],
  }));
  if (hardwareFlops && hardwareFlops.recomputeTerms.length > 0) {
    const { value: both, formula } = hardwareFlops.total;
    const again = hardwareFlops.recomputeTerms.map(({ id }) => id);
    const meaning =
      again.length > 2 ? 'palm, and the blocks’ forward pass again' : `palm, and ${again.join(', ')} again`;
    rows.push({ name: 'executed', forward: undefined, both, formula, meaning });
  }
  const values = rows.flatMap(({ forward, both }) => [forward ?? 0n, both]);
  const passes = inOneUnit(values, 'FLOP', 4);
  const perToken = inOneUnit(
    rows.map(({ both }) => Number(both) / tokens),
    'FLOP',
    4,
  );
  return table(
    [
      { title: 'convention' },
      { title: `forward, ${passes.unit}`, align: 'right' },
      { title: '+ backward', align: 'right' },
      { title: `${perToken.unit} a token`, align: 'right' },
      { title: 'formula' },
    ],
    rows.map(({ name, forward, formula, meaning }, at) => [
      name,
      forward === undefined ? '' : passes.texts[2 * at]!,
      passes.texts[2 * at + 1]!,
      perToken.texts[at]!,
      `${formula}\n${palette.quiet(meaning)}`,
    ]),
    palette,
    width,
  );
}

/** "A 8 heads · B 1 batch · …": the letters of the formulas with their values. */
function letterLines({ card, shape, settings }: Prediction, width: number): string[] {
  const values: Letters = { ...memoryLetters(card, shape, settings.precision), M: matmulParameters(card) };
  const cached = servingBytes({ precision: settings.precision }).c;
  return flowed(
    [
      ...Object.entries(LETTER_MEANINGS).map(([letter, meaning]) => `${letter} ${meaning} ${show(values[letter]!)}`),
      `c bytes per cached element ${cached}`,
      'G = g on one device',
    ],
    width,
  );
}

/** Parts with dots between them, on as many lines as they need. */
function flowed(parts: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + part.length + 3 <= width) lines[lines.length - 1] = `${line} · ${part}`;
    else lines.push(part);
  }
  return lines;
}

const show = (value: bigint | Fraction) =>
  typeof value === 'bigint'
    ? thousands(value)
    : String(Number((Number(value.numerator) / Number(value.denominator)).toPrecision(6)));
