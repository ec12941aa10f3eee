// A card of about N parameters: an architecture made wider and deeper, or narrower and shallower, in its own proportions.
import { type ModelCard, resolveModelCard } from '../cards/model-card.ts';
import { UserError } from '../terms/user-error.ts';
import { countParameters } from '../theory/parameters.ts';

/** Widths are whole numbers of heads, and heads of large models a multiple of 8, so that tensor parallelism divides them. */
const HEADS_TOGETHER = 8;

function withSize(base: ModelCard, heads: number, layers: number, name: string): ModelCard {
  const hidden = heads * base.headSize;
  const ratio = base.mlp.width / base.hidden;
  const step = hidden >= 2048 ? 256 : 8;
  const kvHeads = base.kvHeads === base.heads ? heads : Math.min(base.kvHeads, heads);
  const { published: _published, title: _title, ...card } = base;
  return resolveModelCard(
    {
      ...card,
      name,
      title: `${base.name} scaled`,
      layers,
      hidden,
      heads,
      kvHeads: heads % kvHeads === 0 ? kvHeads : 1,
      mlp: { kind: base.mlp.kind, width: Math.max(step, Math.round((hidden * ratio) / step) * step) },
    },
    name,
  );
}

/**
 * The card of the family of `base` whose parameters come nearest to `parameters` without passing `most`. Depth and width grow
 * together (both as the cube root of N), within 30 % of the proportion of `base`; vocabulary and head size stay.
 * @throws UserError where even the smallest card of the family is larger than `most`
 */
export function scaledCard(base: ModelCard, parameters: number, most = Number.POSITIVE_INFINITY): ModelCard {
  const growth = Math.cbrt(parameters / Number(countParameters(base).total));
  const wantedHeads = base.heads * growth;
  const together = wantedHeads >= 2 * HEADS_TOGETHER ? HEADS_TOGETHER : 1;
  const proportion = base.hidden / base.layers;
  let best: { card: ModelCard; error: number } | undefined;
  const lowest = Math.max(together, Math.floor((wantedHeads * (together > 1 ? 0.5 : 0.2)) / together) * together);
  for (let heads = lowest; heads <= Math.max(lowest, wantedHeads * 1.6); heads += together) {
    const thin = withSize(base, heads, 1, 'scaled');
    const perLayer = Number(countParameters(withSize(base, heads, 2, 'scaled')).total - countParameters(thin).total);
    const ends = Number(countParameters(thin).total) - perLayer;
    const exact = (Math.min(parameters, most) - ends) / perLayer;
    const even = exact >= 16 ? 4 : 1;
    for (const layers of [Math.floor(exact / even) * even, Math.ceil(exact / even) * even]) {
      const total = ends + layers * perLayer;
      if (layers < 1 || total > most) continue;
      const shape = Math.abs(Math.log((heads * base.headSize) / layers / proportion));
      const error = 4 * Math.abs(Math.log(total / parameters)) + Math.max(0, shape - 0.26) + shape / 100;
      if (!best || error < best.error) {
        const millions =
          total >= 1e9 ? `${Number((total / 1e9).toPrecision(3))}b` : `${Number((total / 1e6).toPrecision(3))}m`;
        best = { card: withSize(base, heads, layers, `${base.name}-scaled-to-${millions}`), error };
      }
    }
  }
  if (best) return best.card;
  const asked = Math.round(Math.min(parameters, most)).toLocaleString('en-US');
  const smallest = countParameters(withSize(base, 1, 1, 'smallest')).total.toLocaleString('en-US');
  throw new UserError(
    `No model of the kind of '${base.name}' has about ${asked} parameters: the smallest, one head of ${base.headSize} in one layer ` +
      `under its vocabulary of ${base.vocabulary.toLocaleString('en-US')}, has ${smallest}; choose a family of a smaller vocabulary or allow more.`,
  );
}
