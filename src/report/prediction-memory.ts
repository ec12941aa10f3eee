// The memory of a predicted step: every category with its terms, the peak, and how the documents count the states.
import type { Count } from '../terms/quantities.ts';
import { MEMORY_CATEGORIES, type MemoryCategory } from '../terms/vocabulary.ts';
import { STATE_MEANINGS, type StateCount } from '../theory/precision.ts';
import type { Prediction } from '../theory/prediction.ts';
import type { MemoryTerm } from '../theory/training-memory.ts';
import { inOneUnit } from './format.ts';
import type { Palette } from './palette.ts';
import { table } from './table.ts';

/** `memory.<category>` and `memory.peak` in bytes; terms, phases and the documents' conventions beside it. */
export function memoryDocument({ memory, states }: Prediction): Record<string, unknown> {
  const { totals, terms, peak, documents } = memory;
  return {
    memory: {
      ...Object.fromEntries(MEMORY_CATEGORIES.map((category) => [category, totals[category].value])),
      peak: peak.total.value,
    },
    memoryTerms: terms,
    memoryDocuments: documents.value,
    memoryPeak: {
      phase: peak.phase,
      phases: Object.fromEntries(peak.phases.map(({ phase, total }) => [phase, total.value])),
    },
    ...(states && {
      states: Object.fromEntries(
        states.map(({ convention, parameters, gradients, optimizer, total }) => [
          convention,
          {
            parameters: parameters.value,
            gradients: gradients.value,
            optimizer: optimizer.value,
            total: total.value,
            meaning: STATE_MEANINGS[convention],
          },
        ]),
      ),
    }),
  };
}

const KEEPS_WORDS = {
  none: 'nothing recomputed',
  selective: 'attention recomputed',
  full: 'blocks recomputed',
  probabilities: 'probabilities kept',
  'nothing-quadratic': 'probabilities recomputed, as yarn train does',
} as const;

export function memoryTitle({ settings }: Prediction): string {
  const { precision, keeps, attention } = settings;
  if (precision === 'int8') return 'Memory of inference with int8 weights and 16-bit activations';
  const words = [precision === 'mixed' ? 'mixed precision' : 'float32', KEEPS_WORDS[keeps]];
  return `Memory of a training step: ${[...words, ...(attention === 'flash' ? ['flash attention'] : [])].join(', ')}`;
}

/** What a memory term is, in words: the reason of an adjustment, or else its source. */
const explain = (row: MemoryTerm) => ('reason' in row ? `${row.reason}` : shortSource(row));

const shortSource = ({ source }: MemoryTerm) => source.replace('decoder-only ', '');

interface Row {
  readonly name: string;
  readonly value: bigint;
  readonly formula: string;
  readonly note: string;
}

const NOTES: Partial<Record<MemoryCategory, string>> = {
  temporaries: 'at their fullest',
  kvCache: 'of generation, not of this step',
};

/** A category with its terms below; terms that take each other back exactly are left out. */
function categoryRows(category: MemoryCategory, total: bigint, terms: readonly MemoryTerm[], note: string): Row[] {
  const bySize = (a: Count, b: Count) => (a.value < b.value ? 1 : -1);
  const single = terms.length === 1 ? terms[0] : undefined;
  if (single) {
    const words = [note, shortSource(single)].filter(Boolean).join('; ');
    return [{ name: category, value: total, formula: single.formula, note: words }];
  }
  const negated = new Set(terms.map(({ formula }) => formula));
  const cancels = ({ formula }: MemoryTerm) =>
    negated.has(`-(${formula})`) || (formula.startsWith('-(') && negated.has(formula.slice(2, -1)));
  const shown = terms.filter((row) => !cancels(row)).sort(bySize);
  return [
    { name: category, value: total, formula: terms.length === 0 ? '0' : 'sum of', note },
    ...shown.map((row) => ({ name: `  ${row.id}`, value: row.value, formula: row.formula, note: explain(row) })),
  ];
}

export function memoryRows({ memory, settings }: Prediction, palette: Palette, width: number): string[] {
  const { totals, terms, peak, documents } = memory;
  const isInference = settings.precision === 'int8';
  const categories = MEMORY_CATEGORIES.filter((category) => terms[category].length > 0 || !isInference);
  const rows: Row[] = [
    ...categories.flatMap((category) => {
      const note = isInference && category === 'kvCache' ? '' : (NOTES[category] ?? '');
      return categoryRows(category, totals[category].value, terms[category], note);
    }),
    ...(isInference
      ? []
      : [
          {
            name: 'Mem_training',
            value: documents.value,
            formula: 'parameters + gradients',
            note: "+ optimizer + savedActivations: the documents' sum, of all at once",
          },
        ]),
    {
      name: 'peak',
      value: peak.total.value,
      formula: 'persistent + max over phases',
      note: `fullest: ${PHASE_WORDS[peak.phase] ?? peak.phase}`,
    },
  ];
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

const PHASE_WORDS: Record<string, string> = {
  loss: 'while the loss is made',
  backward: 'at the start of the backward pass',
  backwardEnd: 'at the end of the backward pass',
  optimizer: 'in the update',
};

/** Parameters, gradients and optimizer by each document's convention. */
export function stateRows(states: readonly StateCount[], palette: Palette, width: number): string[] {
  const { unit, texts } = inOneUnit(
    states.flatMap(({ parameters, gradients, optimizer, total }) =>
      [parameters, gradients, optimizer, total].map(({ value }) => value),
    ),
    'B',
    4,
  );
  return table(
    [
      { title: 'convention' },
      { title: `parameters, ${unit}`, align: 'right' },
      { title: 'gradients', align: 'right' },
      { title: 'optimizer', align: 'right' },
      { title: 'together', align: 'right' },
      { title: '' },
    ],
    states.map(({ convention }, at) => [
      convention,
      ...texts.slice(4 * at, 4 * at + 4),
      palette.quiet(STATE_MEANINGS[convention]),
    ]),
    palette,
    width,
  );
}
