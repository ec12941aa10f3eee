// The model code that the measurement of norms runs.
import { ones, type Tensor, tensor1d, tidy, type Variable, variable, zeros } from '@tensorflow/tfjs-core';
import { Transformer } from '../../architectures/transformer.ts';
import type { ModelCard } from '../../cards/model-card.ts';
import { valueAndGradients } from '../../engine/backward.ts';
import { uniformInteger } from '../../engine/random.ts';
import { randomNormal } from '../../engine/random-kernels.ts';
import { layerNorm } from '../../ops/layer-norm.ts';
import { rmsNorm } from '../../ops/rms-norm.ts';
import { gradientNormsSync, Optimizer } from '../../training/optimizer.ts';

const RUNS = 15;

/** Milliseconds of one forward and backward pass over [rows, hidden]: the median of several. */
export function timeNorm(
  kind: 'layer' | 'rms',
  { rows, hidden }: { rows: number; hidden: number },
  now: () => number,
): number {
  const [x, scale, shift] = tidy(() => [
    variable(randomNormal([rows, hidden], 1, 1, 'norms.x')),
    variable(ones([hidden])),
    variable(zeros([hidden])),
  ]) as [Variable, Variable, Variable];
  const forward = () => (kind === 'layer' ? layerNorm(x, scale, shift, 1e-5) : rmsNorm(x, scale, 1e-5));
  const weights = kind === 'layer' ? [x, scale, shift] : [x, scale];
  const run = () => {
    const { value, gradients } = valueAndGradients(forward, weights);
    // Reading a gradient waits for a backend that computes later.
    gradients[1]!.dataSync();
    for (const tensor of [value, ...gradients]) tensor.dispose();
  };
  run();
  const times = Array.from({ length: RUNS }, () => {
    const start = now();
    run();
    return 1000 * (now() - start);
  });
  for (const tensor of [x, scale, shift]) tensor.dispose();
  return times.sort((a, b) => a - b)[Math.floor(RUNS / 2)]!;
}

const SHAPE = { batch: 8, sequence: 16 } as const;
const ADAMW = { kind: 'adamw', beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0, momentum: 0 } as const;

/** Sequences that count up from anywhere, and what follows each token. */
function countingBatch({ vocabulary }: ModelCard, step: number): { ids: Tensor; labels: Tensor } {
  const { batch, sequence } = SHAPE;
  const starts = Array.from({ length: batch }, (_, at) =>
    uniformInteger(1, 'norms.starts', step * batch + at, vocabulary),
  );
  const tokens = (ahead: number) =>
    Int32Array.from(
      { length: batch * sequence },
      (_, at) => (starts[Math.floor(at / sequence)]! + (at % sequence) + ahead) % vocabulary,
    );
  return { ids: tensor1d(tokens(0)), labels: tensor1d(tokens(1)) };
}

/** Gradient norms of the blocks at initialisation, and the loss before and after some steps at one learning rate. */
export async function trainShortly(card: ModelCard, steps: number) {
  const model = new Transformer(card, 1);
  const weights = model.namedWeights();
  const optimizer = new Optimizer(weights, ADAMW);
  const losses: number[] = [];
  let gradientsOfBlocks: number[] = [];
  for (let step = 0; step < steps; step++) {
    const { ids, labels } = countingBatch(card, step);
    const { value, gradients } = valueAndGradients(() => model.loss({ ids, ...SHAPE }, labels), model.variables());
    losses.push(value.dataSync()[0]!);
    if (step === 0)
      gradientsOfBlocks = blockNorms(
        gradients,
        weights.map(({ name }) => name),
      );
    optimizer.apply(gradients, 3e-3);
    for (const tensor of [value, ids, labels]) tensor.dispose();
  }
  optimizer.dispose();
  model.dispose();
  return { gradients: gradientsOfBlocks, first: losses[0]!, last: losses.at(-1)! };
}

/** The norm of the gradients of all weights of each block. */
function blockNorms(gradients: readonly Tensor[], names: readonly string[]): number[] {
  const squares: number[] = [];
  const { each } = gradientNormsSync(gradients, names);
  for (const [at, name] of names.entries()) {
    const block = /^blocks\.(\d+)\./.exec(name)?.[1];
    if (block !== undefined) squares[Number(block)] = (squares[Number(block)] ?? 0) + each[at]! ** 2;
  }
  return squares.map(Math.sqrt);
}
