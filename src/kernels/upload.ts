// Tables that JavaScript fills and the backend takes over, unless the backend holds no numbers: then they are never filled.
import { backend, engine, type KernelBackend, type Tensor } from '@tensorflow/tfjs-core';

/** What a backend says that knows shapes and no numbers. */
export interface ShapesOnly {
  readonly shapesOnly: true;
}

const isShapesOnly = (current: KernelBackend): boolean => (current as Partial<ShapesOnly>).shapesOnly === true;

/**
 * A float32 tensor on the current backend.
 * @param values row-major; called only where the backend holds numbers
 */
export function upload(shape: number[], values: () => Float32Array): Tensor {
  return engine().makeTensor(isShapesOnly(backend()) ? new Float32Array(0) : values(), shape, 'float32');
}
