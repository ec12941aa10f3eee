// yarn list: the model cards, datasets, hardware and backends that there are to choose from.
import { listDatasets } from '../src/data/datasets.ts';
import { listBackends } from '../src/engine/backends.ts';
import { loadModelCard, modelCardNames } from '../src/node/cards.ts';
import { nodeDataHost } from '../src/node/data-host.ts';
import { hardwareNames, loadHardware } from '../src/node/hardware.ts';
import { catalogueDocument, catalogueLines } from '../src/report/catalogue.ts';
import { palette } from '../src/report/palette.ts';
import { runCommand } from './support/cli.ts';

runCommand({
  name: 'list',
  summary: 'The model cards, datasets, hardware and backends that there are to choose from.',
  options: {},
  handler: async (_args, { out }) => {
    const catalogue = {
      models: modelCardNames().map((arch) => loadModelCard({ arch })),
      datasets: await listDatasets(nodeDataHost()),
      hardware: hardwareNames().map(loadHardware),
      backends: await listBackends(),
    };
    for (const line of catalogueLines(catalogue, palette(out.colour), out.columns)) out.say(line);
    out.document(catalogueDocument(catalogue));
  },
});
