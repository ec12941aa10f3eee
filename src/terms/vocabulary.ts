// The words shared by formulas, traces and measurements: phases, terms, categories of memory, conventions of counting.

/** What a training or generation step is doing. `recompute` is the forward work repeated for a backward pass. */
export const PHASES = ['forward', 'backward', 'recompute', 'optimizer', 'sample'] as const;
export type Phase = (typeof PHASES)[number];

/** The pieces of work that a model consists of. */
export const FORWARD_TERMS = [
  'embedding.token',
  'embedding.position',
  'norm.layer',
  'norm.rms',
  'attention.qkv',
  'attention.rotary',
  'attention.scores',
  'attention.softmax',
  'attention.values',
  'attention.projection',
  'mlp.up',
  'mlp.gate',
  'mlp.activation',
  'mlp.down',
  'dropout.embedding',
  'dropout.attention',
  'dropout.residual',
  'residual',
  'head.logits',
  'loss.cross-entropy',
] as const;
export type ForwardTerm = (typeof FORWARD_TERMS)[number];

/**
 * A forward term, its two gradients (`/dx` with respect to activations, `/dw` with respect to weights; a product of two
 * activations, such as the scores, has both its gradients in `/dx`), or a step of the optimizer.
 */
export type TermId =
  | ForwardTerm
  | `${ForwardTerm}/dx`
  | `${ForwardTerm}/dw`
  | 'optimizer.clip'
  | 'optimizer.adamw'
  | 'optimizer.sgd'
  | 'tape.accumulate';

/** What a buffer is for. A buffer gets its category at birth. */
export const MEMORY_CATEGORIES = [
  'parameters',
  'gradients',
  'optimizer',
  'savedActivations',
  'temporaries',
  'constants',
  'batch',
  'kvCache',
] as const;
export type MemoryCategory = (typeof MEMORY_CATEGORIES)[number];

/**
 * Ways to count the FLOPs of a model: 6ND with all parameters or without embeddings, the documents' (3.2), full attention
 * with the head ("PaLM"), the same with half of the attention because of the causal mask, and the exact traced count.
 */
export const CONVENTIONS = ['6nd', '6nd-no-embedding', 'documents', 'palm', 'causal', 'traced'] as const;
export type Convention = (typeof CONVENTIONS)[number];
