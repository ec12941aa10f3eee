// Which tensors of Hugging Face's make up each of our weights, as data, and the copying in both directions.
import type { ModelCard } from '../cards/model-card.ts';
import { type WeightShape, weightShapes } from '../cards/weights.ts';
import type { HuggingFaceKind } from './hugging-face-config.ts';
import { elementsOf } from './safetensors-header.ts';

/** One tensor of Hugging Face's: all of one of our weights, or some of its columns. */
export interface HuggingFacePart {
  /** With the prefix that a saved language model has: `transformer.h.0.attn.c_attn.weight`. */
  readonly name: string;
  /** As Hugging Face stores it. */
  readonly shape: readonly number[];
  /** Whether it is stored `[out, in]`, ours being `[in, out]`. */
  readonly transposed: boolean;
  /**
   * Set where a fused q, k, v is stored head by head (head 0's q, k and v, then head 1's …) and ours is all q, then all k, then all
   * v: GPT-BigCode without multi-query attention.
   */
  readonly perHead?: { readonly heads: number; readonly headSize: number };
}

/** One of our weights and the tensors that hold it, side by side along its last axis. */
export interface HuggingFaceMapping {
  readonly name: string;
  readonly shape: readonly number[];
  readonly parts: readonly HuggingFacePart[];
}

/** A tensor with its values. */
export interface NamedTensor {
  name: string;
  shape: readonly number[];
  data: Float32Array<ArrayBuffer>;
}

interface Layout {
  /** What stands before every name but the head's. */
  prefix: string;
  /** The list of blocks. */
  blocks: string;
  /** Whether linear layers are `[out, in]`, as in torch.nn.Linear; GPT-2's Conv1D is `[in, out]`. */
  linearIsOutIn: boolean;
  /** Hugging Face's modules by ours; several where they are separate there and one here. */
  modules: Record<string, readonly string[]>;
}

const GPT_MODULES = {
  'embedding.token': ['wte'],
  'embedding.position': ['wpe'],
  norm1: ['ln_1'],
  'attention.qkv': ['attn.c_attn'],
  'attention.projection': ['attn.c_proj'],
  norm2: ['ln_2'],
  'mlp.up': ['mlp.c_fc'],
  'mlp.down': ['mlp.c_proj'],
  norm: ['ln_f'],
};

const LLAMA: Layout = {
  prefix: 'model.',
  blocks: 'layers',
  linearIsOutIn: true,
  modules: {
    'embedding.token': ['embed_tokens'],
    norm1: ['input_layernorm'],
    'attention.qkv': ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'],
    'attention.projection': ['self_attn.o_proj'],
    norm2: ['post_attention_layernorm'],
    'mlp.up': ['mlp.up_proj'],
    'mlp.gate': ['mlp.gate_proj'],
    'mlp.down': ['mlp.down_proj'],
    norm: ['norm'],
  },
};

const LAYOUTS: Record<HuggingFaceKind, Layout> = {
  gpt2: { prefix: 'transformer.', blocks: 'h', linearIsOutIn: false, modules: GPT_MODULES },
  gpt_bigcode: { prefix: 'transformer.', blocks: 'h', linearIsOutIn: true, modules: GPT_MODULES },
  llama: LLAMA,
  mistral: LLAMA,
};

/** The part of a name that a model saved without its head leaves out. */
export const huggingFacePrefix = (kind: HuggingFaceKind): string => LAYOUTS[kind].prefix;

/** Every weight of the card, in the order of `weightShapes`, with the tensors that hold it in a model of this kind. */
export function huggingFaceMappings(kind: HuggingFaceKind, card: ModelCard): HuggingFaceMapping[] {
  return weightShapes(card).map((weight) => huggingFaceMapping(kind, card, weight));
}

function huggingFaceMapping(kind: HuggingFaceKind, card: ModelCard, { name, shape }: WeightShape): HuggingFaceMapping {
  const layout = LAYOUTS[kind];
  const [, block, module = '', ending = 'weight'] = OUR_NAME.exec(name) ?? [];
  const modules = module === 'head' ? ['lm_head'] : layout.modules[module];
  if (modules === undefined) throw new Error(`huggingFaceMappings: a ${kind} model has no '${name}'`);
  const place = module === 'head' ? '' : `${layout.prefix}${block === undefined ? '' : `${layout.blocks}.${block}.`}`;
  const suffix = ending === 'bias' || ending === 'shift' ? 'bias' : 'weight';

  const transposed = layout.linearIsOutIn && shape.length === 2 && LINEAR.test(module);
  const widths = modules.length === 1 ? [shape.at(-1)!] : qkvWidths(card);
  const { heads, kvHeads, headSize } = card;
  const perHead = kind === 'gpt_bigcode' && module === 'attention.qkv' && kvHeads === heads;
  const parts = modules.map((hfModule, index): HuggingFacePart => {
    const ours = [...shape.slice(0, -1), widths[index]!];
    return {
      name: `${place}${hfModule}.${suffix}`,
      shape: transposed ? ours.reverse() : ours,
      transposed,
      ...(perHead && { perHead: { heads, headSize } }),
    };
  });
  return { name, shape, parts };
}

/** `blocks.3.attention.qkv.weight` is block 3, module `attention.qkv`, ending `weight`; `embedding.token` has no ending. */
const OUR_NAME = /^(?:blocks\.(\d+)\.)?(.+?)(?:\.(weight|bias|scale|shift))?$/;
const LINEAR = /^(attention|mlp)\./;

const qkvWidths = ({ heads, kvHeads, headSize }: ModelCard): number[] =>
  [heads, kvHeads, kvHeads].map((count) => count * headSize);

/**
 * One of our weights from the tensors that hold it.
 * @param readPart the values of a part, in Hugging Face's layout; called once for each, one after the other
 * @returns values of the mapping's shape
 */
export async function fromHuggingFace(
  mapping: HuggingFaceMapping,
  readPart: (part: HuggingFacePart) => Float32Array<ArrayBuffer> | Promise<Float32Array<ArrayBuffer>>,
): Promise<Float32Array<ArrayBuffer>> {
  const [only] = mapping.parts;
  if (mapping.parts.length === 1 && only && isSameLayout(only)) return readPart(only);
  const ours = new Float32Array(elementsOf(mapping.shape));
  for (const [part, offset] of withOffsets(mapping)) {
    const theirs = await readPart(part);
    forEachElement(mapping, part, offset, (ourIndex, theirIndex) => {
      ours[ourIndex] = theirs[theirIndex]!;
    });
  }
  return ours;
}

/**
 * One of our weights, or its gradient, as Hugging Face's tensors.
 * @param ours values of the mapping's shape
 */
export function toHuggingFace(mapping: HuggingFaceMapping, ours: Float32Array<ArrayBuffer>): NamedTensor[] {
  if (ours.length !== elementsOf(mapping.shape)) {
    throw new Error(
      `toHuggingFace: '${mapping.name}' has shape [${mapping.shape}] but was given ${ours.length} values`,
    );
  }
  return withOffsets(mapping).map(([part, offset]) => {
    if (mapping.parts.length === 1 && isSameLayout(part)) return { name: part.name, shape: part.shape, data: ours };
    const data = new Float32Array(elementsOf(part.shape));
    forEachElement(mapping, part, offset, (ourIndex, theirIndex) => {
      data[theirIndex] = ours[ourIndex]!;
    });
    return { name: part.name, shape: part.shape, data };
  });
}

const isSameLayout = (part: HuggingFacePart): boolean => !part.transposed && part.perHead === undefined;

/** Each part with the column of ours at which it begins. */
function withOffsets(mapping: HuggingFaceMapping): [HuggingFacePart, number][] {
  let offset = 0;
  return mapping.parts.map((part) => {
    const start = offset;
    offset += outWidth(part);
    return [part, start];
  });
}

const outWidth = ({ shape, transposed }: HuggingFacePart): number => (transposed ? shape[0]! : shape.at(-1)!);

/** Walks a part's elements with their places in ours and in Hugging Face's tensor. */
function forEachElement(
  mapping: HuggingFaceMapping,
  part: HuggingFacePart,
  offset: number,
  visit: (ourIndex: number, theirIndex: number) => void,
): void {
  const ourWidth = mapping.shape.at(-1)!;
  const rows = elementsOf(mapping.shape) / ourWidth;
  const width = outWidth(part);
  for (let out = 0; out < width; out++) {
    const theirOut = part.perHead ? perHeadPlace(out, part.perHead) : out;
    for (let row = 0; row < rows; row++) {
      const theirIndex = part.transposed ? theirOut * rows + row : row * width + theirOut;
      visit(row * ourWidth + offset + out, theirIndex);
    }
  }
}

/** Column `out` of (q | k | v, head, element) in the order (head, q | k | v, element). */
function perHeadPlace(out: number, { heads, headSize }: { heads: number; headSize: number }): number {
  const element = out % headSize;
  const head = Math.floor(out / headSize) % heads;
  const third = Math.floor(out / (headSize * heads));
  return (head * 3 + third) * headSize + element;
}
