// A process for tests: writes checkpoints of rising steps into the run folder it is given, until it is killed.
import { saveCheckpoint } from '../../src/formats/checkpoint.ts';
import { nodeStorage } from '../../src/node/storage.ts';
import { contentOf } from './checkpoint-content.ts';

for (let step = Number(process.argv[3]); ; step++) {
  await saveCheckpoint(nodeStorage, process.argv[2]!, contentOf(step), { keep: 2 });
  process.stdout.write(`${step}\n`);
}
