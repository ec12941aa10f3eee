// The memory that a forward pass keeps for the backward pass: every buffer once, under however many handles.
import { getBackend, type Tensor, type TensorInfo, tensor1d } from '@tensorflow/tfjs-core';
import type { Transformer } from '../architectures/transformer.ts';
import type { Batch } from '../data/batches.ts';
import { valueAndGradients } from '../engine/backward.ts';
import { type WrappedCall, wrapKernels } from '../engine/wrap-kernels.ts';
import { bytesOf, findDeclaration, registryNames, type TensorSpec } from '../kernels/declaration.ts';

/** One piece of memory, known under the dataIds of all that share it. */
interface Buffer {
  bytes: number;
}

const bytes = (spec: TensorSpec) => Number(bytesOf(spec));

/**
 * Which dataIds share memory. On native a kernel such as Reshape hands out a new dataId for the memory of its input, as the kernels'
 * declarations say; the other backends give such a result the dataId of the input.
 */
class Buffers {
  private readonly buffers = new WeakMap<object, Buffer>();

  /** The memory behind a tensor. A view counts as all of the memory that it keeps alive. */
  of(tensor: TensorInfo): Buffer {
    const known = this.buffers.get(tensor.dataId);
    if (known) return known;
    const buffer = { bytes: bytes(tensor) };
    this.buffers.set(tensor.dataId, buffer);
    return buffer;
  }

  /** Hears that `output` is another handle on the memory of `input`. */
  alias(input: TensorInfo, output: TensorInfo): void {
    this.buffers.set(output.dataId, this.of(input));
  }
}

/**
 * Bytes of the distinct buffers saved on the tape at the end of the forward pass of one batch; weights are not among them. What a
 * gradient holds besides, the token ids and the constants of the model (mask, rotary tables), is not counted.
 */
export function savedForBackwardBytes(model: Transformer, batch: Batch, dropoutSeed: number): number {
  const ids = tensor1d(batch.inputs, 'int32');
  const labels = tensor1d(batch.labels, 'int32');
  const tokens = { ids, batch: batch.rows, sequence: batch.length };
  const options = { dropout: { seed: dropoutSeed, step: 0 } };
  try {
    return savedBytes(() => model.loss(tokens, labels, options), model.variables());
  } finally {
    ids.dispose();
    labels.dispose();
  }
}

/** Bytes of the distinct buffers that `f()` saves for its gradients; those of `xs` are not among them. */
export function savedBytes(f: () => Tensor, xs: Tensor[]): number {
  const buffers = new Buffers();
  const saved = new Set<Buffer>();
  const backend = getBackend();
  const unfollow =
    backend === registryNames.native ? wrapKernels(backend, (call) => followed(call, buffers)) : () => {};
  try {
    const { value, gradients } = valueAndGradients(f, xs, (tensors) => {
      for (const tensor of tensors) saved.add(buffers.of(tensor));
      for (const x of xs) saved.delete(buffers.of(x));
    });
    for (const tensor of [value, ...gradients]) tensor.dispose();
  } finally {
    unfollow();
  }
  return [...saved].reduce((total, buffer) => total + buffer.bytes, 0);
}

function followed({ name, call, run }: WrappedCall, buffers: Buffers): TensorInfo | TensorInfo[] {
  const inputs = Object.values(call.inputs)
    .flat()
    .filter((input) => input !== undefined);
  // Before the kernel runs: its inputs' memory must be known while they are alive.
  for (const input of inputs) buffers.of(input);
  const result = run();
  const attributes = call.attrs ?? {};
  const shared = findDeclaration(name)?.alias?.({ inputs, attributes } as never, 'native');
  if (shared !== undefined) buffers.alias(inputs[shared]!, [result].flat()[0]!);
  return result;
}
