// Every op but attention, on every backend: outputs and gradients against float64 loops and finite differences, over random small shapes.
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { uniformInteger } from '../../src/engine/random.ts';
import { dropoutMask, keepProbability } from '../../src/engine/random-kernels.ts';
import { withScope } from '../../src/engine/scope.ts';
import { gelu, geluTanh, relu } from '../../src/ops/activation.ts';
import { crossEntropy } from '../../src/ops/cross-entropy.ts';
import { dropout } from '../../src/ops/dropout.ts';
import { fixedPositions, positionEmbedding, sinusoidalTable, tokenEmbedding } from '../../src/ops/embedding.ts';
import { layerNorm } from '../../src/ops/layer-norm.ts';
import { linear } from '../../src/ops/linear.ts';
import { residual } from '../../src/ops/residual.ts';
import { rmsNorm } from '../../src/ops/rms-norm.ts';
import { swiglu } from '../../src/ops/swiglu.ts';
import { onEveryBackend } from '../support/backend.ts';
import { checkOp, normal } from '../support/check-op.ts';
import * as reference from '../support/reference.ts';

const size = fc.integer({ min: 1, max: 9 });
const seed = fc.integer({ min: 1, max: 1e6 });

/** A few random shapes, the same on every run. */
function forShapes(check: (rows: number, columns: number, seed: number) => void): void {
  fc.assert(fc.property(size, size, seed, check), { numRuns: 5, seed: 7, endOnFailure: true });
}

const idsOf = (count: number, below: number, seed: number) =>
  Int32Array.from({ length: count }, (_, i) => uniformInteger(seed, 'ids', i, below));

onEveryBackend(() => {
  it.each([
    ['plain', false, false],
    ['with bias', true, false],
    ['transposed', false, true],
    ['transposed with bias', true, true],
  ])('linear, %s', (_, withBias, transposed) => {
    forShapes((rows, inner, seed) => {
      const out = 1 + (seed % 7);
      const weight = normal(transposed ? [out, inner] : [inner, out], seed + 1);
      checkOp({
        inputs: [normal([rows, inner], seed), weight, ...(withBias ? [normal([out], seed + 2)] : [])],
        op: (x, weight, bias) => linear('mlp.up', x!, weight!, bias, transposed),
        reference: (x, weight, bias) => reference.linear(x!, weight!, bias, rows, transposed),
      });
    });
  });

  it.each([
    ['layer norm', true, true],
    ['layer norm without shift', true, false],
    ['RMS norm', false, false],
  ])('%s', (_, centre, withShift) => {
    forShapes((rows, half, seed) => {
      const hidden = 2 * half;
      const epsilon = 1e-3;
      checkOp({
        inputs: [
          normal([rows, hidden], seed, 2),
          normal([hidden], seed + 1),
          ...(withShift ? [normal([hidden], seed + 2)] : []),
        ],
        op: (x, scale, shift) => (centre ? layerNorm(x!, scale!, shift, epsilon) : rmsNorm(x!, scale!, epsilon)),
        reference: (x, scale, shift) => reference.norm(x!, scale!, shift, epsilon, centre),
        tolerance: 1e-5,
      });
    });
  });

  it.each([
    ['gelu', gelu, reference.gelu],
    ['gelu-tanh', geluTanh, reference.geluTanh],
    ['relu', relu, reference.relu],
  ] as const)('%s', (_, op, inFloat64) => {
    forShapes((rows, width, seed) => {
      checkOp({ inputs: [normal([rows, width], seed, 1.5)], op: (x) => op(x!), reference: (x) => inFloat64(x!) });
    });
  });

  it('swiglu', () => {
    forShapes((rows, width, seed) => {
      checkOp({
        inputs: [normal([rows, width], seed, 2), normal([rows, width], seed + 1)],
        op: (gate, up) => swiglu(gate!, up!),
        reference: (gate, up) => reference.swiglu(gate!, up!),
      });
    });
  });

  it('residual', () => {
    forShapes((rows, hidden, seed) => {
      checkOp({
        inputs: [normal([rows, hidden], seed), normal([rows, hidden], seed + 1)],
        op: (x, y) => residual(x!, y!),
        reference: (x, y) => x!.map((value, i) => value + y![i]!),
      });
      checkOp({
        inputs: [normal([rows, hidden], seed)],
        op: (x) => residual(x!, x!),
        reference: (x) => x!.map((value) => 2 * value),
      });
    });
  });

  it('token embedding, ids that repeat', () => {
    forShapes((vocabulary, hidden, seed) => {
      const ids = idsOf(7, vocabulary, seed);
      const idTensor = tf.tensor1d(ids, 'int32'); // must outlive the backward pass
      checkOp({
        inputs: [normal([vocabulary, hidden], seed)],
        op: (table) => tokenEmbedding(table!, idTensor),
        reference: (table) => reference.rows(table!, ids, hidden),
      });
      idTensor.dispose();
    });
  });

  it('learned positions, at the start, in the middle and over the whole context', () => {
    forShapes((sequence, hidden, seed) => {
      const [batch, offset, after] = [1 + (seed % 3), seed % 2, seed % 5];
      checkOp({
        inputs: [normal([batch * sequence, hidden], seed), normal([offset + sequence + after, hidden], seed + 1)],
        op: (x, table) => positionEmbedding(x!, table!, sequence, offset),
        reference: (x, table) => reference.addPositions(x!, table!, sequence, hidden, offset),
      });
    });
  });

  it('sinusoidal positions', () => {
    forShapes((sequence, half, seed) => {
      const hidden = 2 * half;
      const table = reference.sinusoids(sequence, hidden, 10_000);
      checkOp({
        inputs: [normal([2 * sequence, hidden], seed)],
        op: (x) => fixedPositions(x!, tf.tensor2d(sinusoidalTable(sequence, hidden, 10_000), [sequence, hidden])),
        reference: (x) => reference.addPositions(x!, table, sequence, hidden),
      });
    });
  });

  it('cross-entropy', () => {
    forShapes((rows, vocabulary, seed) => {
      const labels = idsOf(rows, vocabulary, seed);
      checkOp({
        inputs: [normal([rows, vocabulary], seed, 3)],
        op: (logits) => crossEntropy(logits!, tf.tensor1d(labels, 'int32')),
        reference: (logits) => Float64Array.of(reference.crossEntropy(logits!, labels)),
      });
    });
  });

  it('cross-entropy of logits that would overflow a plain exponential', () => {
    tf.tidy(() => {
      const loss = crossEntropy(tf.tensor2d([[200, 0, -200, 199]]), tf.tensor1d([3], 'int32'));
      expect(loss.dataSync()[0]).toBeCloseTo(1 + Math.log1p(Math.exp(-1)), 5);
    });
  });

  it('dropout, by the mask of its module, seed and step', () => {
    forShapes((rows, hidden, seed) => {
      const [rate, counter] = [0.3, { seed, step: 5 }];
      const mask = tf.tidy(() => dropoutMask([rows, hidden], rate, counter, 'blocks.0/dropout.residual').dataSync());
      checkOp({
        inputs: [normal([rows, hidden], seed)],
        op: (x) => withScope({ module: 'blocks.0' }, () => dropout('dropout.residual', x!, rate, counter)),
        reference: (x) => x!.map((value, i) => (mask[i] ? value / keepProbability(rate) : 0)),
      });
    });
  });

  it('dropout hands its input through at rate 0 and without a seed', () => {
    const x = tf.tensor1d([1, 2]);
    expect(dropout('dropout.residual', x, 0, { seed: 1, step: 1 })).toBe(x);
    expect(dropout('dropout.residual', x, 0.5, undefined)).toBe(x);
    x.dispose();
  });
});
