// What inference computes and moves: prefill, decoding with a cache, and the same without one, term by term.
import type { ModelCard } from '../cards/model-card.ts';
import type { Letters } from '../terms/formula.ts';
import { type Term, term, totalTerm } from '../terms/term.ts';
import type { ForwardTerm } from '../terms/vocabulary.ts';
import { type Request, requestLetters, type Serving } from './inference-letters.ts';

/** How attention is counted: every query against all keys of its pass, or only against those up to itself. */
export type AttentionCount = 'full' | 'causal';

/** The ways through a model. `naive` generates all tokens without a cache: each is a forward pass over all before it. */
export type Stage = 'prefill' | 'decode' | 'naive';

/** One term of a stage: what all devices compute and move for it together. */
export interface WorkTerm {
  readonly id: ForwardTerm;
  readonly flops: Term<'FLOPs', ForwardTerm>;
  /** Weights once per pass, activations once in and once out, the cache as far as it is read or written. */
  readonly bytes: Term<'bytes', ForwardTerm>;
}

/** A stage in parts and together. */
export interface StageWork {
  readonly stage: Stage;
  readonly terms: readonly WorkTerm[];
  readonly flops: Term<'FLOPs', Stage>;
  readonly bytes: Term<'bytes', Stage>;
  /** Sent by all devices in the all-reduces behind attention and MLP; 0 on one device. */
  readonly sent: Term<'bytes', 'communication'>;
  /** The documents' approximation of the FLOPs. */
  readonly documents: Term<'FLOPs', Stage>;
}

/** Sums over the passes of a stage, as formulas: passes, tokens read, pairs of query and key, keys read from the cache. */
interface Passes {
  readonly passes: string;
  readonly tokens: string;
  readonly pairs: string;
  readonly cached: string;
  readonly documents: string;
}

const SUM_OF_LENGTHS = '(n·S + n(n − 1)/2)';

function passesOf(stage: Stage, attention: AttentionCount): Passes {
  switch (stage) {
    case 'prefill': {
      const pairs = attention === 'full' ? 'S²' : '(S(S + 1)/2)';
      return { passes: '1', tokens: 'S', pairs, cached: '0', documents: '2B·S·N' };
    }
    case 'decode': {
      const pairs = '(n·S + n(n + 1)/2)';
      return { passes: 'n', tokens: 'n', pairs, cached: pairs, documents: '2B·n·N' };
    }
    case 'naive': {
      const squares = '(n·S² + S·n(n − 1) + n(n − 1)(2n − 1)/6)';
      const pairs = attention === 'full' ? squares : `((${squares} + ${SUM_OF_LENGTHS})/2)`;
      return { passes: 'n', tokens: SUM_OF_LENGTHS, pairs, cached: '0', documents: `2B·N·${SUM_OF_LENGTHS}` };
    }
  }
}

const times = (formula: string, factor: string) => (factor === '1' ? formula : `${formula}·${factor}`);

/** Keys (or values) that a stage reads and writes. */
const cacheTraffic = ({ tokens, cached }: Passes) => (cached === '0' ? tokens : `(${tokens} + ${cached})`);

/** A product with `inner`·`columns` weights, read once per pass, for `rows` rows of activations in each of `layers`. */
function weightProduct(id: ForwardTerm, [inner, columns]: [string, string], layers: string, rows: string, of: Passes) {
  return {
    id,
    flops: times(`2B·${layers && `${layers}·`}${inner}·${columns}`, rows),
    bytes:
      `p·${times(`${layers && `${layers}·`}${inner}·${columns}`, of.passes)} + ` +
      times(`a·B${layers && `·${layers}`}(${inner} + ${columns})`, rows),
  };
}

/** Scores or values: one operand is the cache. Nothing of the size of all pairs touches memory, as in FlashAttention. */
function cacheProduct(id: ForwardTerm, of: Passes) {
  return {
    id,
    flops: `2B·L·A·H·${of.pairs}`,
    bytes: `a·B·L·A·H·${of.tokens} + c·B·L·G·H·${cacheTraffic(of)}`,
  };
}

/**
 * The work of one stage of `request`: a prefill of the prompt, `generated` passes of one token each behind it, or the same
 * generation without a cache. Logits are computed for the last token of each pass only. Element-wise work is left out.
 * @throws UserError for counts that are none, or devices that cannot share the model
 */
export function stageWork(
  card: ModelCard,
  stage: Stage,
  request: Request,
  serving: Serving = {},
  attention: AttentionCount = 'full',
): StageWork {
  const letters = requestLetters(card, request, serving);
  const passes = passesOf(stage, attention);
  const { tokens, pairs } = passes;
  const inBlocks = (id: ForwardTerm, shape: [string, string]) => weightProduct(id, shape, 'L', tokens, passes);
  const products = [
    inBlocks('attention.qkv', ['D', 'H(A + 2g)']),
    cacheProduct('attention.scores', passes),
    cacheProduct('attention.values', passes),
    inBlocks('attention.projection', ['A·H', 'D']),
    inBlocks('mlp.up', ['D', 'F']),
    ...(card.mlp.kind === 'swiglu' ? [inBlocks('mlp.gate', ['D', 'F'])] : []),
    inBlocks('mlp.down', ['F', 'D']),
    weightProduct('head.logits', ['D', 'V'], '', passes.passes, passes),
  ];
  const source = stage === 'naive' ? 'decoder-only 7, naive inference' : 'decoder-only 6 and 7';
  const terms = products.map(({ id, flops, bytes }) => ({
    id,
    flops: term(id, 'FLOPs', flops, letters, source),
    bytes: term(id, 'bytes', bytes, letters, `${source}, every operand once`),
  }));
  const flops = `2B·M·${tokens} + 4B·L·A·H·${pairs} + ${times('2B·V·D', passes.passes)}`;
  return {
    stage,
    terms,
    flops: totalTerm(
      stage,
      terms.map((part) => part.flops),
      'FLOPs',
      flops,
      letters,
      source,
    ),
    bytes: totalBytes(card, stage, terms, passes, letters),
    sent: term('communication', 'bytes', `4a·B·L·D(T − 1)${tokens}`, letters, 'decoder-only 2.2, B: ring all-reduce'),
    documents: term(stage, 'FLOPs', passes.documents, letters, source),
  };
}

/** The bytes of all terms under one formula: weights per pass, the cache, the activations between them. */
function totalBytes(
  card: ModelCard,
  stage: Stage,
  terms: readonly WorkTerm[],
  of: Passes,
  letters: Letters,
): Term<'bytes', Stage> {
  const widths = `2D + H(A + 2g) + 3A·H + ${card.mlp.kind === 'swiglu' ? '3D + 3F' : '2D + 2F'}`;
  const formula = [
    times('p(M + V·D)', of.passes),
    `2c·B·L·G·H·${cacheTraffic(of)}`,
    `a·B·L(${widths})${of.tokens}`,
    times('a·B(D + V)', of.passes),
  ].join(' + ');
  const parts = terms.map(({ bytes }) => bytes);
  return totalTerm(stage, parts, 'bytes', formula, letters, 'decoder-only 7, every operand once');
}
