// Writes down what the hooks hear, as cheaply as it can; what needs arithmetic is computed when the profile has ended.
import { currentScope } from '../engine/scope.ts';
import { bytesOf, findDeclaration, type TensorSpec } from '../kernels/declaration.ts';
import { UserError } from '../terms/user-error.ts';
import type { Buffer } from './buffers.ts';
import type { BufferBirth, KernelRun, ProfileEvent } from './events.ts';
import type { Listener, RawKernel } from './hooks.ts';

type RawEvent = RawKernel | Exclude<ProfileEvent, KernelRun>;

export class Recorder implements Listener {
  private readonly raw: RawEvent[] = [];
  private readonly residents: BufferBirth[] = [];
  private readonly numbers = new WeakMap<Buffer, number>();
  private readonly unknown = new Map<string, number>();
  private births = 0;

  constructor(private readonly allowUnknown: boolean) {}

  before(kernel: string): void {
    if (findDeclaration(kernel)) return;
    if (!this.allowUnknown) {
      throw new UserError(
        `Kernel ${kernel} has no rule for its FLOPs and bytes: give it one with declareKernel, or pass allowUnknown to list it.`,
      );
    }
    this.unknown.set(kernel, (this.unknown.get(kernel) ?? 0) + 1);
  }

  kernel(run: RawKernel): void {
    this.raw.push(run);
  }

  born(buffer: Buffer): void {
    this.births++;
    this.numbers.set(buffer, this.births);
    this.raw.push(birthOf(buffer, this.births));
  }

  found(buffer: Buffer): void {
    const number = -this.residents.length;
    this.numbers.set(buffer, number);
    this.residents.push(birthOf(buffer, number));
  }

  died(buffer: Buffer): void {
    const number = this.numbers.get(buffer);
    if (number !== undefined) this.raw.push({ kind: 'death', buffer: number });
  }

  changed(buffer: Buffer): void {
    const number = this.numbers.get(buffer);
    const { category, owner } = buffer;
    if (number !== undefined) this.raw.push({ kind: 'change', buffer: number, category, owner, scope: currentScope() });
  }

  /** Everything heard so far, with times counted from `begin`. */
  finish(begin: number): {
    events: ProfileEvent[];
    residents: BufferBirth[];
    unknown: { name: string; runs: number }[];
  } {
    const events = this.raw.map((event) => (event.kind === 'raw' ? kernelRun(event, begin) : event));
    const unknown = [...this.unknown].map(([name, runs]) => ({ name, runs }));
    return { events, residents: [...this.residents], unknown };
  }
}

function birthOf({ bytes, shape, dtype, category, owner }: Buffer, buffer: number): BufferBirth {
  return { kind: 'birth', buffer, bytes, shape, dtype, category, owner, scope: currentScope() };
}

const specOf = ({ shape, dtype }: TensorSpec): TensorSpec => ({ shape, dtype });

function kernelRun(run: RawKernel, begin: number): KernelRun {
  const { name, scope, attributes, start, end, workspace } = run;
  const inputs = run.inputs.map(specOf);
  const outputs = run.outputs.map(specOf);
  const declaration = findDeclaration(name);
  const call = { inputs, attributes };
  const total = (specs: readonly TensorSpec[]) => specs.reduce((bytes, spec) => bytes + bytesOf(spec), 0n);
  return {
    ...{ kind: 'kernel', name, scope, inputs, outputs, attributes, workspace },
    declared: declaration !== undefined,
    flops: declaration?.flops(call) ?? 0n,
    ...(declaration?.bytes?.(call) ?? { read: total(inputs), written: total(outputs) }),
    startMs: start - begin,
    milliseconds: end - start,
  };
}
