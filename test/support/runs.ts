// A run folder made by hand: a checkpoint of a seeded model and its tokenizer.
import { Transformer } from '../../src/architectures/transformer.ts';
import type { ModelCard } from '../../src/cards/model-card.ts';
import type { Tokenizer } from '../../src/data/tokenizers/tokenizer.ts';
import { saveCheckpoint } from '../../src/formats/checkpoint.ts';
import { joinPath, type Storage } from '../../src/formats/storage.ts';

/** Writes `folder/tokenizer.json` (where there is one) and checkpoints of the given steps, each of a model seeded by its step. */
export async function writeRun(
  storage: Storage,
  folder: string,
  card: ModelCard,
  tokenizer?: Tokenizer,
  steps: readonly number[] = [1],
): Promise<void> {
  await storage.makeFolder(folder);
  if (tokenizer) await storage.write(joinPath(folder, 'tokenizer.json'), encode(tokenizer.toJSON()));
  for (const step of steps) {
    const model = new Transformer(card, step);
    const weights = model.namedWeights().map(({ name, shape, variable }) => ({
      name,
      shape,
      data: () => Float32Array.from(variable.dataSync<'float32'>()),
    }));
    const content = { step, card, versions: {}, progress: {}, weights, optimizer: [] };
    await saveCheckpoint(storage, folder, content, { keep: steps.length });
    model.dispose();
  }
}

const encode = (json: unknown) => new TextEncoder().encode(JSON.stringify(json));
