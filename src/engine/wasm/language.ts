// A small typed language for WebAssembly kernels: expressions are values of I32, F32 or Vector (four float32 lanes), statements are methods of Body.
import { type AssembledFunction, float, signed, type Type, unsigned } from './assembler.ts';

type Code = readonly number[];
type Integer = I32 | number;

const simd = (opcode: number): number[] => [0xfd, ...unsigned(opcode)];
/** Alignment (as a power of two; 0 promises nothing) and constant offset of a memory access. */
const at = (offset: number): number[] => [0, ...unsigned(offset)];

/** A 32-bit integer; also an address in bytes. */
export class I32 {
  readonly type = 'i32';
  constructor(readonly code: Code) {}
  static of(value: Integer): I32 {
    return typeof value === 'number' ? new I32([0x41, ...signed(value | 0)]) : value;
  }
  private with(other: Integer, opcode: number): I32 {
    return new I32([...this.code, ...I32.of(other).code, opcode]);
  }
  add = (other: Integer) => this.with(other, 0x6a);
  sub = (other: Integer) => this.with(other, 0x6b);
  mul = (other: Integer) => this.with(other, 0x6c);
  /** Unsigned division, rounded down. */
  div = (other: Integer) => this.with(other, 0x6e);
  rem = (other: Integer) => this.with(other, 0x70);
  and = (other: Integer) => this.with(other, 0x71);
  eq = (other: Integer) => this.with(other, 0x46);
  lt = (other: Integer) => this.with(other, 0x48);
  le = (other: Integer) => this.with(other, 0x4c);
  ge = (other: Integer) => this.with(other, 0x4e);
  /** Signed comparison. */
  gt = (other: Integer) => this.with(other, 0x4a);
  /** This many float32 or int32, in bytes. */
  floats = () => new I32([...this.code, 0x41, 2, 0x74]);
  toF32 = () => new F32([...this.code, 0xb2]);
  min(other: Integer): I32 {
    const right = I32.of(other).code;
    return new I32([...this.code, ...right, ...this.code, ...right, 0x48, 0x1b]);
  }
  load = (offset = 0) => new I32([...this.code, 0x28, ...at(offset)]);
  loadByte = (offset = 0) => new I32([...this.code, 0x2d, ...at(offset)]);
  loadF32 = (offset = 0) => new F32([...this.code, 0x2a, ...at(offset)]);
  loadVector = (offset = 0) => new Vector([...this.code, ...simd(0x00), ...at(offset)]);
  /** One float32 in all four lanes. */
  loadSplat = (offset = 0) => new Vector([...this.code, ...simd(0x09), ...at(offset)]);
  /** One float32 in lane 0, zero in the others. */
  loadLane = (offset = 0) => new Vector([...this.code, ...simd(0x5c), ...at(offset)]);
}

/** A float32. */
export class F32 {
  readonly type = 'f32';
  constructor(readonly code: Code) {}
  static of(value: F32 | number): F32 {
    return typeof value === 'number' ? new F32([0x43, ...float(value)]) : value;
  }
  private with(other: F32 | number, opcode: number): F32 {
    return new F32([...this.code, ...F32.of(other).code, opcode]);
  }
  add = (other: F32 | number) => this.with(other, 0x92);
  sub = (other: F32 | number) => this.with(other, 0x93);
  mul = (other: F32 | number) => this.with(other, 0x94);
  div = (other: F32 | number) => this.with(other, 0x95);
  max = (other: F32 | number) => this.with(other, 0x97);
  sqrt = () => new F32([...this.code, 0x91]);
  splat = () => new Vector([...this.code, ...simd(0x13)]);
}

/** Four float32 lanes, or four int32 lanes, or a mask of them. */
export class Vector {
  readonly type = 'v128';
  constructor(readonly code: Code) {}
  /** A constant in all lanes. */
  static of(value: Vector | number): Vector {
    if (typeof value !== 'number') return value;
    return new Vector([...simd(0x0c), ...float(value), ...float(value), ...float(value), ...float(value)]);
  }
  /** An integer constant in all lanes. */
  static integer(value: number): Vector {
    const bytes = [...new Uint8Array(Int32Array.of(value).buffer)];
    return new Vector([...simd(0x0c), ...bytes, ...bytes, ...bytes, ...bytes]);
  }
  private with(other: Vector | number, opcode: number): Vector {
    return new Vector([...this.code, ...Vector.of(other).code, ...simd(opcode)]);
  }
  private only = (opcode: number) => new Vector([...this.code, ...simd(opcode)]);
  add = (other: Vector | number) => this.with(other, 0xe4);
  sub = (other: Vector | number) => this.with(other, 0xe5);
  mul = (other: Vector | number) => this.with(other, 0xe6);
  div = (other: Vector | number) => this.with(other, 0xe7);
  /** Minimum and maximum that pass NaN on. */
  min = (other: Vector | number) => this.with(other, 0xe8);
  max = (other: Vector | number) => this.with(other, 0xe9);
  /** `other < this ? other : this`: one instruction on most machines; NaN in `this` stays, NaN in `other` is ignored. */
  pmin = (other: Vector | number) => this.with(other, 0xea);
  /** `this < other ? other : this`: see pmin. */
  pmax = (other: Vector | number) => this.with(other, 0xeb);
  eq = (other: Vector | number) => this.with(other, 0x41);
  ne = (other: Vector | number) => this.with(other, 0x42);
  lt = (other: Vector | number) => this.with(other, 0x43);
  gt = (other: Vector | number) => this.with(other, 0x44);
  le = (other: Vector | number) => this.with(other, 0x45);
  ge = (other: Vector | number) => this.with(other, 0x46);
  and = (other: Vector) => this.with(other, 0x4e);
  /** Zero where the mask is set. */
  andNot = (mask: Vector) => this.with(mask, 0x4f);
  or = (other: Vector) => this.with(other, 0x50);
  xor = (other: Vector) => this.with(other, 0x51);
  abs = () => this.only(0xe0);
  neg = () => this.only(0xe1);
  sqrt = () => this.only(0xe3);
  addIntegers = (other: Vector) => this.with(other, 0xae);
  subIntegers = (other: Vector) => this.with(other, 0xb1);
  shiftLeft = (bits: number) => new Vector([...this.code, ...I32.of(bits).code, ...simd(0xab)]);
  shiftRight = (bits: number) => new Vector([...this.code, ...I32.of(bits).code, ...simd(0xac)]);
  toFloats = () => this.only(0xfa);
  /** `mask ? this : other`, lane by lane, where `this` is the mask. */
  select = (yes: Vector | number, no: Vector | number) =>
    new Vector([...Vector.of(yes).code, ...Vector.of(no).code, ...this.code, ...simd(0x52)]);
  lane = (index: number) => new F32([...this.code, ...simd(0x1f), index]);
  /** Lanes picked from this (0–3) and other (4–7). */
  shuffle(other: Vector, lanes: readonly [number, number, number, number]): Vector {
    const bytes = lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => lane * 4 + byte));
    return new Vector([...this.code, ...other.code, ...simd(0x0d), ...bytes]);
  }
}

export type Value = I32 | F32 | Vector;

/** A variable: read it as a value, write it with Body.set. */
export type Variable<V extends Value> = V & { readonly index: number };

function make(type: Type, code: Code): Value {
  return type === 'i32' ? new I32(code) : type === 'f32' ? new F32(code) : new Vector(code);
}

/** The parameters that a string of letters stands for: `i` for an integer or an address, `f` for a float32. */
type Parameters<Letters extends string> = Letters extends `${infer First}${infer Rest}`
  ? [Variable<First extends 'f' ? F32 : I32>, ...Parameters<Rest>]
  : [];

/** The statements of one function, written in order. */
export class Body {
  readonly code: number[] = [];
  readonly locals: Type[] = [];
  constructor(
    readonly parameters: Type[],
    /** Whether a·b + c may be one fused instruction (relaxed SIMD). */
    readonly fused: boolean,
    private readonly indexOf: (name: string) => number,
  ) {}

  private variable(type: Type, index: number): Value {
    return Object.assign(make(type, [0x20, ...unsigned(index)]), { index });
  }
  parameter = (index: number) => this.variable(this.parameters[index]!, index);
  /** The address of the working area of this thread. */
  readonly scratch = new I32([0x23, 0]);

  /** A new variable that starts as `value`: whatever is used twice belongs in one. */
  let<V extends Value>(value: V): Variable<V> {
    const index = this.parameters.length + this.locals.length;
    this.locals.push(value.type);
    const variable = this.variable(value.type, index) as Variable<V>;
    this.set(variable, value);
    return variable;
  }
  set<V extends Value>(variable: Variable<V>, value: NoInfer<V>): void {
    this.code.push(...value.code, 0x21, ...unsigned(variable.index));
  }
  store(address: I32, value: Value, offset = 0): void {
    const opcode = value.type === 'i32' ? [0x36] : value.type === 'f32' ? [0x38] : simd(0x0b);
    this.code.push(...address.code, ...value.code, ...opcode, ...at(offset));
  }
  /** Store one lane of four. */
  storeLane(address: I32, value: Vector, lane = 0, offset = 0): void {
    this.code.push(...address.code, ...value.code, ...simd(0x5a), ...at(offset), lane);
  }
  copyBytes(to: I32, from: I32, bytes: I32): void {
    this.code.push(...to.code, ...from.code, ...bytes.code, 0xfc, 0x0a, 0, 0);
  }
  zeroBytes(to: I32, bytes: I32): void {
    this.code.push(...to.code, ...I32.of(0).code, ...bytes.code, 0xfc, 0x0b, 0);
  }
  /** a·b + c. */
  multiplyAdd(a: Vector, b: Vector | number, c: Vector | number): Vector {
    const [right, sum] = [Vector.of(b), Vector.of(c)];
    return this.fused ? new Vector([...a.code, ...right.code, ...sum.code, ...simd(0x105)]) : a.mul(right).add(sum);
  }
  if(condition: I32, then: () => void, otherwise?: () => void): void {
    this.code.push(...condition.code, 0x04, 0x40);
    then();
    if (otherwise) {
      this.code.push(0x05);
      otherwise();
    }
    this.code.push(0x0b);
  }
  /** `for (; variable < end; variable += step)`; `end` is evaluated again on every turn. */
  while(variable: Variable<I32>, end: Integer, step: Integer, statements: () => void): void {
    const condition = variable.lt(end);
    this.if(condition, () => {
      this.code.push(0x03, 0x40);
      statements();
      this.set(variable, variable.add(step));
      this.code.push(...condition.code, 0x0d, 0, 0x0b);
    });
  }
  /** `for (let index = start; index < end; index += step)`. */
  for(start: Integer, end: Integer, step: Integer, statements: (index: Variable<I32>) => void): void {
    const index = this.let(I32.of(start));
    this.while(index, end, step, () => statements(index));
  }
  call(name: string, ...values: Value[]): void {
    this.code.push(...values.flatMap((value) => value.code), 0x10, ...unsigned(this.indexOf(name)));
  }
}

/** Collects the functions of one module. */
export class Program {
  readonly functions: AssembledFunction[] = [];
  constructor(readonly fused: boolean) {}

  /**
   * Adds a function. Those that the thread pool runs end with the parameters `from` and `to`, the range of work items.
   * @param parameters one letter each: `i` for an integer or an address, `f` for a float32
   */
  add<Letters extends string>(
    name: string,
    parameters: Letters,
    write: (body: Body, ...parameters: Parameters<Letters>) => void,
  ): void {
    const types = [...parameters].map((letter): Type => (letter === 'f' ? 'f32' : 'i32'));
    const body = new Body(types, this.fused, (called) => this.indexOf(called));
    // In the list before its body is written, so that its number is known and cannot be taken.
    const assembled: AssembledFunction = { name, parameters: types, locals: body.locals, code: body.code };
    this.functions.push(assembled);
    write(body, ...(types.map((_, index) => body.parameter(index)) as Parameters<Letters>));
  }

  indexOf(name: string): number {
    const index = this.functions.findIndex((candidate) => candidate.name === name);
    if (index < 0) throw new Error(`No WebAssembly function is called "${name}".`);
    return index;
  }
}
