// The gradient of a linear layer, by the documents' two products and by finite differences, on small matrices.

type Matrix = readonly (readonly number[])[];

const multiply = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0]!.map((_, column) => row.reduce((sum, value, at) => sum + value * b[at]![column]!, 0)));

const transpose = (a: Matrix): Matrix => a[0]!.map((_, column) => a.map((row) => row[column]!));

/** Numbers that are nothing in particular. */
const matrix = (rows: number, columns: number, phase: number): Matrix =>
  Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) => Math.sin(phase + 7 * row + 3 * column)),
  );

const shapeOf = (a: Matrix) => [a.length, a[0]!.length] as const;

/** Some smooth loss of Y, and its derivative. */
const loss = (y: Matrix) => y.flat().reduce((sum, value) => sum + value ** 2 / 2 + Math.sin(value), 0);
const lossGradient = (y: Matrix): Matrix => y.map((row) => row.map((value) => value + Math.cos(value)));

/** The largest difference between a gradient and what moving each number of `at` by a little does to `of`. */
function worstDifference(gradient: Matrix, at: Matrix, of: (moved: Matrix) => number): number {
  const step = 1e-5;
  const moved = (row: number, column: number, by: number): Matrix =>
    at.map((values, i) => values.map((value, j) => (i === row && j === column ? value + by : value)));
  const slopes = at.map((values, i) =>
    values.map((_, j) => (of(moved(i, j, step)) - of(moved(i, j, -step))) / (2 * step)),
  );
  return Math.max(...slopes.flatMap((values, i) => values.map((slope, j) => Math.abs(slope - gradient[i]![j]!))));
}

/** Y = X·W with its gradients as Xᵀ·dY and dY·Wᵀ: their shapes, and how far they are from finite differences. */
export function linearGradient() {
  const [rows, inputs, outputs] = [5, 3, 4];
  const x = matrix(rows, inputs, 1);
  const w = matrix(inputs, outputs, 2);
  const dy = lossGradient(multiply(x, w));
  const dw = multiply(transpose(x), dy);
  const dx = multiply(dy, transpose(w));
  return {
    rows,
    inputs,
    outputs,
    dW: { shape: shapeOf(dw), worst: worstDifference(dw, w, (moved) => loss(multiply(x, moved))) },
    dX: { shape: shapeOf(dx), worst: worstDifference(dx, x, (moved) => loss(multiply(moved, w))) },
  };
}

/**
 * The gradient of z′ = φ(z·W) with φ = tanh, by (3.1) with the index of φ′ as printed (that of the input) and as it must be
 * (that of the output): how far each is from finite differences. W is square, or else the printed one would not even be defined.
 */
export function activatedGradient() {
  const size = 4;
  const z = matrix(3, size, 1);
  const w = matrix(size, size, 2);
  const activated = (x: Matrix, weights: Matrix): Matrix => multiply(x, weights).map((row) => row.map(Math.tanh));
  const sum = (y: Matrix) => loss(y);
  const dy = lossGradient(activated(z, w));
  const slope = multiply(z, w).map((row) => row.map((value) => 1 - Math.tanh(value) ** 2));
  // Σ_j dy_bj·φ′((zW)_b?)·W_ij, with ? = i as printed, j as it must be.
  const gradient = (index: (i: number, j: number) => number): Matrix =>
    z.map((row, b) =>
      row.map((_, i) => dy[b]!.reduce((total, value, j) => total + value * slope[b]![index(i, j)]! * w[i]![j]!, 0)),
    );
  const worst = (index: (i: number, j: number) => number) =>
    worstDifference(gradient(index), z, (moved) => sum(activated(moved, w)));
  return { printed: worst((i) => i), corrected: worst((_, j) => j) };
}
