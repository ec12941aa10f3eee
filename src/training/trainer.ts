// A model, its optimizer and its position in the data: one step at a time. Printing, files and clocks are others' work.
import type { Transformer } from '../architectures/transformer.ts';
import { TrainingBatches } from '../data/batches.ts';
import type { TokenArray } from '../data/corpus-cache.ts';
import type { NamedWeight } from '../layers/card-layer.ts';
import { UserError } from '../terms/user-error.ts';
import { divergence, hasDiverged } from './divergence.ts';
import { gradientNorms, Optimizer } from './optimizer.ts';
import { learningRateAt } from './schedule.ts';
import type { TrainingSettings } from './settings.ts';
import { forwardBackward, MOST_MICRO_BATCHES, readLosses } from './step.ts';

export interface StepResult {
  /** updates made, this one included */
  readonly step: number;
  /** mean over the step's tokens, before the update */
  readonly loss: number;
  readonly learningRate: number;
  /** global norm before clipping */
  readonly gradientNorm: number;
  readonly tokens: number;
}

export class Trainer {
  readonly model: Transformer;
  readonly optimizer: Optimizer;
  readonly settings: TrainingSettings;
  private readonly weights: NamedWeight[];
  private readonly names: string[];
  private readonly batches: TrainingBatches;

  /** @throws UserError where the tokens do not hold one batch, or a step has too many micro-batches */
  constructor(model: Transformer, tokens: TokenArray, settings: TrainingSettings) {
    this.model = model;
    this.settings = settings;
    this.weights = model.namedWeights();
    this.names = this.weights.map(({ name }) => name);
    const { batch, accumulation, sequence, seed } = settings;
    if (accumulation > MOST_MICRO_BATCHES) {
      throw new UserError(
        `--accumulate ${accumulation} is more than the ${MOST_MICRO_BATCHES} micro-batches a step may have.`,
      );
    }
    this.batches = new TrainingBatches(tokens, batch * accumulation, sequence, { seed, step: 0 });
    this.optimizer = new Optimizer(this.weights, settings.optimizer);
  }

  /** Updates made so far. */
  get step(): number {
    return this.optimizer.step;
  }

  /** Tokens of one step. */
  get tokensPerStep(): number {
    const { batch, accumulation, sequence } = this.settings;
    return batch * accumulation * sequence;
  }

  /** Forward and backward of the next step's first micro-batch, without an update: to warm up, to time. */
  async rehearse(): Promise<void> {
    const { batch, seed } = this.settings;
    const microBatch = this.batches.rows(this.step, 0, batch);
    const { losses, gradients } = forwardBackward(this.model, [microBatch], { dropoutSeed: seed });
    for (const gradient of gradients) gradient.dispose();
    await readLosses(losses);
  }

  /**
   * One update. Everything random in it follows from the seed and the number of the step.
   * @throws UserError where the loss or a gradient is not finite or explodes; nothing was updated then
   */
  async advance(): Promise<StepResult> {
    const { batch, accumulation, clip, seed } = this.settings;
    const { step } = this;
    const microBatches = Array.from({ length: accumulation }, (_, i) => this.batches.rows(step, i * batch, batch));
    const { losses, gradients } = forwardBackward(this.model, microBatches, { step, dropoutSeed: seed });
    const learningRate = learningRateAt(this.settings, step);
    try {
      const loss = await readLosses(losses);
      const { total, each } = await gradientNorms(gradients, this.names);
      const norms = each.map((norm) => norm / accumulation);
      await this.refuseDivergence(loss, norms);
      const gradientNorm = total / accumulation;
      const clipped = clip === false ? 1 : Math.min(1, clip / (gradientNorm + 1e-6));
      this.optimizer.apply(gradients, learningRate, clipped / accumulation);
      return { step: step + 1, loss, learningRate, gradientNorm, tokens: this.tokensPerStep };
    } finally {
      for (const gradient of gradients) gradient.dispose();
    }
  }

  private async refuseDivergence(loss: number, norms: Float32Array): Promise<void> {
    const { settings, step, names } = this;
    const { vocabulary } = this.model.card;
    if (!hasDiverged(loss, norms, vocabulary)) return;
    const { each: weights } = await gradientNorms(this.model.variables(), names);
    throw divergence({ step: step + 1, loss, vocabulary, names, norms, weights, settings });
  }

  /** Releases the optimizer's state; the model stays its owner's. */
  dispose(): void {
    this.optimizer.dispose();
  }
}
