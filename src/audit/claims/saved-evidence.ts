// What the measured bytes of saved activations say about the documents' formulas: coefficients of D and of A·S, powers of each size.
import type { BlockPart } from '../measurements/model-runs.ts';
import type { SavedActivations } from '../measurements/saved-activations.ts';

type Part = SavedActivations['parts'][number];
type Keep = Part['keep'];
type Size = 'batch' | 'sequence' | 'hidden' | 'heads' | 'width';

/** The sizes that were measured: a base, and each size doubled once. */
const BASE = { batch: 2, sequence: 12, hidden: 32, heads: 4, width: 128 } as const;
export type Sizes = typeof BASE;

/** Saved bytes of one part of a block, at the base or with one size doubled. */
export function savedBytes(saved: SavedActivations, part: BlockPart, keep: Keep, dropout: boolean, doubled?: Size) {
  const sizes: Record<Size, number> = { ...BASE, ...(doubled && { [doubled]: 2 * BASE[doubled] }) };
  const found = saved.parts.find(
    (row) =>
      row.part === part &&
      row.keep === keep &&
      row.dropout === dropout &&
      (Object.keys(sizes) as Size[]).every((size) => row[size] === sizes[size]),
  );
  if (!found) throw new Error(`the kept measurement has no ${part} with ${doubled ?? 'nothing'} doubled`);
  return found.bytes;
}

/** Bytes = B·S·(a·D + b·A·S): the two coefficients, from two sequence lengths. */
export function coefficients(saved: SavedActivations, part: BlockPart, keep: Keep, dropout: boolean) {
  const { batch, sequence, hidden, heads } = BASE;
  const once = savedBytes(saved, part, keep, dropout);
  const twice = savedBytes(saved, part, keep, dropout, 'sequence');
  const linear = (4 * once - twice) / (2 * sequence);
  const quadratic = (twice - 2 * once) / (2 * sequence ** 2);
  return { ofD: linear / (batch * hidden), ofAS: quadratic / (batch * heads) };
}

/** The powers with which attention's bytes grow: of B in all, of D in the part linear in S, of A in the quadratic part. */
export function exponents(saved: SavedActivations): Record<string, number> {
  const bytes = (doubled?: Size) => savedBytes(saved, 'attention', 'probabilities', true, doubled);
  const { ofD, ofAS } = coefficients(saved, 'attention', 'probabilities', true);
  const { batch, sequence, hidden, heads } = BASE;
  const linear = ofD * batch * sequence * hidden;
  const quadratic = ofAS * batch * sequence ** 2 * heads;
  const power = (doubled: number, once: number) => Math.log2(doubled / once);
  return {
    'B, in all': power(bytes('batch'), bytes()),
    'D, in what is linear in S': power(bytes('hidden') - quadratic, linear),
    'A, in what is quadratic in S': power(bytes('heads') - linear, quadratic),
    'L, in all': 1 + power(layersOf(saved, 4), 2 * blockBytes(saved)),
  };
}

/** One whole block of the base, without dropout, as the sum of its parts. */
const blockBytes = (saved: SavedActivations) =>
  (['attention', 'mlp', 'norm', 'norm'] as const)
    .map((part) => savedBytes(saved, part, 'nothing-quadratic', false))
    .reduce((sum, bytes) => sum + bytes, 0);

/** What a model with `layers` layers keeps beyond one with the two of its card. */
function layersOf(saved: SavedActivations, layers: number): number {
  const model = (set: string) =>
    saved.models.find(
      (row) =>
        row.card === 'gpt-debug' &&
        row.keep === 'nothing-quadratic' &&
        row.sequence === BASE.sequence &&
        row.set === set,
    )!.bytes;
  return model(`layers=${layers}`) - model('');
}
