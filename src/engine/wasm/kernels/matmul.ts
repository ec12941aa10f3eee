// BatchMatMul: batched and transposed products straight from the operands' memory.
import { BatchMatMul, type BatchMatMulAttrs, broadcast_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { type Override, type Runtime, sizeOf } from '../runtime.ts';
import { blockColumns, blockRows, matmulCode, tileRows } from './matmul-code.ts';
import { itemColumns, matvecCode, mostRows } from './matvec-code.ts';

const roundUp = (value: number, multiple: number) => Math.ceil(value / multiple) * multiple;

/** Rows and columns of a work item: as large as the caches allow (less packing), as small as the threads need to share them fairly. */
function itemSize(runtime: Runtime, batch: number, m: number, n: number): [rows: number, columns: number] {
  let rowItems = Math.ceil(m / blockRows);
  let columnItems = Math.ceil(n / blockColumns);
  const wanted = runtime.threads === 1 ? 1 : runtime.threads * 4;
  while (batch * rowItems * columnItems < wanted) {
    const [rows, columns] = [m / rowItems, n / columnItems];
    if (Math.max(rows, columns) < 64) break;
    if (rows >= columns) rowItems++;
    else columnItems++;
  }
  const rows = roundUp(Math.ceil(m / rowItems), tileRows(runtime.fused));
  const columns = roundUp(Math.ceil(n / columnItems), 8);
  return [Math.min(rows, blockRows), Math.min(columns, blockColumns)];
}

export const matmul: Override = {
  kernels: [BatchMatMul],
  code(program) {
    matmulCode(program);
    matvecCode(program);
  },
  kernel: (_, runtime) => (call) => {
    const { a, b } = call.inputs as Record<'a' | 'b', TensorInfo>;
    const { transposeA, transposeB } = call.attrs as unknown as BatchMatMulAttrs;
    const [m, k] = transposeA ? [a.shape.at(-1)!, a.shape.at(-2)!] : [a.shape.at(-2)!, a.shape.at(-1)!];
    const [inner, n] = transposeB ? [b.shape.at(-1)!, b.shape.at(-2)!] : [b.shape.at(-2)!, b.shape.at(-1)!];
    util.assert(
      k === inner && a.dtype === 'float32' && b.dtype === 'float32',
      () =>
        `BatchMatMul: cannot multiply [${a.shape}] ${a.dtype} (transposed: ${transposeA}) by [${b.shape}] ${b.dtype} (${transposeB}).`,
    );
    const [outerA, outerB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
    const [batchA, batchB] = [sizeOf(outerA), sizeOf(outerB)];
    const outer = broadcast_util.assertAndGetBroadcastShape(outerA, outerB);
    const batch = sizeOf(outer);
    util.assert(
      (batchA === batch || batchA === 1) && (batchB === batch || batchB === 1),
      () => `BatchMatMul: cannot broadcast the batches of [${a.shape}] and [${b.shape}].`,
    );
    const target = runtime.output([...outer, m, n]);
    if (batch * m * n === 0) return target;
    if (k === 0) {
      runtime.backend.typedArrayFromHeap(target).fill(0);
      return target;
    }
    const strides = [batchA === 1 ? 0 : m * k, batchB === 1 ? 0 : k * n];
    const addresses = [runtime.pointer(a), runtime.pointer(b), runtime.pointer(target)];
    // The only row of a matrix is contiguous whether it is transposed or not.
    if (m === 1 || (m <= mostRows && !transposeA)) {
      const values = [...addresses, m, n, k, Number(transposeB), ...strides];
      runtime.run('matvec', values, batch * m * Math.ceil(n / itemColumns), k * itemColumns);
      return target;
    }
    const [rows, columns] = itemSize(runtime, batch, m, n);
    const values = [...addresses, m, n, k, Number(transposeA), Number(transposeB), ...strides, rows, columns];
    const items = batch * Math.ceil(m / rows) * Math.ceil(n / columns);
    runtime.runItems('matmul', values, items, Math.max(1, Math.floor(items / (runtime.threads * 8))));
    return target;
  },
};
