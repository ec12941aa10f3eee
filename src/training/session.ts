// Model and trainer of a run on the current backend: new, resumed, or started from other weights.
import { Transformer } from '../architectures/transformer.ts';
import { type RunProgress, restore, restoreWeights } from './checkpoint.ts';
import type { RunPlan } from './plan.ts';
import { Trainer } from './trainer.ts';

export interface Session {
  readonly model: Transformer;
  readonly trainer: Trainer;
  /** where the run stands: zeros, or what its checkpoint remembers */
  readonly progress: RunProgress;
  dispose(): void;
}

/**
 * Builds model and trainer. The caller disposes the session.
 * @throws UserError where the checkpoint is of another model, seed or optimizer; nothing stays allocated then
 */
export async function openSession({ card, corpus, settings, resumed, initFrom }: RunPlan): Promise<Session> {
  const checkpoint = resumed?.checkpoint;
  const model = new Transformer(card, checkpoint || initFrom ? undefined : settings.seed);
  const trainer = new Trainer(model, corpus.train, settings);
  const dispose = () => {
    trainer.dispose();
    model.dispose();
  };
  try {
    if (initFrom) await restoreWeights(trainer, initFrom);
    const progress = checkpoint ? await restore(trainer, checkpoint) : { tokens: 0, seconds: 0 };
    return { model, trainer, progress, dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}
