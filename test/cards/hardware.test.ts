// Hardware cards: what the shipped ones say, and what is refused in one sentence.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatOf, type HardwareJson, peakOf, resolveHardware } from '../../src/cards/hardware.ts';
import { hardwareNames, loadHardware } from '../../src/node/hardware.ts';
import { inUnit } from '../../src/terms/quantities.ts';
import { UserError } from '../../src/terms/user-error.ts';

const minimal: HardwareJson = {
  title: 'an accelerator',
  peakFlops: { fp32: 1e12 },
  memoryBytes: 2 ** 30,
  memoryBandwidth: 1e11,
  link: { name: 'PCIe', bytesPerSecond: 1e10 },
  interNode: { name: 'Ethernet', bytesPerSecond: 1e9 },
  gpusPerNode: 1,
  source: 'a datasheet',
};

describe('shipped hardware', () => {
  it.each([
    'a100',
    'a100-40gb',
    'b200',
    'h100',
    'h100-pcie',
    'h200',
    'l4',
    'rtx4090',
    'tpu-v4',
    'tpu-v5e',
    'tpu-v5p',
    'v100',
    'v100s',
  ])('%s is complete, survives JSON, and its links are slower than its memory', (name) => {
    const card = loadHardware(name);
    expect(hardwareNames()).toContain(name);
    expect(resolveHardware(JSON.parse(JSON.stringify(card)), 'another')).toEqual(card);
    expect(peakOf(card, 'mixed').value).toBeGreaterThan(1e14);
    expect(card.link.bytesPerSecond).toBeLessThan(card.memoryBandwidth);
    expect(card.interNode.bytesPerSecond).toBeLessThanOrEqual(card.link.bytesPerSecond);
    expect(card.source).not.toBe('');
  });

  // Peaks in TFLOP/s without sparsity, memory in GiB, bandwidths in GB/s: the columns of datasheets, sparsity halved.
  it.each([
    ['v100', 125, 32, 900, 150],
    ['a100-40gb', 312, 40, 1555, 300],
    ['a100', 312, 80, 2039, 300],
    ['h100', 989.4, 80, 3350, 450],
    ['h100-pcie', 756, 80, 2000, 64],
    ['h200', 989.4, 141, 4800, 450],
    ['b200', 2250, 180, 8000, 900],
    ['l4', 121, 24, 300, 32],
    ['rtx4090', 165.2, 24, 1008, 32],
    ['tpu-v4', 275, 32, 1228, 300],
    ['tpu-v5e', 197, 16, 819, 200],
    ['tpu-v5p', 459, 95, 2765, 600],
  ])('%s: %s TFLOP/s, %s GiB, %s GB/s, link %s GB/s one way', (name, teraflops, gibibytes, bandwidth, link) => {
    const card = loadHardware(name);
    expect(peakOf(card, 'mixed').value / 1e12).toBeCloseTo(teraflops, 6);
    expect(inUnit({ unit: 'bytes', value: BigInt(card.memoryBytes) }, 'GiB').value).toBe(gibibytes);
    expect(card.memoryBandwidth / 1e9).toBeCloseTo(bandwidth, 6);
    expect(card.link.bytesPerSecond / 1e9).toBeCloseTo(link, 6);
  });

  it('D11: 300 GB/s one way is NVLink on the A100, 16 GB/s is PCIe on the V100S; the NVLink of a V100 has 150', () => {
    expect(loadHardware('a100').link).toMatchObject({ bytesPerSecond: 300e9, name: expect.stringContaining('NVLink') });
    expect(loadHardware('v100s').link).toMatchObject({ bytesPerSecond: 16e9, name: expect.stringContaining('PCIe') });
    expect(loadHardware('v100').link).toMatchObject({ bytesPerSecond: 150e9, name: expect.stringContaining('NVLink') });
  });

  it('mixed precision is bf16 where there is bf16, and fp16 on Volta', () => {
    expect(formatOf(loadHardware('a100'), 'mixed')).toBe('bf16');
    expect(formatOf(loadHardware('v100'), 'mixed')).toBe('fp16');
  });
});

describe('bad input', () => {
  const sentence = (act: () => unknown) => {
    try {
      act();
    } catch (error) {
      expect(error).toBeInstanceOf(UserError);
      return (error as Error).message;
    }
    throw new Error('nothing was refused');
  };

  it.each([
    ['h10', /^Unknown hardware 'h10': did you mean h100, .*\?$/],
    ['A100', /^Unknown hardware 'A100': did you mean a100, /],
    ['', /^Unknown hardware '': did you mean /],
  ])('hardware %j', (name, expected) => {
    expect(sentence(() => loadHardware(name))).toMatch(expected);
  });

  it.each([
    [
      { memoryBytes: -1 },
      "Hardware card 'x': 'memoryBytes' is -1 and must be a whole number from 1048576 to 1125899906842624.",
    ],
    [{ memoryBandwidth: 0 }, /'memoryBandwidth' is 0 and must be a number from 1000000 to 10000000000000000\.$/],
    [{ memoryBandwidth: 1e30 }, /'memoryBandwidth' is 1e\+30 and must be a number from 1000000/],
    [{ memoryBytes: 80 }, /'memoryBytes' is 80 and must be a whole number from 1048576/],
    [{ peakFlops: { bf16: 312 } }, /'peakFlops\.bf16' is 312 and must be a number from 1000000/],
    [{ gpusPerNode: 2.5 }, /'gpusPerNode' is 2\.5 and must be a whole number/],
    [{ peakFlops: { fp32: -5 } }, /'peakFlops\.fp32' is -5 and must be a number from 1000000/],
    [{ peakFlops: { bf17: 1e12 } }, /there is no key 'peakFlops\.bf17'; did you mean 'peakFlops\.bf16'/],
    [{ peakFlops: {} }, /'peakFlops' is empty and must have at least one of fp32, bf16, fp16 and int8\.$/],
    [{ link: undefined }, /'link' is missing; it must be an object with name, bytesPerSecond\.$/],
    [{ pricePerHour: { dollars: 2 } }, /'pricePerHour\.source' is missing/],
  ])('a card with %j', (change, expected) => {
    expect(sentence(() => resolveHardware({ ...minimal, ...change }, 'x'))).toMatch(expected);
  });

  it('a precision without a published peak names those that there are', () => {
    expect(sentence(() => peakOf(loadHardware('tpu-v4'), 'fp32'))).toBe(
      "The hardware 'tpu-v4' has no published peak in fp32; choose the precision mixed or int8.",
    );
    expect(sentence(() => peakOf(loadHardware('v100'), 'int8'))).toContain('choose the precision fp32 or mixed.');
  });
});

describe('a card of one’s own', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hardware-'));
    writeFileSync(join(folder, 'mine.json'), JSON.stringify(minimal));
    writeFileSync(join(folder, 'broken.json'), '{');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is read from a file and named after it', () => {
    expect(loadHardware(join(folder, 'mine.json'))).toEqual({ ...minimal, name: 'mine' });
  });

  it.each([
    ['broken.json', /is not JSON/],
    ['missing.json', /cannot be read: there is no such file/],
  ])('%s is refused', (file, expected) => {
    expect(() => loadHardware(join(folder, file))).toThrow(expected);
  });
});
