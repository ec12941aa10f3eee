// The hooks into tfjs: every kernel of a backend is wrapped, and so are the engine's few methods that track, release and save tensors.
import {
  engine,
  type KernelBackend,
  type NamedAttrMap,
  type Tensor,
  type TensorInfo,
  Variable,
} from '@tensorflow/tfjs-core';
import { belongingOf, mark, onMark } from '../engine/categories.ts';
import type { Clock } from '../engine/probe.ts';
import { currentScope, type Scope } from '../engine/scope.ts';
import { type WrappedCall, wrapKernels } from '../engine/wrap-kernels.ts';
import { findDeclaration, type Lowering, registryNames, type TensorSpec } from '../kernels/declaration.ts';
import type { MemoryCategory } from '../terms/vocabulary.ts';
import { type Buffer, Buffers, byteCount } from './buffers.ts';

/** A kernel that ran, before anything was computed about it. */
export interface RawKernel {
  readonly kind: 'raw';
  readonly name: string;
  readonly scope: Scope;
  /** as the kernel was given them and returned them; whoever keeps them reads no more than shapes and dtypes */
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly attributes: NamedAttrMap;
  /** milliseconds of the clock; 0 without one */
  readonly start: number;
  readonly end: number;
  /** bytes of tensors that the kernel made for itself and released before it returned, at their most */
  readonly workspace: number;
}

/** Who hears what happens. The listener's `before` may throw: the kernel does not run then. */
export interface Listener {
  before(kernel: string): void;
  kernel(run: RawKernel): void;
  born(buffer: Buffer): void;
  died(buffer: Buffer): void;
  /** The buffer's category or owner is another from now on. */
  changed(buffer: Buffer): void;
  /** A buffer turned up that lived before the hooks were set. */
  found(buffer: Buffer): void;
}

/** What the engine does not show in its type. */
interface Inside {
  readonly backend: KernelBackend;
  state: {
    tensorInfo: WeakMap<object, { backend: KernelBackend }>;
    registeredVariables: Record<string, Variable>;
    numDataBuffers: number;
  };
  trackTensor(tensor: Tensor, backend: KernelBackend): void;
  removeDataId(dataId: object, backend: KernelBackend): void;
  saveTensorsForBackwardMode(tensors: Tensor[]): Tensor[];
  gradients(f: () => Tensor, xs: Tensor[], ...rest: unknown[]): { value: Tensor; grads: Tensor[] };
  customGrad(f: (...args: unknown[]) => unknown): (...inputs: Tensor[]) => Tensor;
  isTapeOn(): boolean;
}
type Method = 'trackTensor' | 'removeDataId' | 'saveTensorsForBackwardMode' | 'gradients' | 'customGrad';

export const insideEngine = (): Inside => engine() as unknown as Inside;

/** One set of hooks on one backend, shared by all who listen to it. */
export class Hooks {
  readonly buffers = new Buffers();
  clock: Clock | undefined;
  private readonly listeners: Listener[] = [];
  private readonly lowering: Lowering | undefined;
  private readonly undo: (() => void)[] = [];
  private depth = 0;
  /** dataIds made inside the kernel that runs, with their bytes */
  private readonly inner = new Map<object, TensorInfo>();
  private innerBytes = 0;
  private innerPeak = 0;

  constructor(
    private readonly backendName: string,
    lowering?: Lowering,
  ) {
    const names = Object.entries(registryNames) as [Lowering, string][];
    this.lowering = lowering ?? names.find(([, name]) => name === backendName)?.[0];
  }

  /** Sets the hooks if nobody listened yet. */
  listen(listener: Listener): void {
    const isFirst = this.listeners.length === 0;
    this.listeners.push(listener);
    if (isFirst) this.install();
  }

  /** Takes the hooks off again with the last listener. */
  unlisten(listener: Listener): void {
    this.listeners.splice(this.listeners.indexOf(listener), 1);
    if (this.listeners.length === 0) for (const undo of this.undo.splice(0).reverse()) undo();
  }

  /** The buffer of a tensor; one that is not known yet lived before the hooks were set. */
  find(tensor: TensorInfo): Buffer {
    const known = this.buffers.of(tensor);
    if (known) return known;
    const { category, owner } = belongingOf(tensor) ?? ofVariable(tensor) ?? { category: 'temporaries', owner: '' };
    const buffer = this.buffers.add(tensor, category, owner);
    for (const listener of this.listeners) listener.found(buffer);
    return buffer;
  }

  private install(): void {
    const inside = insideEngine();
    this.undo.push(wrapKernels(this.backendName, (call) => this.around(call)));
    this.undo.push(onMark((tensor, { category, owner }) => this.change(this.find(tensor), category, owner)));
    const replace = <M extends Method>(method: M, make: (original: Inside[M]) => Inside[M]) =>
      this.undo.push(override(inside, method, make));
    replace('trackTensor', (original) => (tensor, backend) => {
      const isNew = !inside.state.tensorInfo.has(tensor.dataId);
      original.call(inside, tensor, backend);
      this.tracked(tensor, isNew);
    });
    replace('removeDataId', (original) => (dataId, backend) => {
      const isHeld = inside.state.tensorInfo.get(dataId)?.backend === backend;
      original.call(inside, dataId, backend);
      if (isHeld) this.released(dataId);
    });
    replace('saveTensorsForBackwardMode', (original) => (tensors) => {
      this.saved(tensors);
      return original.call(inside, tensors);
    });
    replace('customGrad', (original) => (f) => (...inputs) => {
      const isRecording = inside.isTapeOn();
      const heard = (...args: unknown[]) => {
        const save = args.pop() as (tensors: Tensor[]) => void;
        const savedToo = (tensors: Tensor[]) => {
          if (isRecording) this.saved(tensors);
          save(tensors);
        };
        return f(...args, savedToo);
      };
      return original.call(inside, heard)(...inputs);
    });
    replace('gradients', (original) => (f, xs, ...rest) => {
      const result = original.call(inside, f, xs, ...rest);
      result.grads.forEach((gradient, i) => {
        const x = xs[i]!;
        if (gradient) mark(gradient, 'gradients', x instanceof Variable ? x.name : `input ${i}`);
      });
      return result;
    });
    const isHere = ({ dataId }: Variable) => inside.state.tensorInfo.get(dataId)?.backend === inside.backend;
    for (const variable of Object.values(inside.state.registeredVariables)) if (isHere(variable)) this.find(variable);
  }

  private around(wrapped: WrappedCall): TensorInfo | TensorInfo[] {
    return this.depth === 0 ? this.outermost(wrapped) : this.nested(wrapped);
  }

  private outermost({ name, call, run }: WrappedCall): TensorInfo | TensorInfo[] {
    for (const listener of this.listeners) listener.before(name);
    const inputs = listed(call.inputs);
    for (const input of inputs) this.find(input);
    const start = this.clock?.() ?? 0;
    let result: TensorInfo | TensorInfo[];
    this.depth++;
    try {
      result = run();
    } catch (error) {
      this.forgetInner();
      throw error;
    } finally {
      this.depth--;
    }
    const end = this.clock?.() ?? 0;
    const outputs = Array.isArray(result) ? result : [result];
    const attributes = (call.attrs ?? {}) as NamedAttrMap;
    const raw: RawKernel = {
      kind: 'raw',
      name,
      scope: currentScope(),
      inputs,
      outputs,
      attributes,
      start,
      end,
      workspace: this.innerPeak - this.innerBytes,
    };
    for (const listener of this.listeners) listener.kernel(raw);
    this.alias(name, inputs, attributes, outputs);
    for (const tensor of outputs) if (!this.buffers.of(tensor)) this.bear(tensor);
    for (const tensor of this.inner.values()) if (!this.buffers.of(tensor)) this.bear(tensor);
    this.forgetInner();
    return result;
  }

  /** Whether a tensor was one that the running kernel made; it is none any more. */
  private forget(dataId: object): boolean {
    const inner = this.inner.get(dataId);
    if (inner) this.innerBytes -= byteCount(inner);
    return this.inner.delete(dataId);
  }

  private forgetInner(): void {
    this.inner.clear();
    this.innerBytes = 0;
    this.innerPeak = 0;
  }

  /** A kernel inside another is the other's work, but the views that it makes are views. */
  private nested({ name, call, run }: WrappedCall): TensorInfo | TensorInfo[] {
    this.depth++;
    try {
      const result = run();
      this.alias(name, listed(call.inputs), (call.attrs ?? {}) as NamedAttrMap, [result].flat());
      return result;
    } finally {
      this.depth--;
    }
  }

  private alias(name: string, inputs: TensorInfo[], attributes: NamedAttrMap, [output]: TensorInfo[]): void {
    if (!output || this.buffers.of(output)) return;
    const index = findDeclaration(name)?.alias?.({ inputs, attributes }, this.lowering ?? 'cpu');
    const shared = index === undefined ? undefined : this.buffers.of(inputs[index]!);
    if (!shared) return;
    this.forget(output.dataId);
    this.buffers.join(output, shared);
  }

  private bear(tensor: TensorInfo): Buffer {
    const { category, owner } = ofVariable(tensor) ?? { category: 'temporaries', owner: currentScope().module };
    const buffer = this.buffers.add(tensor, category, owner);
    for (const listener of this.listeners) listener.born(buffer);
    return buffer;
  }

  private tracked(tensor: Tensor, isNew: boolean): void {
    const known = this.buffers.of(tensor);
    if (!known && this.depth > 0) {
      if (!isNew || this.inner.has(tensor.dataId)) return;
      this.inner.set(tensor.dataId, tensor);
      this.innerBytes += byteCount(tensor);
      this.innerPeak = Math.max(this.innerPeak, this.innerBytes);
      return;
    }
    const buffer = known ?? (isNew ? this.bear(tensor) : this.find(tensor));
    const variable = ofVariable(tensor);
    if (variable) this.change(buffer, variable.category, variable.owner);
  }

  private released(dataId: object): void {
    if (this.forget(dataId)) return;
    const buffer = this.buffers.release(dataId);
    if (buffer) for (const listener of this.listeners) listener.died(buffer);
  }

  /** Parameters, constants and batches stay what they are when the tape keeps them. */
  private saved(tensors: Tensor[]): void {
    for (const tensor of tensors) {
      const buffer = this.find(tensor);
      if (buffer.category === 'temporaries') this.change(buffer, 'savedActivations', currentScope().module);
    }
  }

  private change(buffer: Buffer, category: MemoryCategory, owner: string): void {
    if (buffer.category === category && buffer.owner === owner) return;
    buffer.category = category;
    buffer.owner = owner;
    for (const listener of this.listeners) listener.changed(buffer);
  }
}

/** tfjs's own optimizers keep their state in variables that are not trained. */
function ofVariable(tensor: TensorInfo): { category: MemoryCategory; owner: string } | undefined {
  // First what is cheap: this is asked at every birth.
  if ((tensor as Partial<Variable>).assign === undefined || !(tensor instanceof Variable)) return undefined;
  return { category: tensor.trainable ? 'parameters' : 'optimizer', owner: tensor.name };
}

function listed(inputs: WrappedCall['call']['inputs']): TensorInfo[] {
  const tensors: TensorInfo[] = [];
  for (const name in inputs) {
    const input = inputs[name] as TensorInfo | TensorInfo[] | undefined | null;
    if (Array.isArray(input)) tensors.push(...input);
    else if (input) tensors.push(input);
  }
  return tensors;
}

/** Puts a method of our own in front of the engine's, until the returned function is called. */
function override<M extends Method>(inside: Inside, method: M, make: (original: Inside[M]) => Inside[M]): () => void {
  const own = Object.getOwnPropertyDescriptor(inside, method);
  Object.defineProperty(inside, method, {
    ...{ value: make(inside[method]), configurable: true, writable: true, enumerable: false },
  });
  return () => {
    if (own) Object.defineProperty(inside, method, own);
    else delete (inside as unknown as Record<string, unknown>)[method];
  };
}
