// A prediction on paper: tables with the formula in the row, and the same as one document for machines.
import { describeCard } from '../cards/description.ts';
import type { Fraction, Letters } from '../terms/formula.ts';
import type { Count } from '../terms/quantities.ts';
import { CONVENTION_MEANINGS } from '../theory/flops.ts';
import { LETTER_MEANINGS, shapeLetters } from '../theory/letters.ts';
import { countParameters, matmulParameters } from '../theory/parameters.ts';
import { FORMULA_CONVENTIONS, type Prediction } from '../theory/prediction.ts';
import type { MemoryTerm, PredictedCategory } from '../theory/training-memory.ts';
import { inOneUnit, percent, thousands } from './format.ts';
import type { Palette } from './palette.ts';
import { table } from './table.ts';

/** The names of the design's vocabulary, with exact integers: `parameters.total`, `flops.palm.forward`, `memory.gradients` … */
export function predictionDocument({ card, shape, parameters, flops, memory }: Prediction): Record<string, unknown> {
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
    parameters: {
      total,
      groups,
      formula: parameters.total.formula,
      numbers: parameters.total.numbers,
      terms: parameters.groups,
      documents: parameters.documents,
    },
    flops: Object.fromEntries(flopEntries),
    memory: Object.fromEntries(Object.entries(memory.totals).map(([category, { value }]) => [category, value])),
    memoryTerms: memory.terms,
  };
}

/** The prediction for people: lines of text. */
export function predictionLines(prediction: Prediction, palette: Palette, width = 100): string[] {
  const { card } = prediction;
  const section = (title: string, lines: readonly string[]) => ['', palette.strong(title), ...lines];
  return [
    palette.strong(card.name),
    ...flowed(describeCard(card).split(' · '), width),
    ...section('Parameters', parameterRows(prediction, palette, width)),
    ...section(flopsTitle(prediction), flopRows(prediction, palette, width)),
    ...section(
      'Memory of a training step in float32, by the equations of decoder-only',
      memoryRows(prediction, palette, width),
    ),
    '',
    ...letterLines(prediction, width).map(palette.quiet),
    palette.quiet('A multiply-add is 2 FLOPs; MB is 10⁶ bytes.'),
    palette.quiet('Not in it: temporaries and constants, which depend on the backend.'),
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

function flopRows({ flops, shape }: Prediction, palette: Palette, width: number): string[] {
  const tokens = shape.batch * shape.sequence;
  const counts = FORMULA_CONVENTIONS.map((convention) => flops[convention]);
  const forward = counts.map((count) => count.forward.value);
  const both = counts.map((count) => count.forwardBackward.value);
  const passes = inOneUnit([...forward, ...both], 'FLOP', 4);
  const perToken = inOneUnit(
    both.map((value) => Number(value) / tokens),
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
    FORMULA_CONVENTIONS.map((convention, at) => [
      convention,
      passes.texts[at]!,
      passes.texts[at + forward.length]!,
      perToken.texts[at]!,
      `${counts[at]!.forwardBackward.formula}\n${palette.quiet(CONVENTION_MEANINGS[convention])}`,
    ]),
    palette,
    width,
  );
}

/** What a memory term is, in words: the reason of an adjustment, or else its source. */
const explain = (memoryTerm: MemoryTerm) => ('reason' in memoryTerm ? `${memoryTerm.reason}` : shortSource(memoryTerm));

/** The source without the document's name, which stands in the title. */
const shortSource = ({ source }: MemoryTerm) => source.replace('decoder-only ', '');

function memoryRows({ memory }: Prediction, palette: Palette, width: number): string[] {
  const rows: { name: string; value: bigint; formula: string; note: string }[] = [];
  const bySize = (a: Count, b: Count) => (a.value < b.value ? 1 : -1);
  for (const [category, terms] of Object.entries(memory.terms) as [PredictedCategory, readonly MemoryTerm[]][]) {
    const single = terms.length === 1 ? terms[0] : undefined;
    rows.push({
      name: category,
      value: memory.totals[category].value,
      formula: single?.formula ?? (terms.length === 0 ? '0' : 'sum of'),
      note: single ? shortSource(single) : '',
    });
    if (single) continue;
    for (const part of [...terms].sort(bySize)) {
      rows.push({ name: `  ${part.id}`, value: part.value, formula: part.formula, note: explain(part) });
    }
  }
  const { unit, texts } = inOneUnit(
    rows.map(({ value }) => value),
    'B',
    4,
  );
  return table(
    [{ title: 'category' }, { title: unit, align: 'right' }, { title: 'formula' }, { title: '' }],
    rows.map(({ name, formula, note }, at) => [name, texts[at]!, formula, palette.quiet(note)]),
    palette,
    width,
  );
}

/** "A 8 heads · B 1 batch · …": the letters of the formulas with their values. */
function letterLines({ card, shape }: Prediction, width: number): string[] {
  const values: Letters = {
    ...shapeLetters(card, shape),
    M: matmulParameters(card),
    N: countParameters(card).total,
    p: 4n,
  };
  return flowed(
    Object.entries(LETTER_MEANINGS).map(([letter, meaning]) => `${letter} ${meaning} ${show(values[letter]!)}`),
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
