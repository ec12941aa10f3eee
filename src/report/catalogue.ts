// What there is to choose from: model cards, datasets, hardware and backends as tables, and as one document for machines.
import type { HardwareCard } from '../cards/hardware.ts';
import type { ModelCard } from '../cards/model-card.ts';
import type { DatasetCard } from '../data/dataset-card.ts';
import type { BackendAvailability } from '../engine/backends.ts';
import { countParameters } from '../theory/parameters.ts';
import { bytes, bytesBinary, significant, thousands } from './format.ts';
import type { Palette } from './palette.ts';
import { table } from './table.ts';

/** Models below this many parameters are listed as those to train on an ordinary machine. */
const LARGEST_TO_TRAIN = 100_000_000n;

export interface Catalogue {
  readonly models: readonly ModelCard[];
  readonly datasets: readonly DatasetCard[];
  readonly hardware: readonly HardwareCard[];
  readonly backends: readonly BackendAvailability[];
}

/** The catalogue for programs. */
export function catalogueDocument({ models, datasets, hardware, backends }: Catalogue): Record<string, unknown> {
  return {
    models: byFamily(models).map((card) => ({ parameters: countParameters(card).total, ...card })),
    datasets,
    hardware,
    backends,
  };
}

/** The catalogue for people: lines of text. */
export function catalogueLines(catalogue: Catalogue, palette: Palette, width = 100): string[] {
  const small = catalogue.models.filter((card) => countParameters(card).total < LARGEST_TO_TRAIN);
  const large = catalogue.models.filter((card) => !small.includes(card));
  const section = (title: string, lines: readonly string[]) => [palette.strong(title), ...lines];
  return [
    ...section('Models to train here   --arch NAME', modelRows(small, palette, width)),
    '',
    ...section('Published models   --arch NAME', modelRows(large, palette, width)),
    '',
    ...section('Datasets   --dataset NAME, file:PATH or dir:PATH', datasetRows(catalogue.datasets, palette, width)),
    '',
    ...section('Hardware to predict and plan for   --hardware NAME', hardwareRows(catalogue.hardware, palette, width)),
    '',
    ...section(
      'Backends   --backend auto takes the fastest that works',
      backendRows(catalogue.backends, palette, width),
    ),
  ];
}

const family = ({ name }: ModelCard) => name.split('-')[0]!;

/** Families in alphabetical order, the smallest model of each first. */
function byFamily(models: readonly ModelCard[]): ModelCard[] {
  const sized = models.map((card) => ({ card, total: countParameters(card).total }));
  sized.sort((a, b) => family(a.card).localeCompare(family(b.card)) || (a.total < b.total ? -1 : 1));
  return sized.map(({ card }) => card);
}

function modelRows(models: readonly ModelCard[], palette: Palette, width: number): string[] {
  const heads = ({ heads, kvHeads }: ModelCard) => (kvHeads === heads ? String(heads) : `${heads}/${kvHeads}`);
  return table(
    [
      { title: 'name' },
      { title: 'parameters', align: 'right' },
      { title: 'layers', align: 'right' },
      { title: 'hidden', align: 'right' },
      { title: 'heads/KV', align: 'right' },
      { title: 'context', align: 'right' },
      { title: 'what it is' },
    ],
    byFamily(models).map((card) => [
      card.name,
      thousands(countParameters(card).total),
      String(card.layers),
      thousands(card.hidden),
      heads(card),
      thousands(card.context),
      card.title,
    ]),
    palette,
    width,
  );
}

/** The licence without the remark in brackets behind it. */
const licence = (card: DatasetCard) => card.licence.replace(/ \(.*\)$/, '');

function datasetRows(datasets: readonly DatasetCard[], palette: Palette, width: number): string[] {
  const size = ({ source }: DatasetCard) => ('bytes' in source ? bytes(source.bytes) : '');
  return table(
    [
      { title: 'name' },
      { title: 'size', align: 'right' },
      { title: 'tokenizer' },
      { title: 'licence' },
      { title: 'what it is' },
    ],
    datasets.map((card) => [card.name, size(card), card.tokenizer, licence(card), card.title]),
    palette,
    width,
  );
}

/** Peaks in TFLOP/s, rates in GB/s: one unit down each column. A peak that was never published is left empty. */
function hardwareRows(hardware: readonly HardwareCard[], palette: Palette, width: number): string[] {
  const tera = (value: number | undefined) => (value === undefined ? '' : significant(value / 1e12));
  const giga = (value: number) => significant(value / 1e9);
  return table(
    [
      { title: 'name' },
      { title: '16-bit TFLOP/s', align: 'right' },
      { title: 'fp32', align: 'right' },
      { title: 'int8', align: 'right' },
      { title: 'memory', align: 'right' },
      { title: 'GB/s', align: 'right' },
      { title: 'link GB/s', align: 'right' },
      { title: '$/h', align: 'right' },
      { title: 'what it is' },
    ],
    hardware.map(({ name, title, peakFlops, memoryBytes, memoryBandwidth, link, pricePerHour }) => [
      name,
      tera(peakFlops.bf16 ?? peakFlops.fp16),
      tera(peakFlops.fp32),
      tera(peakFlops.int8),
      bytesBinary(memoryBytes),
      giga(memoryBandwidth),
      giga(link.bytesPerSecond),
      pricePerHour ? pricePerHour.dollars.toFixed(2) : '',
      title,
    ]),
    palette,
    width,
  );
}

function backendRows(backends: readonly BackendAvailability[], palette: Palette, width: number): string[] {
  return table(
    [{ title: 'name' }, { title: 'works here' }, { title: 'what it is' }],
    backends.map(({ name, available, what, reason, fix }) => [
      name,
      available ? 'yes' : palette.warning('no'),
      available ? what : `${what}; ${reason}: ${fix}`,
    ]),
    palette,
    width,
  );
}
