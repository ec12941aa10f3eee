// The hardware card of the machine one sits at: what `yarn doctor` measured last, kept in the cache folder.
import { existsSync } from 'node:fs';
import { type HardwareCard, type HardwareJson, resolveHardware } from '../cards/hardware.ts';
import { joinPath } from '../formats/storage.ts';
import { cacheFolder } from './cache.ts';
import { readJsonFile } from './json-file.ts';
import { nodeStorage } from './storage.ts';

const file = () => joinPath(cacheFolder(), 'this-machine.json');

export interface Measured {
  readonly processor: string;
  /** which backend was measured, with its version */
  readonly backend: string;
  readonly flopsPerSecond: number;
  readonly bytesPerSecond: number;
  readonly memoryBytes: number;
  /** ISO date */
  readonly date: string;
}

/** A card from measurements: float32 products and memory; a single machine has no links. */
export function machineCard(measured: Measured): HardwareCard {
  const { processor, backend, flopsPerSecond, bytesPerSecond, memoryBytes, date } = measured;
  const none = { name: 'none: one machine', bytesPerSecond };
  const json: HardwareJson = {
    title: `${processor}, measured with ${backend}`,
    peakFlops: { fp32: flopsPerSecond },
    memoryBytes: Math.round(memoryBytes),
    memoryBandwidth: bytesPerSecond,
    link: none,
    interNode: none,
    gpusPerNode: 1,
    source: `yarn doctor, ${date}`,
  };
  return resolveHardware(json, 'this');
}

/** Keeps the measurements of `yarn doctor` for `--hardware this`. */
export async function keepThisMachine(measured: Measured): Promise<void> {
  await nodeStorage.makeFolder(cacheFolder());
  await nodeStorage.write(file(), new TextEncoder().encode(`${JSON.stringify(machineCard(measured), null, 2)}\n`));
}

/** The card of this machine, or undefined where `yarn doctor` has not been run. */
export function thisMachine(): HardwareCard | undefined {
  return existsSync(file()) ? resolveHardware(readJsonFile(file(), 'measured hardware'), 'this') : undefined;
}
