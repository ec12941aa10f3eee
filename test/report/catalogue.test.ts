// `yarn list` as lines and as a document: the hardware section.
import { describe, expect, it } from 'vitest';
import { hardwareNames, loadHardware } from '../../src/node/hardware.ts';
import { catalogueDocument, catalogueLines } from '../../src/report/catalogue.ts';
import { palette } from '../../src/report/palette.ts';

const hardware = hardwareNames().map(loadHardware);
const catalogue = { models: [], datasets: [], hardware, backends: [] };

describe('hardware in the catalogue', () => {
  const lines = catalogueLines(catalogue, palette(false), 100);
  const row = (name: string) => lines.find((line) => line.startsWith(`${name} `));

  it('has one line for each card, within 100 columns', () => {
    for (const { name, title } of hardware) expect(row(name)).toContain(title);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  it('shows peaks in TFLOP/s, memory in GiB, rates in GB/s and a price, each where it was published', () => {
    expect(row('h100')?.split(/\s{2,}/)).toEqual([
      ...['h100', '989', '66.9', '1,979', '80.0 GiB', '3,350', '450', '2.90'],
      'NVIDIA H100 SXM5, 80 GB',
    ]);
    expect(row('v100')?.split(/\s{2,}/)).toEqual([
      ...['v100', '125', '15.7', '32.0 GiB', '900', '150'],
      'NVIDIA V100 SXM2, 32 GB',
    ]);
  });

  it('is whole in the document', () => {
    expect(catalogueDocument(catalogue).hardware).toEqual(hardware);
  });
});
