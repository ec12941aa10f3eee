// How our own kernels reach TensorFlow's ops on the native backend.
import type { TensorInfo } from '@tensorflow/tfjs-core';

interface Attribute {
  name: string;
  type: number;
  value: unknown;
}

/** The part of tfjs-node's backend that runs any TensorFlow op by name. */
export interface NativeBackend {
  binding: Record<'TF_ATTR_TYPE' | 'TF_ATTR_BOOL' | 'TF_ATTR_INT' | 'TF_ATTR_FLOAT' | 'TF_FLOAT' | 'TF_INT32', number>;
  executeSingleOutput(op: string, attributes: Attribute[], inputs: TensorInfo[]): TensorInfo;
  executeMultipleOutputs(op: string, attributes: Attribute[], inputs: TensorInfo[], outputs: number): TensorInfo[];
}

/** A type attribute of a TensorFlow op. */
export function typeAttribute(backend: NativeBackend, name: string, dtype: 'float32' | 'int32'): Attribute {
  const { TF_ATTR_TYPE, TF_FLOAT, TF_INT32 } = backend.binding;
  return { name, type: TF_ATTR_TYPE, value: dtype === 'float32' ? TF_FLOAT : TF_INT32 };
}
