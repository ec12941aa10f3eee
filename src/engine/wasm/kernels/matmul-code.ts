// The matrix product in WebAssembly: operands are packed into panels that fit the caches, then multiplied tile by tile in registers.
// The scheme is Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008).
import { type Body, I32, type Program, Vector } from '../language.ts';

/** Columns of one register tile: two vectors. */
const tileColumns = 8;
/** Rows of one register tile: with fused multiply-add 12 sums, 2 columns and 1 row fill V8's 15 registers; without, a product needs one more. */
export const tileRows = (fused: boolean): number => (fused ? 6 : 5);
/** Largest depth, rows and columns of what is packed at once: together half a megabyte, for the second-level cache. */
export const blockDepth = 256;
export const blockRows = 240;
export const blockColumns = 256;

const rowsBytes = blockDepth * blockRows * 4;
const columnsBytes = blockDepth * blockColumns * 4;
const tileOffset = rowsBytes + columnsBytes;
/** Bytes of scratch memory that a thread needs: the packed rows, the packed columns, and one tile for the ragged edges. */
export const matmulScratch = tileOffset + 6 * tileColumns * 4;

/**
 * Packs `count` × `depth` elements into panels [panel][depth][width], missing elements zero, where the element (index, k) of the source lies at
 * `index + k·stride` (in floats): consecutive in memory are elements of one k.
 */
function packAlong(program: Program, name: string, width: number): void {
  program.add(name, 'iiiii', (f, source, stride, count, depth, target) => {
    const rowBytes = f.let(stride.floats());
    f.for(0, count, width, (first) => {
      const from = f.let(source.add(first.floats()));
      const left = f.let(count.sub(first));
      const end = f.let(target.add(depth.mul(width * 4)));
      f.if(
        left.ge(width),
        () => {
          f.while(target, end, width * 4, () => {
            for (let lane = 0; lane + 4 <= width; lane += 4) f.store(target, from.loadVector(lane * 4), lane * 4);
            for (let lane = width - (width % 4); lane < width; lane++)
              f.store(target, from.loadF32(lane * 4), lane * 4);
            f.set(from, from.add(rowBytes));
          });
        },
        () => {
          f.while(target, end, width * 4, () => {
            f.zeroBytes(target, I32.of(width * 4));
            f.copyBytes(target, from, left.floats());
            f.set(from, from.add(rowBytes));
          });
        },
      );
    });
  });
}

/** Packs as packAlong does, where the element (index, k) lies at `index·stride + k`: consecutive in memory are elements of one index. */
function packAcross(program: Program, name: string, width: number): void {
  program.add(name, 'iiiii', (f, source, stride, count, depth, target) => {
    const rowBytes = f.let(stride.floats());
    f.for(0, count, width, (first) => {
      const left = f.let(count.sub(first));
      f.if(left.lt(width), () => f.zeroBytes(target, depth.mul(width * 4)));
      f.for(0, left.min(width), 1, (index) => {
        const from = f.let(source.add(first.add(index).mul(rowBytes)));
        const to = f.let(target.add(index.floats()));
        const k = f.let(I32.of(0));
        f.while(k, depth.sub(3), 4, () => {
          const four = f.let(from.loadVector());
          for (let lane = 0; lane < 4; lane++) f.storeLane(to, four, lane, lane * width * 4);
          f.set(from, from.add(16));
          f.set(to, to.add(width * 16));
        });
        f.while(k, depth, 1, () => {
          f.store(to, from.loadF32());
          f.set(from, from.add(4));
          f.set(to, to.add(width * 4));
        });
      });
      f.set(target, target.add(depth.mul(width * 4)));
    });
  });
}

/** One register tile: target[rows, 8] (+)= packed rows · packed columns over `depth`; `stride` is the target's row length in bytes. */
function tile(program: Program, rows: number): void {
  program.add('matmul.tile', 'iiiiii', (f, left, right, depth, target, stride, accumulate) => {
    const address = f.let(I32.of(0));
    const sums = Array.from({ length: rows }, () => [f.let(Vector.of(0)), f.let(Vector.of(0))] as const);
    const eachRow = (statements: (low: (typeof sums)[0][0], high: (typeof sums)[0][1]) => void) => {
      f.set(address, target);
      for (const [low, high] of sums) {
        statements(low, high);
        f.set(address, address.add(stride));
      }
    };
    f.if(accumulate, () =>
      eachRow((low, high) => {
        f.set(low, address.loadVector(0));
        f.set(high, address.loadVector(16));
      }),
    );
    const [low, high, row] = [f.let(Vector.of(0)), f.let(Vector.of(0)), f.let(Vector.of(0))];
    // Not unrolled: V8 moves all loads of a block before all sums, and what does not fit the registers then goes through memory.
    f.for(0, depth, 1, () => {
      f.set(low, right.loadVector(0));
      f.set(high, right.loadVector(16));
      for (const [index, [sumLow, sumHigh]] of sums.entries()) {
        f.set(row, left.loadSplat(index * 4));
        f.set(sumLow, f.multiplyAdd(row, low, sumLow));
        f.set(sumHigh, f.multiplyAdd(row, high, sumHigh));
      }
      f.set(left, left.add(rows * 4));
      f.set(right, right.add(tileColumns * 4));
    });
    eachRow((low, high) => {
      f.store(address, low, 0);
      f.store(address, high, 16);
    });
  });
}

/** Copies, or adds, the part of the scratch tile that lies inside the target. */
function edge(program: Program): void {
  program.add('matmul.edge', 'iiiiii', (f, tile, target, stride, rows, columns, accumulate) => {
    f.for(0, rows, 1, (row) => {
      f.for(0, columns, 1, (column) => {
        const value = f.let(
          tile
            .add(row.mul(tileColumns * 4))
            .add(column.floats())
            .loadF32(),
        );
        const place = f.let(target.add(row.mul(stride)).add(column.floats()));
        f.if(accumulate, () => f.set(value, value.add(place.loadF32())));
        f.store(place, value);
      });
    });
  });
}

/** Multiplies all packed rows by all packed columns into the target. */
function block(program: Program, rows: number): void {
  program.add('matmul.block', 'iiiiii', (f, target, stride, rowCount, columnCount, depth, accumulate) => {
    const packedRows = f.scratch;
    const packedColumns = f.scratch.add(rowsBytes);
    f.for(0, columnCount, tileColumns, (column) => {
      const right = f.let(packedColumns.add(column.mul(depth).floats()));
      f.for(0, rowCount, rows, (row) => {
        const left = f.let(packedRows.add(row.mul(depth).floats()));
        const place = f.let(target.add(row.mul(stride)).add(column.floats()));
        f.if(
          row.add(rows).le(rowCount).and(column.add(tileColumns).le(columnCount)),
          () => f.call('matmul.tile', left, right, depth, place, stride, accumulate),
          () => {
            const corner = f.scratch.add(tileOffset);
            f.call('matmul.tile', left, right, depth, corner, I32.of(tileColumns * 4), I32.of(0));
            const rowsLeft = rowCount.sub(row).min(rows);
            const columnsLeft = columnCount.sub(column).min(tileColumns);
            f.call('matmul.edge', corner, place, stride, rowsLeft, columnsLeft, accumulate);
          },
        );
      });
    });
  });
}

/** Packs with one of two functions, depending on which way the operand lies in memory. */
function pack(
  f: Body,
  along: I32,
  width: string,
  source: I32,
  stride: I32,
  index: I32,
  k: I32,
  count: I32,
  depth: I32,
  to: I32,
) {
  f.if(
    along,
    () => f.call(`matmul.pack-along-${width}`, source.add(k.mul(stride).add(index).floats()), stride, count, depth, to),
    () =>
      f.call(`matmul.pack-across-${width}`, source.add(index.mul(stride).add(k).floats()), stride, count, depth, to),
  );
}

/**
 * Adds `matmul`: a work item is one block of at most blockRows × blockColumns of one matrix of the batch.
 * Parameters: addresses of a, b and the target; M, N, K; whether a and b are transposed; the floats from one matrix of the batch to the next in a and b;
 * rows and columns of a work item; from, to.
 */
export function matmulCode(program: Program): void {
  const rows = tileRows(program.fused);
  packAlong(program, 'matmul.pack-along-rows', rows);
  packAlong(program, 'matmul.pack-along-columns', tileColumns);
  packAcross(program, 'matmul.pack-across-rows', rows);
  packAcross(program, 'matmul.pack-across-columns', tileColumns);
  tile(program, rows);
  edge(program);
  block(program, rows);
  program.add('matmul', 'iiiiiiiiiiiiii', (f, ...parameters) => {
    const [a, b, target, m, n, k, transposeA, transposeB, batchA, batchB, itemRows, itemColumns, from, to] = parameters;
    const rowItems = f.let(m.add(itemRows).sub(1).div(itemRows));
    const columnItems = f.let(n.add(itemColumns).sub(1).div(itemColumns));
    const items = f.let(rowItems.mul(columnItems));
    const stride = f.let(n.floats());
    f.for(from, to, 1, (item) => {
      const batch = f.let(item.div(items));
      const row = f.let(item.rem(items).div(columnItems).mul(itemRows));
      const column = f.let(item.rem(columnItems).mul(itemColumns));
      const rowCount = f.let(m.sub(row).min(itemRows));
      const columnCount = f.let(n.sub(column).min(itemColumns));
      const sourceA = f.let(a.add(batch.mul(batchA).floats()));
      const sourceB = f.let(b.add(batch.mul(batchB).floats()));
      const place = f.let(target.add(batch.mul(m).add(row).mul(stride)).add(column.floats()));
      const strideA = f.let(k);
      f.if(transposeA, () => f.set(strideA, m));
      const strideB = f.let(n);
      f.if(transposeB, () => f.set(strideB, k));
      f.for(0, k, blockDepth, (start) => {
        const depth = f.let(k.sub(start).min(blockDepth));
        pack(f, transposeA, 'rows', sourceA, strideA, row, start, rowCount, depth, f.scratch);
        pack(
          f,
          transposeB.eq(0),
          'columns',
          sourceB,
          strideB,
          column,
          start,
          columnCount,
          depth,
          f.scratch.add(rowsBytes),
        );
        f.call('matmul.block', place, stride, rowCount, columnCount, depth, I32.of(0).lt(start));
      });
    });
  });
}
