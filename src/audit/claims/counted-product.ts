// A vector times a matrix with every multiplication and every addition counted as it happens.

/** The operations of a vector of `m` times an `m` × `n` matrix. */
export function countedProduct(m: number, n: number) {
  let multiplications = 0;
  let additions = 0;
  const multiply = (a: number, b: number) => {
    multiplications++;
    return a * b;
  };
  const add = (a: number, b: number) => {
    additions++;
    return a + b;
  };
  for (let column = 0; column < n; column++) {
    let sum = multiply(1, column);
    for (let row = 1; row < m; row++) sum = add(sum, multiply(row, column));
  }
  return { m, n, multiplications, additions };
}
