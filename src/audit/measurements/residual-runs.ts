// The relu blocks that the measurement of residual connections trains, wired from the model's operations.
import { type Tensor, tensor1d, tensor2d, tidy, type Variable, variable } from '@tensorflow/tfjs-core';
import { valueAndGradients } from '../../engine/backward.ts';
import { randomNormal } from '../../engine/random-kernels.ts';
import { relu } from '../../ops/activation.ts';
import { attention, causalMask } from '../../ops/attention.ts';
import { crossEntropy } from '../../ops/cross-entropy.ts';
import { tokenEmbedding } from '../../ops/embedding.ts';
import { linear } from '../../ops/linear.ts';
import { residual } from '../../ops/residual.ts';
import { rmsNorm } from '../../ops/rms-norm.ts';
import { sgd } from '../../ops/sgd.ts';
import { gradientNormsSync } from '../../training/optimizer.ts';

const SIZE = { batch: 8, sequence: 16, vocabulary: 64, hidden: 32, heads: 4 } as const;
const ROWS = SIZE.batch * SIZE.sequence;

interface Weights {
  readonly embedding: Variable;
  readonly blocks: readonly {
    readonly scale: Variable;
    readonly qkv: Variable;
    readonly out: Variable;
    readonly up: Variable;
    readonly down: Variable;
  }[];
}

function makeWeights(layers: number): Weights {
  const { hidden, vocabulary } = SIZE;
  const normal = (name: string, rows: number, columns: number) =>
    tidy(() => variable(randomNormal([rows, columns], rows ** -0.5, 1, `residuals.${name}`)));
  const blocks = Array.from({ length: layers }, (_, at) => ({
    scale: tidy(() => variable(tensor1d(new Float32Array(hidden).fill(1)))),
    qkv: normal(`${at}.qkv`, hidden, 3 * hidden),
    out: normal(`${at}.out`, hidden, hidden),
    up: normal(`${at}.up`, hidden, 4 * hidden),
    down: normal(`${at}.down`, 4 * hidden, hidden),
  }));
  return { embedding: normal('embedding', vocabulary, hidden), blocks };
}

/** Embedding, blocks, tied head. With one connection: x + MLP(Attention(norm(x))), as on the slide, behind a norm. */
function lossOf({ embedding, blocks }: Weights, connections: 1 | 2, ids: Tensor, labels: Tensor, mask: Tensor): Tensor {
  const { batch, sequence, hidden, heads } = SIZE;
  const settings = {
    batch,
    sequence,
    heads,
    kvHeads: heads,
    headSize: hidden / heads,
    mask,
    keep: 'nothing-quadratic',
  } as const;
  let x = tokenEmbedding(embedding, ids);
  for (const { scale, qkv, out, up, down } of blocks) {
    const mixed = attention(linear('attention.qkv', rmsNorm(x, scale, 1e-5), qkv), settings);
    const attended = linear('attention.projection', mixed, out);
    const y = connections === 2 ? residual(x, attended) : attended;
    const forMlp = connections === 2 ? rmsNorm(y, scale, 1e-5) : y;
    const inner = relu(linear('mlp.up', forMlp, up));
    x = residual(connections === 2 ? y : x, linear('mlp.down', inner, down));
  }
  return crossEntropy(linear('head.logits', x, embedding, undefined, true), labels);
}

/** Sequences that count up from places which differ from step to step, and what follows each token. */
function batchOf(step: number): { ids: Tensor; labels: Tensor } {
  const token = (at: number, ahead: number) =>
    (7 * step + 13 * Math.floor(at / SIZE.sequence) + (at % SIZE.sequence) + ahead) % SIZE.vocabulary;
  const tokens = (ahead: number) => tensor1d(Int32Array.from({ length: ROWS }, (_, at) => token(at, ahead)));
  return { ids: tokens(0), labels: tokens(1) };
}

/** Trains by plain gradient descent. */
export function trainResiduals(connections: 1 | 2, layers: number, steps: number) {
  const weights = makeWeights(layers);
  const perBlock = weights.blocks.map((block) => Object.values(block) as Variable[]);
  const variables = [weights.embedding, ...perBlock.flat()];
  const mask = tensor2d(causalMask(SIZE.sequence), [SIZE.sequence, SIZE.sequence]);
  const losses: number[] = [];
  let gradientsOfBlocks: number[] = [];
  for (let step = 0; step < steps; step++) {
    const { ids, labels } = batchOf(step);
    const { value, gradients } = valueAndGradients(() => lossOf(weights, connections, ids, labels, mask), variables);
    losses.push(value.dataSync()[0]!);
    if (step === 0) {
      const { each } = gradientNormsSync(
        gradients,
        variables.map(({ name }) => name),
      );
      const width = perBlock[0]!.length;
      gradientsOfBlocks = perBlock.map((_, block) =>
        Math.hypot(...each.slice(1 + block * width, 1 + (block + 1) * width)),
      );
    }
    variables.forEach((weight, at) => {
      descend(weight, gradients[at]!);
    });
    for (const tensor of [value, ids, labels, ...gradients]) tensor.dispose();
  }
  for (const tensor of [mask, ...variables]) tensor.dispose();
  return { gradients: gradientsOfBlocks, first: losses[0]!, last: losses.at(-1)! };
}

function descend(weight: Variable, gradient: Tensor): void {
  tidy(() => {
    const factors = { learningRate: 0.05, momentum: 0, decay: 0, gradientScale: 1 };
    // Without momentum the velocity before does not matter.
    const [next] = sgd(weight, gradient, gradient, factors);
    weight.assign(next as never);
  });
}
