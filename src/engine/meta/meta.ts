// Starts the meta backend, which runs any model's step in shapes alone, with the kernels that a chosen real backend would run.
import { findBackend, registerBackend, setBackend } from '@tensorflow/tfjs-core';
import { unknownName } from '../../terms/user-error.ts';
import { MetaBackend, type MetaLowering, metaLowerings } from './backend.ts';
import { META, registerMetaKernels } from './kernels.ts';

export interface MetaOptions {
  /** The backend to mimic: its kernels in its order, its shared memory. */
  readonly lowering: string;
}

let unregister: (() => void) | undefined;

/**
 * Makes `meta` tfjs's backend. There is one in a process: started again, it takes on the new lowering, and what was allocated stays.
 * @throws UserError for an unknown lowering
 */
export async function useMeta({ lowering }: MetaOptions): Promise<MetaBackend> {
  if (!isLowering(lowering)) throw unknownName('lowering', lowering, metaLowerings);
  let meta = findBackend(META) as MetaBackend | null;
  if (meta) {
    meta.lowering = lowering;
  } else {
    meta = new MetaBackend(lowering);
    const made = meta;
    registerBackend(META, () => made);
  }
  unregister?.();
  unregister = registerMetaKernels(lowering);
  await setBackend(META);
  return meta;
}

function isLowering(lowering: string): lowering is MetaLowering {
  return (metaLowerings as readonly string[]).includes(lowering);
}
