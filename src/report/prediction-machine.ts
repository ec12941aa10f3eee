// A predicted step on one accelerator: whether it fits, the largest batch that does, and the time at an assumed MFU.
import type { Prediction } from '../theory/prediction.ts';
import { bytes, bytesBinary, duration, percent, si, thousands } from './format.ts';
import { type KeyLine, keyLines } from './key-lines.ts';
import type { Palette } from './palette.ts';

type Machine = NonNullable<Prediction['machine']>;

/** For machines: bytes, seconds, shares. */
export function machineDocument({ hardware, fit, time, decode }: Machine): Record<string, unknown> {
  return {
    card: hardware,
    fits: fit.fits,
    memoryBytes: fit.capacity.value,
    share: fit.share,
    largestBatch: fit.largestBatch,
    remedies: fit.remedies.map(({ options, peak }) => ({ options, peak: peak.value })),
    time: {
      seconds: time.seconds.value,
      bound: time.bound,
      tokensPerSecond: time.throughput.value,
      mfu: time.mfu,
      hfu: time.hfu,
      assumedMfu: time.assumed.mfu,
      assumedMfuSource: time.assumed.source,
      peakFlops: time.peak.value,
      floorSeconds: time.floor.value,
      floorMfu: time.floorMfu,
      terms: time.terms.map((term) => ({
        id: term.id,
        flops: term.flops.value,
        bytes: term.bytes.value,
        seconds: term.seconds.value,
        bound: term.bound,
      })),
    },
    ...(decode && { decode: { secondsPerToken: decode.seconds.value, bound: decode.bound } }),
  };
}

export function machineLines({ settings, shape }: Prediction, machine: Machine, palette: Palette, width: number) {
  const { hardware, fit, time, decode } = machine;
  const isInference = settings.precision === 'int8';
  const memory = `${bytes(fit.capacity.value)} (${bytesBinary(fit.capacity.value)})`;
  const verdict = fit.fits ? 'fits' : 'does not fit';
  const bounds = time.terms.map(({ id, bound }) => ({ id, bound }));
  const memoryBound = bounds.filter(({ bound }) => bound === 'memory').map(({ id }) => id);
  const entries: KeyLine[] = [
    {
      label: 'memory',
      items: [fit.fits ? verdict : palette.warning(verdict), `peak is ${percent(fit.share)} of ${memory}`],
    },
    { label: 'largest batch', items: [largestBatchWords(fit.largestBatch, shape.sequence)] },
    ...(fit.fits ? [] : [{ label: 'would fit', items: remedyWords(machine), separator: ' · ' }]),
    {
      label: isInference ? 'time' : 'time per step',
      items: [
        `${duration(time.seconds.value)}${isInference ? ' to read the prompts' : ''}`,
        `${si(time.throughput.value, 'tokens/s')}`,
        `MFU ${percent(time.mfu)}`,
        ...(isInference ? [] : [`HFU ${percent(time.hfu)}`]),
      ],
      formula: time.bound === 'assumed MFU' ? 'executed FLOPs / (assumed MFU · peak)' : 'the floor: more than assumed',
    },
    {
      label: 'assumed',
      items: [`MFU ${percent(time.assumed.mfu)} of ${si(time.peak.value, 'FLOP/s')}`, ...sources(time.assumed.source)],
      separator: '; ',
    },
    {
      label: 'floor',
      items: [`${duration(time.floor.value)}`, `an MFU of ${percent(time.floorMfu)} at most`],
      formula: 'roofline: sum over terms of max(FLOPs / peak, bytes / bandwidth)',
    },
    ...(decode
      ? [
          {
            label: 'next token',
            items: [duration(decode.seconds.value), `bound by ${decode.bound}`],
            formula: 'roofline',
          },
        ]
      : []),
    {
      label: 'memory bound',
      items: memoryBound.length > 0 ? memoryBound : ['no product'],
      separator: ', ',
    },
  ];
  return [palette.strong(`On one ${hardware.title}`), ...keyLines(entries, palette, width)];
}

const sources = (source: string) => source.split('; ');

const largestBatchWords = (batch: number, sequence: number) =>
  batch === 0
    ? `not even one sequence of ${thousands(sequence)} tokens`
    : `${thousands(batch)} × ${thousands(sequence)} tokens`;

const remedyWords = ({ fit, hardware }: Machine) =>
  fit.remedies.length > 0
    ? fit.remedies.map(({ options, peak }) => `${options} (${bytes(peak.value)})`)
    : ['nothing on one accelerator', `several: yarn plan --hardware ${hardware.name} --gpus N`];
