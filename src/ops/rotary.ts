// Rotary position embeddings (Su et al. 2021) in the half-split layout: element j turns with element j + headSize/2.
import type { Tensor } from '@tensorflow/tfjs-core';
import { add, multiply, negative, sub } from '../kernels/elementwise.ts';
import { concat, slice } from '../kernels/shape.ts';
import { upload } from '../kernels/upload.ts';

/** Cosines and sines of the rotation angles, each [sequence, headSize / 2]. */
export interface RotaryTables {
  readonly cos: Tensor;
  readonly sin: Tensor;
}

export interface RopeSettings {
  readonly theta: number;
  readonly scaling: {
    readonly factor: number;
    readonly lowFrequencyFactor: number;
    readonly highFrequencyFactor: number;
    readonly originalContext: number;
  } | null;
}

/**
 * Angular frequencies θ^(−2j/headSize), j = 0 … headSize/2 − 1, in float32 steps as transformers computes them. Llama 3.1's scaling
 * divides the slow ones by `factor`, keeps the fast ones, and blends between (Llama 3 herd of models, 2024).
 */
export function rotaryFrequencies({ theta, scaling }: RopeSettings, headSize: number): Float64Array {
  const frequencies = new Float64Array(headSize / 2);
  for (let j = 0; j < frequencies.length; j++) {
    const frequency = Math.fround(1 / Math.fround(theta ** Math.fround((2 * j) / headSize)));
    frequencies[j] = scaling ? Math.fround(stretch(frequency, scaling)) : frequency;
  }
  return frequencies;
}

function stretch(frequency: number, scaling: NonNullable<RopeSettings['scaling']>): number {
  const { factor, lowFrequencyFactor, highFrequencyFactor, originalContext } = scaling;
  const turns = (originalContext * frequency) / (2 * Math.PI); // within the original context
  if (turns < lowFrequencyFactor) return frequency / factor;
  if (turns > highFrequencyFactor) return frequency;
  const smooth = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
  return ((1 - smooth) * frequency) / factor + smooth * frequency;
}

/** The tables for positions offset … offset + sequence − 1. The caller owns them. */
export function rotaryTables(settings: RopeSettings, headSize: number, sequence: number, offset = 0): RotaryTables {
  const frequencies = rotaryFrequencies(settings, headSize);
  const half = frequencies.length;
  const table = (of: (angle: number) => number) => () => {
    const values = new Float32Array(sequence * half);
    for (let s = 0; s < sequence; s++) {
      for (let j = 0; j < half; j++) values[s * half + j] = of(Math.fround((offset + s) * frequencies[j]!));
    }
    return values;
  };
  return { cos: upload([sequence, half], table(Math.cos)), sin: upload([sequence, half], table(Math.sin)) };
}

/**
 * Turns every pair (x[j], x[j + headSize/2]) by its position's angle. Runs kernels; is part of the attention op, not an op itself.
 * @param x [batch, heads, sequence, headSize]
 * @param inverse turn back: the gradient of a rotation is the opposite rotation
 */
export function rotate(x: Tensor, { cos, sin }: RotaryTables, inverse = false): Tensor {
  const [batch, heads, sequence, headSize] = x.shape as [number, number, number, number];
  const half = headSize / 2;
  const size = [batch, heads, sequence, half];
  const first = slice(x, [0, 0, 0, 0], size);
  const second = slice(x, [0, 0, 0, half], size);
  const turn = inverse ? negative(sin) : sin;
  return concat(
    [sub(multiply(first, cos), multiply(second, turn)), add(multiply(second, cos), multiply(first, turn))],
    3,
  );
}
