// The backward pass: walks tfjs's tape from its end and releases what each node saved as soon as the node was used.
import { engine, type NamedTensorMap, type Tensor, tidy, Variable } from '@tensorflow/tfjs-core';
import { add } from '../kernels/elementwise.ts';
import { fill } from '../kernels/fill.ts';
import { identity } from '../kernels/shape.ts';
import { mark } from './categories.ts';
import { withScope } from './scope.ts';

interface TapeNode {
  kernelName: string;
  inputs: NamedTensorMap;
  outputs: Tensor[];
  saved?: Tensor[];
  gradient?: (dys: (Tensor | null)[]) => Record<string, () => Tensor>;
}

export interface ValueAndGradients {
  value: Tensor;
  /** One gradient for each tensor that was asked for, in its order; the caller disposes them. */
  gradients: Tensor[];
}

/**
 * The scalar `f()` and its gradients with respect to `xs`. Equal to tf.grads bit for bit, with a lower peak: saved tensors and
 * gradients of intermediate results are released on the way, not at the end. May be called outside or inside a tidy.
 * @param onSaved hears what lives for the backward pass, between forward and backward
 * @throws if an x does not influence f(), or if f, or a gradient, throws; nothing is leaked then
 */
export function valueAndGradients(
  f: () => Tensor,
  xs: Tensor[],
  onSaved?: (saved: readonly Tensor[]) => void,
): ValueAndGradients {
  const isNew = newTensors();
  const { value, tape } = record(f);
  try {
    onSaved?.(tape.flatMap(({ saved }) => saved ?? []));
    const gradients = tidy(() => walk(tape, value, xs));
    return { value, gradients };
  } catch (error) {
    if (isNew(value)) value.dispose();
    throw error;
  } finally {
    release(tape);
  }
}

/** Runs `f` with a tape of its own and hands the tape over, so that nested recordings do not see it. */
function record(f: () => Tensor): { value: Tensor; tape: TapeNode[] } {
  const { state } = engine() as unknown as { state: { activeTape: TapeNode[] | null; gradientDepth: number } };
  const outer = state.activeTape;
  // A nested startTape continues the outer tape; ours is separate, because it is consumed here.
  const tape: TapeNode[] = [];
  state.activeTape = tape;
  state.gradientDepth++;
  try {
    return { value: tidy(f), tape };
  } catch (error) {
    release(tape);
    throw error;
  } finally {
    state.gradientDepth--;
    state.activeTape = outer;
  }
}

function release(tape: TapeNode[]): void {
  for (const node of tape) {
    for (const tensor of node.saved ?? []) if (!tensor.isDisposed) tensor.dispose();
    node.saved = [];
  }
}

function walk(tape: TapeNode[], value: Tensor, xs: Tensor[]): Tensor[] {
  const wanted = dependents(tape, xs);
  const gradients = new Gradients(xs);
  gradients.set(
    value.id,
    withScope({ phase: 'backward', module: 'loss', term: 'loss.cross-entropy/dx' }, () => fill(value.shape, 1)),
  );
  for (const node of tape.toReversed()) {
    const dys = node.outputs.map((output) => gradients.get(output.id) ?? null);
    if (dys.some((dy) => dy !== null)) propagate(node, dys, wanted, gradients);
    for (const tensor of node.saved ?? []) tensor.dispose();
    node.saved = [];
    node.outputs.forEach((output) => {
      gradients.get(output.id)?.dispose();
      gradients.delete(output.id);
    });
  }
  return xs.map((x, index) => {
    const gradient = gradients.get(x.id);
    if (!gradient)
      throw new Error(`The value does not depend on input ${index} of shape [${x.shape}]: it has no gradient.`);
    return gradient;
  });
}

/** The gradients received so far, by the id of the tensor they belong to. Those of the xs are what the pass is for, and marked so. */
class Gradients extends Map<number, Tensor> {
  private readonly owners: ReadonlyMap<number, string>;

  constructor(xs: Tensor[]) {
    super();
    this.owners = new Map(xs.map((x, index) => [x.id, x instanceof Variable ? x.name : `input ${index}`]));
  }

  override set(id: number, gradient: Tensor): this {
    const owner = this.owners.get(id);
    return super.set(id, owner === undefined ? gradient : mark(gradient, 'gradients', owner));
  }
}

/** Ids of the xs and of every tensor computed from one of them. */
function dependents(tape: TapeNode[], xs: Tensor[]): Set<number> {
  const ids = new Set(xs.map((x) => x.id));
  for (const { inputs, outputs } of tape) {
    if (Object.values(inputs).some((input) => ids.has(input.id))) for (const output of outputs) ids.add(output.id);
  }
  return ids;
}

/** Runs a node's gradient and adds each result to what its input has received so far. */
function propagate(node: TapeNode, dys: (Tensor | null)[], wanted: Set<number>, gradients: Gradients): void {
  const inputs = Object.entries(node.inputs).filter(([, input]) => wanted.has(input.id));
  if (inputs.length === 0) return;
  if (!node.gradient) throw new Error(`Kernel ${node.kernelName} has no gradient.`);
  const received = tidy(() => {
    const isNew = newTensors();
    const of = node.gradient!(dys);
    const results = inputs.map(([name]) => of[name]!());
    // Each gradient is disposed on its own, so each must be a handle of its own: a rule may hand on dy, or one tensor twice.
    return results.map((result, i) => (isNew(result) && results.indexOf(result) === i ? result : another(result)));
  });
  inputs.forEach(([, input], i) => {
    const gradient = received[i]!;
    const before = gradients.get(input.id);
    if (!before) {
      gradients.set(input.id, gradient);
      return;
    }
    const total = withScope({ phase: 'backward', module: 'tape', term: 'tape.accumulate' }, () =>
      add(before, gradient),
    );
    before.dispose();
    gradient.dispose();
    gradients.set(input.id, total);
  });
}

const another = (x: Tensor): Tensor =>
  withScope({ phase: 'backward', module: 'tape', term: 'tape.accumulate' }, () => identity(x));

/** Tells tensors made from now on from those that others own. */
function newTensors(): (tensor: Tensor) => boolean {
  const first = (engine() as unknown as { nextTensorId(): number }).nextTensorId();
  return ({ id }) => id >= first;
}
