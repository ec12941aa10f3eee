// Embeddings: token ids to rows of a table, and positions added to them.
import type { Tensor } from '@tensorflow/tfjs-core';
import { differentiable } from '../engine/differentiable.ts';
import { inTerm } from '../engine/scope.ts';
import { add } from '../kernels/elementwise.ts';
import { addRowsById, gatherRows } from '../kernels/gather.ts';
import { sum } from '../kernels/reduce.ts';
import { identity, pad, reshape, slice } from '../kernels/shape.ts';

/**
 * Rows of the token table. Saves nothing: the ids belong to the batch. The gradient adds rows into a table of zeros.
 * @param table [vocabulary, hidden]
 * @param ids [rows] int32
 * @returns [rows, hidden]
 */
export function tokenEmbedding(table: Tensor, ids: Tensor): Tensor {
  return differentiable([table], {
    term: 'embedding.token',
    forward: () => gatherRows(table, ids),
    backward: (dy) => [inTerm('embedding.token/dw', () => addRowsById(dy, ids, table.shape[0]!))],
  });
}

/**
 * Adds to every position its row of a learned table.
 * @param x [batch·sequence, hidden]
 * @param table [context, hidden]
 * @param sequence positions in each sequence; sequence + offset ≤ context
 * @param offset position of the first token (not 0 while decoding with a cache)
 * @returns [batch·sequence, hidden]
 */
export function positionEmbedding(x: Tensor, table: Tensor, sequence: number, offset: number): Tensor {
  const [rows, hidden] = x.shape as [number, number];
  const [context] = table.shape as [number];
  const batched = [rows / sequence, sequence, hidden];
  return differentiable([x, table], {
    term: 'embedding.position',
    forward: () => {
      const positions = slice(table, [offset, 0], [sequence, hidden]);
      return reshape(add(reshape(x, batched), positions), [rows, hidden]);
    },
    backward: (dy) => {
      const dx = identity(dy);
      return inTerm('embedding.position/dw', () => {
        const used = sum(reshape(dy, batched), 0);
        const after = context - offset - sequence;
        return [
          dx,
          offset + after > 0
            ? pad(used, [
                [offset, after],
                [0, 0],
              ])
            : used,
        ];
      });
    },
  });
}

/**
 * Adds a fixed table of positions (sinusoidal), which has no gradient.
 * @param x [batch·sequence, hidden]
 * @param table [sequence, hidden]
 */
export function fixedPositions(x: Tensor, table: Tensor): Tensor {
  const [sequence, hidden] = table.shape as [number, number];
  return differentiable([x], {
    term: 'embedding.position',
    forward: () => reshape(add(reshape(x, [x.shape[0]! / sequence, sequence, hidden]), table), [x.shape[0]!, hidden]),
    backward: (dy) => [identity(dy)],
  });
}

/**
 * Sinusoidal positions (Vaswani et al. 2017): sin and cos of position / 10000^(2j/hidden) in columns 2j and 2j + 1, j from 0.
 * @returns row-major [sequence, hidden]
 */
export function sinusoidalTable(sequence: number, hidden: number, theta: number, offset = 0): Float32Array {
  const table = new Float32Array(sequence * hidden);
  for (let s = 0; s < sequence; s++) {
    for (let column = 0; column < hidden; column += 2) {
      const angle = (offset + s) / theta ** (column / hidden);
      table[s * hidden + column] = Math.sin(angle);
      table[s * hidden + column + 1] = Math.cos(angle);
    }
  }
  return table;
}
