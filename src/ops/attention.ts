// Scaled dot-product attention with fewer key/value heads than query heads where the model says so (MHA, GQA, MQA in one op).
import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import { scalar } from '../engine/constants.ts';
import { differentiable } from '../engine/differentiable.ts';
import { type DropoutSeed, dropoutMask } from '../engine/random-kernels.ts';
import { currentScope, inTerm, withScope } from '../engine/scope.ts';
import { add, multiply, sub } from '../kernels/elementwise.ts';
import { matMul } from '../kernels/matmul.ts';
import { softmax, sum } from '../kernels/reduce.ts';
import { concat, reshape, slice, transpose } from '../kernels/shape.ts';
import { applyMask } from './dropout.ts';
import { type RotaryTables, rotate } from './rotary.ts';

export interface AttentionSettings {
  readonly batch: number;
  readonly sequence: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  /** Added to the scores: 0 where attended, very negative elsewhere; [sequence, sequence]. */
  readonly mask: Tensor;
  readonly rotary?: RotaryTables;
  readonly dropout?: { readonly rate: number; readonly seed: DropoutSeed };
  /**
   * What the backward pass finds saved: the softmax's output as the documents' (2.5) has it, [batch, heads, sequence, sequence], or
   * nothing quadratic: the probabilities are then computed again from q and k, bit for bit the same.
   */
  readonly keep: 'probabilities' | 'nothing-quadratic';
}

/**
 * softmax(q·kᵀ/√headSize + mask)·v for every head. The query heads that share a key/value head are folded into the rows of one
 * product, so k and v are never repeated.
 * @param qkv [batch·sequence, (heads + 2·kvHeads)·headSize], columns q | k | v
 * @returns [batch·sequence, heads·headSize]
 */
export function attention(qkv: Tensor, settings: AttentionSettings): Tensor {
  const stream = `${currentScope().module}/dropout.attention`;
  return differentiable([qkv], {
    term: 'attention.scores',
    forward: (save) => {
      const { q, k, v } = splitHeads(qkv, settings);
      const weights = probabilities(q, k, settings);
      const dropped = inTerm('dropout.attention', () => drop(weights, settings, stream));
      const out = inTerm('attention.values', () => mergeHeads(matMul(fold(dropped.weights, settings), v), settings));
      const quadratic = settings.keep === 'probabilities' ? [weights] : [];
      save(q, k, v, out, ...quadratic, ...(dropped.mask ? [dropped.mask] : []));
      return out;
    },
    backward: (dy, [q, k, v, out, ...rest]) => {
      const mask = settings.dropout ? rest.pop() : undefined;
      const weights = rest.pop() ?? recompute(q!, k!, settings);
      return [gradient(dy, { q: q!, k: k!, v: v!, out: out!, weights, mask }, settings)];
    },
  });
}

/** q scaled by 1/√headSize and folded [batch, kvHeads, group·sequence, headSize]; k, v [batch, kvHeads, sequence, headSize]. */
function splitHeads(qkv: Tensor, settings: AttentionSettings): { q: Tensor; k: Tensor; v: Tensor } {
  const { batch, sequence, heads, kvHeads, headSize, rotary } = settings;
  const rows = transpose(reshape(qkv, [batch, sequence, heads + 2 * kvHeads, headSize]), [0, 2, 1, 3]);
  const part = (from: number, count: number) => slice(rows, [0, from, 0, 0], [batch, count, sequence, headSize]);
  const turned = (x: Tensor) => (rotary ? inTerm('attention.rotary', () => rotate(x, rotary)) : x);
  const q = fold(multiply(turned(part(0, heads)), scalar(headSize ** -0.5)), settings);
  return { q, k: turned(part(heads, kvHeads)), v: part(heads + kvHeads, kvHeads) };
}

/** [batch, heads, sequence, n] as [batch, kvHeads, group·sequence, n]: the same memory. */
function fold(x: Tensor, { batch, sequence, heads, kvHeads }: AttentionSettings): Tensor {
  return reshape(x, [batch, kvHeads, (heads / kvHeads) * sequence, x.shape.at(-1)!]);
}

/** [batch, kvHeads, group·sequence, n] as [batch, heads, sequence, n]: the same memory. */
function unfold(x: Tensor, { batch, sequence, heads }: AttentionSettings): Tensor {
  return reshape(x, [batch, heads, sequence, x.shape.at(-1)!]);
}

/** [batch, heads, sequence, sequence]: each query's weights over the positions it attends to. */
function probabilities(q: Tensor, k: Tensor, settings: AttentionSettings): Tensor {
  const scores = inTerm('attention.scores', () => unfold(matMul(q, k, false, true), settings));
  return inTerm('attention.softmax', () => tidy(() => softmax(add(scores, settings.mask))));
}

/** The forward pass's work once more, and counted as such. */
function recompute(q: Tensor, k: Tensor, settings: AttentionSettings): Tensor {
  return withScope({ phase: 'recompute' }, () => tidy(() => probabilities(q, k, settings)));
}

function drop(weights: Tensor, { dropout }: AttentionSettings, stream: string): { weights: Tensor; mask?: Tensor } {
  if (!dropout) return { weights };
  const mask = dropoutMask(weights.shape, dropout.rate, dropout.seed, stream);
  return { weights: applyMask(weights, mask, dropout.rate), mask };
}

/** [batch, kvHeads, group·sequence, headSize] → [batch·sequence, heads·headSize]. */
function mergeHeads(x: Tensor, settings: AttentionSettings): Tensor {
  const { batch, sequence, heads, headSize } = settings;
  return reshape(transpose(unfold(x, settings), [0, 2, 1, 3]), [batch * sequence, heads * headSize]);
}

interface Saved {
  q: Tensor;
  k: Tensor;
  v: Tensor;
  out: Tensor;
  weights: Tensor;
  mask: Tensor | undefined;
}

/**
 * The gradient of qkv. With P the weights, dS = P ∘ (dP − rowsum(dP ∘ P)), and rowsum(dP ∘ P) = rowsum(dy ∘ out) over a head's
 * columns (Dao et al. 2022, appendix B), which spares a pass over the quadratic matrix.
 */
function gradient(dy: Tensor, { q, k, v, out, weights, mask }: Saved, settings: AttentionSettings): Tensor {
  const { batch, sequence, heads, headSize, kvHeads, dropout, rotary } = settings;
  const byHead = (x: Tensor) => transpose(reshape(x, [batch, sequence, heads, headSize]), [0, 2, 1, 3]);

  const [dv, dweights] = stage('attention.values/dx', () => {
    const dout = fold(byHead(dy), settings); // [batch, kvHeads, group·sequence, headSize]
    const kept = mask ? applyMask(weights, mask, dropout!.rate) : weights;
    const dkept = unfold(matMul(dout, v, false, true), settings);
    return [matMul(fold(kept, settings), dout, true, false), mask ? applyMask(dkept, mask, dropout!.rate) : dkept];
  });

  const [dscores] = stage('attention.softmax/dx', () => {
    const rowSums = sum(reshape(multiply(dy, out), [batch, sequence, heads, headSize]), 3); // [batch, sequence, heads]
    const perRow = reshape(transpose(rowSums, [0, 2, 1]), [batch, heads, sequence, 1]);
    return [fold(multiply(weights, sub(dweights!, perRow)), settings)];
  });
  dweights!.dispose();

  const [dq, dk] = stage('attention.scores/dx', () => [
    unfold(multiply(matMul(dscores!, k), scalar(headSize ** -0.5)), settings),
    matMul(dscores!, q, true, false),
  ]);
  dscores!.dispose();

  const turnedBack = (x: Tensor) => (rotary ? stage('attention.rotary/dx', () => [rotate(x, rotary, true)])[0]! : x);
  const parts = [turnedBack(dq!), turnedBack(dk!), dv!];
  return inTerm('attention.scores/dx', () => {
    const rows = transpose(concat(parts, 1), [0, 2, 1, 3]);
    return reshape(rows, [batch * sequence, (heads + 2 * kvHeads) * headSize]);
  });
}

/** A part of the gradient as a term of its own; what it leaves behind is disposed at once, for some of it is quadratic. */
const stage = (term: string, body: () => Tensor[]): Tensor[] => inTerm(term, () => tidy(body));

/** 0 on and below the diagonal, −10⁹ above: position s attends to s' ≤ s. [sequence, sequence]; the caller owns it. */
export function causalMask(sequence: number): Float32Array {
  const mask = new Float32Array(sequence * sequence);
  for (let row = 0; row < sequence; row++) mask.fill(-1e9, row * sequence + row + 1, (row + 1) * sequence);
  return mask;
}
