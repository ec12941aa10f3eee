// Cross-entropy of logits against labels together with its gradient, without one-hot labels: one pass over the logits.
import { type Tensor, type TensorInfo, type TypedArray, tidy } from '@tensorflow/tfjs-core';
import { declareKernel, sizeOf, type TensorSpec } from './declaration.ts';
import { exp, log, multiply, sub } from './elementwise.ts';
import { oneHot } from './gather.ts';
import { hostKernel } from './host.ts';
import { type NativeBackend, typeAttribute } from './native.ts';
import { max, softmax, sum } from './reduce.ts';
import { canRun, runAll } from './run.ts';

function lossesAndGradient([logits, labels]: TypedArray[], [losses, gradient]: TypedArray[]): void {
  const rows = losses!.length;
  const vocabulary = logits!.length / rows;
  for (let row = 0; row < rows; row++) {
    const start = row * vocabulary;
    const end = start + vocabulary;
    let largest = Number.NEGATIVE_INFINITY;
    for (let i = start; i < end; i++) if (logits![i]! > largest) largest = logits![i]!;
    let total = 0;
    for (let i = start; i < end; i++) {
      const e = Math.exp(logits![i]! - largest);
      gradient![i] = e;
      total += e;
    }
    const scale = 1 / total;
    for (let i = start; i < end; i++) gradient![i] = gradient![i]! * scale;
    const label = start + labels![row]!;
    losses![row] = Math.log(total) + largest - logits![label]!;
    gradient![label] = gradient![label]! - 1;
  }
}

const outputs = (logits: { shape: readonly number[] }): { shape: number[]; dtype: 'float32' }[] => [
  { shape: [logits.shape[0]!], dtype: 'float32' },
  { shape: [...logits.shape], dtype: 'float32' },
];

/** Exported for a backend that replaces it. */
export const crossEntropyKernel = declareKernel({
  name: 'SparseSoftmaxCrossEntropy',
  inputs: ['logits', 'labels'],
  outputs: ({ inputs: [logits] }): TensorSpec[] => outputs(logits!),
  // Maximum, subtraction, exponential, sum, division: five an element; a logarithm, two additions and the gradient's −1 a row.
  flops: ({ inputs: [logits] }) => 5n * BigInt(sizeOf(logits!.shape)) + 4n * BigInt(logits!.shape[0]!),
  own: {
    native: ({ inputs, backend }) => {
      const native = backend as unknown as NativeBackend;
      const { logits, labels } = inputs as { logits: TensorInfo; labels: TensorInfo };
      const types = [typeAttribute(native, 'T', 'float32'), typeAttribute(native, 'Tlabels', 'int32')];
      return native.executeMultipleOutputs('SparseSoftmaxCrossEntropyWithLogits', types, [logits, labels], 2);
    },
    ...hostKernel(['logits', 'labels'], ([logits]) => outputs(logits!), lossesAndGradient),
  },
});

/**
 * Per-row losses and the gradient of their sum. Composed, with a one-hot matrix, where a backend has no kernel for it (webgpu).
 * @param logits [rows, vocabulary]
 * @param labels [rows] int32, each in [0, vocabulary)
 * @returns losses [rows] = −ln softmax(logits)[label], and softmax(logits) − onehot(label) [rows, vocabulary]
 */
export function crossEntropyWithGradient(logits: Tensor, labels: Tensor): { losses: Tensor; gradient: Tensor } {
  const [losses, gradient] = canRun(crossEntropyKernel)
    ? runAll(crossEntropyKernel, { logits, labels })
    : tidy(() => compose(logits, labels));
  return { losses: losses!, gradient: gradient! };
}

/** The same from kernels that every backend has. */
export function compose(logits: Tensor, labels: Tensor): [losses: Tensor, gradient: Tensor] {
  const chosen = oneHot(labels, logits.shape[1]!);
  const shifted = sub(logits, max(logits, 1, true));
  const losses = sub(log(sum(exp(shifted), 1)), sum(multiply(shifted, chosen), 1));
  return [losses, sub(softmax(logits), chosen)];
}
