// exp, log, tanh, sigmoid and erf of four floats at once, each within a few units of the last place.
// The polynomials interpolate the function at Chebyshev nodes in exact arithmetic; coefficients are rounded to float32.
import { type Body, Vector } from './language.ts';

/** c₀ + c₁x + c₂x² + … by Horner's rule. */
export function polynomial(f: Body, x: Vector, coefficients: readonly number[]): Vector {
  return coefficients
    .slice(0, -1)
    .reduceRight<Vector>((sum, coefficient) => f.multiplyAdd(sum, x, coefficient), Vector.of(coefficients.at(-1)!));
}

const rounder = 1.5 * 2 ** 23;
/** (eʳ − 1 − r) / r² for |r| ≤ ln 2 / 2. */
const exponential = [0.5, 0.16666576266288757, 0.041666556149721146, 0.008363177999854088, 0.0013926181709393859];

/** eˣ = 2ⁿ·eʳ with |r| ≤ ln 2 / 2; below −86.6 the result is 0, above 88.72 it is infinite. */
export function exp(f: Body, value: Vector): Vector {
  const x = f.let(value);
  const bounded = f.let(x.pmin(89).pmax(-87));
  // Adding 1.5·2²³ rounds to an integer and leaves it in the lowest bits.
  const shifted = f.let(f.multiplyAdd(bounded, Math.LOG2E, rounder));
  const n = f.let(shifted.sub(rounder));
  // ln 2 in two parts, the first with so few bits that n times it is exact.
  const r = f.let(f.multiplyAdd(n, -1.428606765330187e-6, f.multiplyAdd(n, -0.693145751953125, bounded)));
  const power = polynomial(f, r, [1, 1, ...exponential]);
  // Half of 2ⁿ, so that n = 128 does not overflow before the result does.
  const half = shifted.shiftLeft(23).addIntegers(Vector.integer(126 << 23));
  const product = f.let(power.mul(half));
  return product.add(product).andNot(x.lt(-86.6));
}

/** ln x = e·ln 2 + 2 artanh((m − 1) / (m + 1)) with m between √½ and √2. */
export function log(f: Body, value: Vector): Vector {
  const x = f.let(value);
  const tiny = f.let(x.lt(1.17549435e-38));
  const scaled = f.let(tiny.select(x.mul(2 ** 23), x));
  // Taking away the bits of √½ leaves the exponent in the upper bits, rounded so that m lies around 1.
  const shifted = f.let(scaled.subIntegers(Vector.integer(0x3f3504f3)));
  const exponent = f.let(
    shifted
      .shiftRight(23)
      .toFloats()
      .sub(tiny.and(Vector.of(23))),
  );
  const mantissa = f.let(shifted.and(Vector.integer(0x007fffff)).addIntegers(Vector.integer(0x3f3504f3)));
  const s = f.let(mantissa.sub(1).div(mantissa.add(1)));
  const square = f.let(s.mul(s));
  const series = polynomial(f, square, [2 / 3, 2 / 5, 2 / 7, 2 / 9]);
  const small = f.let(f.multiplyAdd(s.mul(square), series, s.add(s)));
  const result = f.let(
    f.multiplyAdd(exponent, 0.693145751953125, f.multiplyAdd(exponent, 1.428606765330187e-6, small)),
  );
  const special = x.eq(0).select(-Infinity, x.gt(0).select(x, Number.NaN));
  // Infinity and NaN keep themselves, as do 0 and the negative numbers through `special`.
  return x.gt(0).and(x.lt(Infinity)).select(result, special);
}

/** (1 − e⁻²ˣ) / (1 + e⁻²ˣ) for large |x|, where the difference keeps its digits, an odd polynomial for small. */
export function tanh(f: Body, value: Vector): Vector {
  const x = f.let(value);
  const size = f.let(x.abs());
  const power = f.let(exp(f, size.mul(-2)));
  const large = Vector.of(1)
    .sub(power)
    .div(power.add(1))
    .or(x.and(Vector.of(-0)));
  const square = f.let(x.mul(x));
  const odd = polynomial(
    f,
    square,
    [1, -0.3333328366279602, 0.1333167999982834, -0.05376798287034035, 0.02075134962797165, -0.00584964407607913],
  );
  return f.let(size.lt(0.6)).select(x.mul(odd), large);
}

/** 1 / (1 + e⁻ˣ). */
export function sigmoid(f: Body, value: Vector): Vector {
  return Vector.of(1).div(exp(f, value.neg()).add(1));
}

/** An odd polynomial for |x| < 1, then 1 − e^p(x) where p interpolates ln(1 − erf x). */
export function erf(f: Body, value: Vector): Vector {
  const x = f.let(value);
  const size = f.let(x.abs());
  const square = f.let(x.mul(x));
  const odd = polynomial(
    f,
    square,
    [
      1.1283791065216064, -0.3761262595653534, 0.11283594369888306, -0.02685421146452427, 0.005189087241888046,
      -0.000801686430349946, 7.875874871388078e-5,
    ],
  );
  const bounded = f.let(size.pmin(4));
  const logarithm = polynomial(
    f,
    bounded,
    [
      0.0003201380604878068, -1.1302334070205688, -0.6318260431289673, -0.11008008569478989, 0.026421135291457176,
      -0.004759596195071936, 0.0005968056502752006, -4.605804133461788e-5, 1.6371513993362896e-6,
    ],
  );
  const large = Vector.of(1)
    .sub(exp(f, logarithm))
    .or(x.and(Vector.of(-0)));
  return f.let(size.lt(1)).select(x.mul(odd), large);
}
