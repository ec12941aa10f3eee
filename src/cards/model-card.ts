// The model card: an architecture with every size and choice filled in, made from the JSON of models/*.json.
import { checkArchitecture } from './card-rules.ts';
import { modelCardSchema, type ParsedModelCard } from './card-schema.ts';
import { throwFirstIssue } from './schema-errors.ts';

export type { ModelCardJson, RopeScaling } from './card-schema.ts';

/** An architecture with nothing left to guess: all sizes and choices are present. Serialised, it is a valid card again. */
export interface ModelCard extends Omit<ParsedModelCard, 'name' | 'title' | 'kvHeads' | 'headSize' | 'mlp' | 'norm'> {
  readonly name: string;
  readonly title: string;
  /** Heads of keys and values; `heads` for multi-head attention, 1 for multi-query attention. */
  readonly kvHeads: number;
  /** Width of one head; heads · headSize need not be hidden. */
  readonly headSize: number;
  readonly mlp: { kind: ParsedModelCard['mlp']['kind']; width: number };
  readonly norm: Omit<ParsedModelCard['norm'], 'bias'> & { bias: boolean };
}

/**
 * Checks a card and fills in its defaults: kvHeads = heads, headSize = hidden / heads, mlp.width = 4·hidden, a layer norm shifts,
 * an RMS norm does not, biases and dropout are off. Settings that the chosen kinds do not have (theta without RoPE) are reset.
 * @param json the parsed JSON of a card
 * @param name what to call the card, here and in errors; the card's own `name` wins
 * @throws UserError with one sentence that names the path of the first wrong field
 */
export function resolveModelCard(json: unknown, name = 'unnamed'): ModelCard {
  const result = modelCardSchema.safeParse(json);
  if (!result.success) throwFirstIssue(`Model card '${name}'`, modelCardSchema, json, result.error);
  const card = result.data;
  checkArchitecture(`Model card '${card.name ?? name}'`, card);
  const { kind } = card.positions;
  return {
    ...card,
    name: card.name ?? name,
    title: card.title ?? '',
    kvHeads: card.kvHeads ?? card.heads,
    headSize: card.headSize ?? card.hidden / card.heads,
    mlp: { kind: card.mlp.kind, width: card.mlp.width ?? 4 * card.hidden },
    norm: { ...card.norm, bias: card.norm.kind === 'layer' && (card.norm.bias ?? true) },
    positions: {
      kind,
      theta: kind === 'learned' ? 10_000 : card.positions.theta,
      scaling: kind === 'rope' ? card.positions.scaling : null,
    },
  };
}
