// The models' operations in plain float64 loops, written from their definitions: what float32 kernels on every backend are compared with.

/** Row-major numbers; shapes are passed beside them. */
export type Numbers = Float64Array;

const map = (x: Numbers, f: (value: number) => number): Numbers => x.map(f);

/** x [rows, in] times weight [in, out] (or its transpose), plus bias [out]. */
export function linear(x: Numbers, weight: Numbers, bias: Numbers | undefined, rows: number, transposed = false) {
  const inner = x.length / rows;
  const out = weight.length / inner;
  const y = new Float64Array(rows * out);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < out; column++) {
      let sum = bias ? bias[column]! : 0;
      for (let i = 0; i < inner; i++) {
        sum += x[row * inner + i]! * weight[transposed ? column * inner + i : i * out + column]!;
      }
      y[row * out + column] = sum;
    }
  }
  return y;
}

/** Both norms: `centre` subtracts the mean first. x [rows, hidden], scale and shift [hidden]. */
export function norm(x: Numbers, scale: Numbers, shift: Numbers | undefined, epsilon: number, centre: boolean) {
  const hidden = scale.length;
  const y = new Float64Array(x.length);
  for (let start = 0; start < x.length; start += hidden) {
    const row = x.subarray(start, start + hidden);
    const mean = centre ? row.reduce((sum, value) => sum + value, 0) / hidden : 0;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / hidden;
    for (let i = 0; i < hidden; i++) {
      y[start + i] = ((row[i]! - mean) / Math.sqrt(variance + epsilon)) * scale[i]! + (shift ? shift[i]! : 0);
    }
  }
  return y;
}

/** The error function by its Taylor series: nine digits for |x| ≤ 5. */
function erf(x: number): number {
  let [sum, term] = [0, x];
  for (let n = 1; Math.abs(term) > 1e-18; n++) {
    sum += term / (2 * n - 1);
    term *= (-x * x) / n;
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

export const gelu = (x: Numbers): Numbers => map(x, (v) => 0.5 * v * (1 + erf(v / Math.SQRT2)));
export const geluTanh = (x: Numbers): Numbers =>
  map(x, (v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3))));
export const relu = (x: Numbers): Numbers => map(x, (v) => Math.max(v, 0));
export const swiglu = (gate: Numbers, up: Numbers): Numbers =>
  gate.map((value, i) => (value / (1 + Math.exp(-value))) * up[i]!);

export interface RopeReference {
  theta: number;
  scaling: {
    factor: number;
    lowFrequencyFactor: number;
    highFrequencyFactor: number;
    originalContext: number;
  } | null;
}

/** The angle of pair j at a position; llama3's rule by wavelengths, as Meta's and Hugging Face's code has it. */
export function ropeAngle(rope: RopeReference, headSize: number, j: number, position: number): number {
  const frequency = rope.theta ** ((-2 * j) / headSize);
  if (!rope.scaling) return position * frequency;
  const { factor, lowFrequencyFactor, highFrequencyFactor, originalContext } = rope.scaling;
  const wavelength = (2 * Math.PI) / frequency;
  if (wavelength < originalContext / highFrequencyFactor) return position * frequency;
  if (wavelength > originalContext / lowFrequencyFactor) return (position * frequency) / factor;
  const smooth = (originalContext / wavelength - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
  return position * ((1 - smooth) * (frequency / factor) + smooth * frequency);
}

/** One head's vector at a position, turned: element j with element j + headSize/2. */
function turn(vector: Numbers, position: number, rope: RopeReference): Numbers {
  const half = vector.length / 2;
  return vector.map((value, i) => {
    const angle = ropeAngle(rope, vector.length, i % half, position);
    return i < half
      ? value * Math.cos(angle) - vector[i + half]! * Math.sin(angle)
      : value * Math.cos(angle) + vector[i - half]! * Math.sin(angle);
  });
}

export interface AttentionReference {
  batch: number;
  sequence: number;
  heads: number;
  kvHeads: number;
  headSize: number;
  rope?: RopeReference;
  /** What each weight is multiplied by, [batch, heads, sequence, sequence]: a dropout mask over its probability of keeping. */
  factors?: Numbers;
}

/** Causal attention, one query of one head at a time; qkv [batch·sequence, (heads + 2·kvHeads)·headSize]. */
export function attention(qkv: Numbers, settings: AttentionReference): Numbers {
  const { batch, sequence, heads, kvHeads, headSize, rope, factors } = settings;
  const columns = (heads + 2 * kvHeads) * headSize;
  const vector = (b: number, s: number, slot: number, turns: boolean) => {
    const start = (b * sequence + s) * columns + slot * headSize;
    const found = qkv.slice(start, start + headSize);
    return turns && rope ? turn(found, s, rope) : found;
  };
  const out = new Float64Array(batch * sequence * heads * headSize);
  for (let b = 0; b < batch; b++) {
    for (let head = 0; head < heads; head++) {
      const kvHead = Math.floor(head / (heads / kvHeads));
      const keys = Array.from({ length: sequence }, (_, s) => vector(b, s, heads + kvHead, true));
      for (let s = 0; s < sequence; s++) {
        const q = vector(b, s, head, true);
        const scores = keys.slice(0, s + 1).map((k) => dot(q, k) / Math.sqrt(headSize));
        softmax(scores).forEach((weight, t) => {
          const factor = factors ? factors[((b * heads + head) * sequence + s) * sequence + t]! : 1;
          const v = vector(b, t, heads + kvHeads + kvHead, false);
          for (let i = 0; i < headSize; i++) {
            const at = ((b * sequence + s) * heads + head) * headSize + i;
            out[at] = out[at]! + weight * factor * v[i]!;
          }
        });
      }
    }
  }
  return out;
}

const dot = (a: Numbers, b: Numbers): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

function softmax(scores: readonly number[]): number[] {
  const largest = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - largest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

/** Rows of the table [vocabulary, hidden] by id. */
export function rows(table: Numbers, ids: ArrayLike<number>, hidden: number): Numbers {
  return Float64Array.from({ length: ids.length * hidden }, (_, i) => {
    return table[ids[Math.floor(i / hidden)]! * hidden + (i % hidden)]!;
  });
}

/** x [batch·sequence, hidden] plus rows offset … of a table of positions. */
export function addPositions(x: Numbers, table: Numbers, sequence: number, hidden: number, offset = 0): Numbers {
  return x.map((value, i) => {
    const position = offset + (Math.floor(i / hidden) % sequence);
    return value + table[position * hidden + (i % hidden)]!;
  });
}

/** Vaswani et al. 2017, section 3.5: sines in even columns, cosines in odd ones, [sequence, hidden]. */
export function sinusoids(sequence: number, hidden: number, theta: number): Numbers {
  return Float64Array.from({ length: sequence * hidden }, (_, i) => {
    const [position, column] = [Math.floor(i / hidden), i % hidden];
    const angle = position / theta ** ((2 * Math.floor(column / 2)) / hidden);
    return column % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
  });
}

/** Mean over rows of −ln softmax(logits)[label]. */
export function crossEntropy(logits: Numbers, labels: ArrayLike<number>): number {
  const vocabulary = logits.length / labels.length;
  let sum = 0;
  for (let row = 0; row < labels.length; row++) {
    const scores = [...logits.subarray(row * vocabulary, (row + 1) * vocabulary)];
    sum -= Math.log(softmax(scores)[labels[row]!]!);
  }
  return sum / labels.length;
}

/** Central differences of a function of several arrays, with respect to each number of each. */
export function numericalGradients(f: (xs: Numbers[]) => number, xs: readonly Numbers[], step = 1e-5): Numbers[] {
  return xs.map((x, which) =>
    x.map((_, i) => {
      const at = (delta: number) => f(xs.map((y, j) => (j === which ? y.map((v, k) => (k === i ? v + delta : v)) : y)));
      return (at(step) - at(-step)) / (2 * step);
    }),
  );
}
