// The whole model: embedding, blocks, final norm, head. One list of layers that training, evaluation and tf.layers' LayersModel walk.
import { keep, type Tensor, tidy, type Variable } from '@tensorflow/tfjs-core';
import { input, type LayersModel, model as layersModel, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import type { ModelCard } from '../cards/model-card.ts';
import { weightShapes } from '../cards/weights.ts';
import { mark } from '../engine/categories.ts';
import type { DropoutSeed } from '../engine/random-kernels.ts';
import { inModule, withScope } from '../engine/scope.ts';
import type { CardLayerOptions, NamedWeight } from '../layers/card-layer.ts';
import { Embedding } from '../layers/embedding.ts';
import { Head } from '../layers/head.ts';
import { Norm } from '../layers/norm.ts';
import { type Constants, disposeConstants, makeConstants, type Pass } from '../layers/pass.ts';
import type { AttentionSettings } from '../ops/attention.ts';
import { crossEntropy } from '../ops/cross-entropy.ts';
import { Block } from './block.ts';

/** A batch of token windows: int32, row-major [batch, sequence], flattened. */
export interface Tokens {
  readonly ids: Tensor;
  readonly batch: number;
  readonly sequence: number;
}

export interface PassOptions {
  readonly dropout?: DropoutSeed;
  readonly keep?: AttentionSettings['keep'];
}

export class Transformer {
  readonly card: ModelCard;
  readonly embedding: Embedding;
  readonly blocks: readonly Block[];
  /** Absent where norms stand after the blocks: the last block ends with one. */
  readonly norm: Norm | undefined;
  readonly head: Head;
  private readonly constants = new Map<number, Constants>();

  /**
   * @param card the architecture; every size in it is final
   * @param seed of the initial weights; without it they are zeros and ones, to be loaded next
   */
  constructor(card: ModelCard, seed?: number) {
    this.card = card;
    const at = (path: string): CardLayerOptions => ({ card, path, ...(seed !== undefined && { seed }) });
    this.embedding = new Embedding(at('embedding'));
    this.blocks = Array.from({ length: card.layers }, (_, index) => new Block(at(`blocks.${index}`)));
    this.norm = card.norm.placement === 'pre' ? new Norm(at('norm')) : undefined;
    this.head = new Head(at('head'));
  }

  /**
   * Logits of every position.
   * @returns [batch·sequence, vocabulary]
   */
  logits(tokens: Tokens, options: PassOptions = {}): Tensor {
    const pass = this.pass(tokens, options);
    return withScope({ phase: 'forward' }, () =>
      tidy(() => {
        let x = this.embedding.forward(tokens.ids, pass); // [batch·sequence, hidden]
        for (const block of this.blocks) x = replace(x, block.forward(x, pass));
        if (this.norm) x = replace(x, this.norm.forward(x));
        return this.head.forward(x, this.embedding.table);
      }),
    );
  }

  /**
   * Mean cross-entropy of the labels, in nats per token.
   * @param labels [batch·sequence] int32: the token after each input token
   * @returns a scalar
   */
  loss(tokens: Tokens, labels: Tensor, options: PassOptions = {}): Tensor {
    return tidy(() => {
      const logits = this.logits(tokens, options);
      return withScope({ phase: 'forward' }, () => inModule('loss', () => crossEntropy(logits, labels)));
    });
  }

  /** All weights under the card's names, in the card's order. */
  namedWeights(): NamedWeight[] {
    const layers = [this.embedding, ...this.blocks, ...(this.norm ? [this.norm] : []), this.head];
    const byName = new Map(layers.flatMap((layer) => layer.namedWeights()).map((weight) => [weight.name, weight]));
    return weightShapes(this.card).map(({ name }) => byName.get(name)!);
  }

  /** The tensors to differentiate by, in the order of `namedWeights`. */
  variables(): Variable[] {
    return this.namedWeights().map(({ variable }) => variable);
  }

  /**
   * The same layers, weights shared, as a LayersModel: ids [batch, sequence] → logits [batch, sequence, vocabulary]. The weights live
   * until both this model and the LayersModel are disposed. `tf.loadLayersModel` loads what it saves.
   */
  layersModel(): LayersModel {
    const ids = input({ shape: [null], dtype: 'int32', name: 'ids' });
    const [embedded, table] = this.embedding.apply(ids) as SymbolicTensor[];
    let x = embedded!;
    for (const block of this.blocks) x = block.apply(x) as SymbolicTensor;
    if (this.norm) x = this.norm.apply(x) as SymbolicTensor;
    const logits = this.head.apply([x, table!]) as SymbolicTensor;
    return layersModel({ inputs: ids, outputs: logits, name: this.card.name });
  }

  private pass({ batch, sequence }: Tokens, { dropout, keep = 'nothing-quadratic' }: PassOptions): Pass {
    return { batch, sequence, keep, constants: this.constantsFor(sequence), ...(dropout && { dropout }) };
  }

  /** Kept for the two sequence lengths used last: training and evaluation. */
  private constantsFor(sequence: number): Constants {
    let constants = this.constants.get(sequence);
    if (!constants) {
      const [oldest] = this.constants.keys();
      if (oldest !== undefined && this.constants.size > 1) {
        disposeConstants(this.constants.get(oldest)!);
        this.constants.delete(oldest);
      }
      constants = makeConstants(this.card, sequence);
      for (const tensor of [constants.mask, constants.rotary?.cos, constants.rotary?.sin, constants.sinusoidal]) {
        if (tensor) mark(keep(tensor), 'constants', 'model');
      }
      this.constants.set(sequence, constants);
    }
    return constants;
  }

  /** Releases every constant, and the weights, unless a LayersModel still uses them. */
  dispose(): void {
    for (const layer of [this.embedding, ...this.blocks, this.norm, this.head]) layer?.dispose();
    for (const constants of this.constants.values()) disposeConstants(constants);
    this.constants.clear();
  }
}

/** `next` instead of `previous`, which nobody reads any more; what a gradient needs of it was saved. */
function replace(previous: Tensor, next: Tensor): Tensor {
  previous.dispose();
  return next;
}
