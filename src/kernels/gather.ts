// Rows picked from a table by their numbers, and the reverse: rows added into a table by their numbers.
import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import { bytesOf, declareKernel, sizeOf, type TensorSpec } from './declaration.ts';
import { run } from './run.ts';
import { cast } from './shape.ts';

const gatherKernel = declareKernel({
  name: 'GatherV2',
  inputs: ['x', 'indices'],
  outputs: ({ inputs: [x, indices] }): TensorSpec[] => [
    { shape: [...indices!.shape, ...x!.shape.slice(1)], dtype: x!.dtype },
  ],
  flops: () => 0n,
  // Only the rows that are asked for are read, not the table.
  bytes: ({ inputs: [x, indices] }) => {
    const rows = bytesOf({ shape: [sizeOf(indices!.shape), ...x!.shape.slice(1)], dtype: x!.dtype });
    return { read: rows + bytesOf(indices!), written: rows };
  },
});

const segmentSumKernel = declareKernel({
  name: 'UnsortedSegmentSum',
  inputs: ['x', 'segmentIds'],
  outputs: ({ inputs: [x], attributes }): TensorSpec[] => [
    { shape: [attributes.numSegments as number, ...x!.shape.slice(1)], dtype: x!.dtype },
  ],
  flops: ({ inputs: [x] }) => BigInt(sizeOf(x!.shape)),
});

const oneHotKernel = declareKernel({
  name: 'OneHot',
  inputs: ['indices'],
  outputs: ({ inputs: [indices], attributes }): TensorSpec[] => [
    { shape: [...indices!.shape, attributes.depth as number], dtype: 'int32' },
  ],
  flops: () => 0n,
});

/** Rows of zeros with a one at each id: `ids` [n] → float32 [n, depth]. Cast, because tfjs's wasm kernel writes integers whatever it is asked for. */
export const oneHot = (ids: Tensor, depth: number): Tensor =>
  tidy(() => cast(run(oneHotKernel, { indices: ids }, { depth, onValue: 1, offValue: 0, dtype: 'int32' }), 'float32'));

/** Rows `ids` [n] of `table` [rows, width] → [n, width]. Every id must be in [0, rows): backends differ in what they check. */
export const gatherRows = (table: Tensor, ids: Tensor): Tensor =>
  run(gatherKernel, { x: table, indices: ids }, { axis: 0, batchDims: 0 });

/** `result[ids[i]] += x[i]` over zeros: `x` [n, width], `ids` [n] → [rows, width]. */
export const addRowsById = (x: Tensor, ids: Tensor, rows: number): Tensor =>
  run(segmentSumKernel, { x, segmentIds: ids }, { numSegments: rows });
