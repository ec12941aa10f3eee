// Kernels that compute each output element from the input elements at the same place (with broadcasting).
import type { Tensor } from '@tensorflow/tfjs-core';
import { declareKernel, type KernelDeclaration, sizeOf, type TensorSpec } from './declaration.ts';
import { run } from './run.ts';

/** The shape of `a ⊕ b` under NumPy's broadcasting. Throws where a dimension neither matches nor is 1. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) {
      throw new Error(`Shapes [${a}] and [${b}] do not broadcast: ${left} against ${right} on axis ${axis}.`);
    }
    return left === 1 ? right : left;
  });
}

const elements = (spec: TensorSpec) => BigInt(sizeOf(spec.shape));

function binary(name: string, dtype?: 'bool'): KernelDeclaration {
  const outputs = ([a, b]: readonly TensorSpec[]): TensorSpec[] => [
    { shape: broadcastShape(a!.shape, b!.shape), dtype: dtype ?? a!.dtype },
  ];
  return declareKernel({
    name,
    inputs: ['a', 'b'],
    outputs: ({ inputs }) => outputs(inputs),
    flops: ({ inputs }) => elements(outputs(inputs)[0]!),
  });
}

function unary(name: string, dtype?: 'bool'): KernelDeclaration {
  return declareKernel({
    name,
    inputs: ['x'],
    outputs: ({ inputs: [x] }) => [{ shape: [...x!.shape], dtype: dtype ?? x!.dtype }],
    flops: ({ inputs: [x] }) => elements(x!),
  });
}

const kernels = {
  add: binary('Add'),
  sub: binary('Sub'),
  multiply: binary('Multiply'),
  divide: binary('RealDiv'),
  maximum: binary('Maximum'),
  square: unary('Square'),
  sqrt: unary('Sqrt'),
  rsqrt: unary('Rsqrt'),
  exp: unary('Exp'),
  log: unary('Log'),
  tanh: unary('Tanh'),
  sigmoid: unary('Sigmoid'),
  erf: unary('Erf'),
  negative: unary('Neg'),
  relu: unary('Relu'),
  sign: unary('Sign'),
  cos: unary('Cos'),
  sin: unary('Sin'),
};

type Binary = (a: Tensor, b: Tensor) => Tensor;
type Unary = (x: Tensor) => Tensor;

export const add: Binary = (a, b) => run(kernels.add, { a, b });
export const sub: Binary = (a, b) => run(kernels.sub, { a, b });
export const multiply: Binary = (a, b) => run(kernels.multiply, { a, b });
export const divide: Binary = (a, b) => run(kernels.divide, { a, b });
export const maximum: Binary = (a, b) => run(kernels.maximum, { a, b });
export const square: Unary = (x) => run(kernels.square, { x });
export const sqrt: Unary = (x) => run(kernels.sqrt, { x });
export const rsqrt: Unary = (x) => run(kernels.rsqrt, { x });
export const exp: Unary = (x) => run(kernels.exp, { x });
export const log: Unary = (x) => run(kernels.log, { x });
export const tanh: Unary = (x) => run(kernels.tanh, { x });
export const sigmoid: Unary = (x) => run(kernels.sigmoid, { x });
export const erf: Unary = (x) => run(kernels.erf, { x });
export const negative: Unary = (x) => run(kernels.negative, { x });
export const relu: Unary = (x) => run(kernels.relu, { x });
export const sign: Unary = (x) => run(kernels.sign, { x });
export const cos: Unary = (x) => run(kernels.cos, { x });
export const sin: Unary = (x) => run(kernels.sin, { x });
