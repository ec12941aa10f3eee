// config.json in the spellings of transformers 4 and 5 becomes the right card; what no card can say is refused by key and value.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ModelCard } from '../../src/cards/model-card.ts';
import { weightShapes, weightSize } from '../../src/cards/weights.ts';
import { parseHuggingFaceConfig, readHuggingFaceConfig } from '../../src/formats/hugging-face-config.ts';
import { MemoryStorage } from '../../src/formats/memory-storage.ts';
import { nodeStorage } from '../../src/node/storage.ts';
import { UserError } from '../../src/terms/user-error.ts';

const parse = (json: unknown) => parseHuggingFaceConfig(json, 'config.json', 'test');
const cardOf = (json: unknown) => parse(json).card;
const parameters = (card: ModelCard) => weightShapes(card).reduce((sum, weight) => sum + weightSize(weight), 0n);
const refuse = (json: unknown, sentence: string) => {
  expect(() => parse(json)).toThrow(UserError);
  expect(() => parse(json)).toThrow(sentence);
};

describe('the golden models', () => {
  test.each(['gpt2-tiny', 'llama3-tiny', 'llama3-tiny-config4', 'mqa-tiny'])('%s has its parameters', async (name) => {
    const folder = `test/fixtures/${name}`;
    const { card } = await readHuggingFaceConfig(nodeStorage, folder);
    const expected = JSON.parse(readFileSync(`${folder}/expected.json`, 'utf8'));
    expect(parameters(card)).toBe(BigInt(expected.parameters));
    expect(card.name).toBe(name);
  });

  test('transformers 4 and 5 spell one card', async () => {
    const [five, four] = await Promise.all(
      ['llama3-tiny', 'llama3-tiny-config4'].map((name) => readHuggingFaceConfig(nodeStorage, `test/fixtures/${name}`)),
    );
    expect({ ...four?.card, name: '' }).toEqual({ ...five?.card, name: '' });
  });

  test('the cards in full', async () => {
    const { kind, card } = await readHuggingFaceConfig(nodeStorage, 'test/fixtures/mqa-tiny');
    expect(kind).toBe('gpt_bigcode');
    expect(card).toMatchObject({
      layers: 2,
      hidden: 60,
      heads: 5,
      kvHeads: 1,
      headSize: 12,
      vocabulary: 89,
      context: 40,
      tied: true,
      layout: 'sequential',
      mlp: { kind: 'gelu-tanh', width: 200 },
      norm: { kind: 'layer', epsilon: 1e-5, placement: 'pre', bias: true, perBlock: 2 },
      positions: { kind: 'learned' },
      bias: { qkv: true, projection: true, mlp: true, head: false },
      dropout: { embedding: 0, attention: 0, residual: 0 },
      initialization: { deviation: 0.1 },
    });
    expect((await readHuggingFaceConfig(nodeStorage, 'test/fixtures/llama3-tiny')).card).toMatchObject({
      hidden: 64,
      heads: 8,
      kvHeads: 2,
      headSize: 8,
      tied: false,
      mlp: { kind: 'swiglu', width: 112 },
      norm: { kind: 'rms', epsilon: 1e-5, bias: false },
      positions: { kind: 'rope', theta: 500_000, scaling: null },
      bias: { qkv: false, projection: false, mlp: false, head: false },
    });
  });
});

describe("what is left out has transformers' defaults", () => {
  test('GPT-2 small has 124,439,808 parameters', () => {
    const card = cardOf({ model_type: 'gpt2' });
    expect(parameters(card)).toBe(124_439_808n);
    expect(card).toMatchObject({
      mlp: { kind: 'gelu-tanh' },
      dropout: { embedding: 0.1, attention: 0.1, residual: 0.1 },
    });
  });
  test('Llama-2 7B has 6,738,415,616 parameters', () => {
    const card = cardOf({ architectures: ['LlamaForCausalLM'] });
    expect(parameters(card)).toBe(6_738_415_616n);
    expect(card).toMatchObject({ context: 2048, norm: { epsilon: 1e-6 }, positions: { theta: 10_000 } });
  });
  test('Mistral 7B has 7,241,732,096 parameters', () => {
    const card = cardOf({ model_type: 'mistral', sliding_window: null });
    expect(parameters(card)).toBe(7_241_732_096n);
    expect(card.kvHeads).toBe(8);
  });
  test('GPT-BigCode has one key/value head', () => {
    expect(cardOf({ model_type: 'gpt_bigcode' })).toMatchObject({ kvHeads: 1, headSize: 64, vocabulary: 50257 });
    expect(cardOf({ model_type: 'gpt_bigcode', multi_query: false }).kvHeads).toBe(12);
  });
  test('general names stand for GPT-2’s own', () => {
    const general = { hidden_size: 32, num_attention_heads: 4, num_hidden_layers: 1, max_position_embeddings: 16 };
    expect(cardOf({ model_type: 'gpt2', ...general })).toMatchObject({ hidden: 32, heads: 4, layers: 1, context: 16 });
    expect(cardOf({ model_type: 'gpt2', ...general, n_embd: 64 }).hidden).toBe(64);
  });
});

describe('settings', () => {
  const llama = { model_type: 'llama', hidden_size: 64, num_attention_heads: 4, intermediate_size: 96, vocab_size: 50 };

  test.each([
    ['gelu', 'gelu'],
    ['gelu_new', 'gelu-tanh'],
    ['gelu_fast', 'gelu-tanh'],
    ['gelu_pytorch_tanh', 'gelu-tanh'],
    ['relu', 'relu'],
  ])('activation %s is %s', (theirs, ours) => {
    expect(cardOf({ model_type: 'gpt2', activation_function: theirs }).mlp.kind).toBe(ours);
  });

  test('head size apart from hidden / heads', () => {
    expect(cardOf({ ...llama, head_dim: 24 }).headSize).toBe(24);
    expect(cardOf({ ...llama, head_dim: null }).headSize).toBe(16);
    expect(cardOf({ ...llama, hidden_size: 65, head_dim: 24 })).toMatchObject({ hidden: 65, headSize: 24 });
  });

  test('attention_bias covers query, key, value and output; mlp_bias all three of the MLP', () => {
    const both = { qkv: true, projection: true, mlp: true, head: false };
    expect(cardOf({ ...llama, attention_bias: true, mlp_bias: true }).bias).toEqual(both);
    expect(cardOf({ ...llama, attention_bias: true }).bias).toEqual({ ...both, mlp: false });
  });

  test('tied and untied', () => {
    expect(cardOf({ ...llama, tie_word_embeddings: true }).tied).toBe(true);
    expect(cardOf({ model_type: 'gpt2', tie_word_embeddings: false }).tied).toBe(false);
  });

  const stretched = {
    factor: 8,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 32,
    rope_type: 'llama3',
  };
  const scaling = { kind: 'llama3', factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 32 };

  test('llama3 scaling in both spellings', () => {
    const four = cardOf({ ...llama, rope_theta: 500_000, rope_scaling: stretched });
    const five = cardOf({ ...llama, rope_parameters: { ...stretched, rope_theta: 500_000 } });
    expect(four.positions).toEqual({ kind: 'rope', theta: 500_000, scaling });
    expect(five.positions).toEqual(four.positions);
  });

  test('the older key "type", the context where the original one is missing, theta inside before theta outside', () => {
    const { original_max_position_embeddings: _, rope_type: __, ...rest } = stretched;
    const card = cardOf({
      ...llama,
      rope_theta: 7,
      rope_scaling: { ...rest, type: 'llama3', rope_theta: 9 },
      max_position_embeddings: 128,
    });
    expect(card.positions).toEqual({ kind: 'rope', theta: 9, scaling: { ...scaling, originalContext: 128 } });
    expect(cardOf({ ...llama, rope_scaling: { rope_type: 'default' } }).positions.scaling).toBeNull();
    expect(cardOf({ ...llama, rope_scaling: {}, rope_parameters: stretched }).positions.scaling).toEqual(scaling);
  });

  test('Mistral’s context ends with its window, within which attention is full', () => {
    const mistral = { ...llama, model_type: 'mistral', max_position_embeddings: 512, num_key_value_heads: null };
    expect(cardOf({ ...mistral, sliding_window: 512 }).context).toBe(512);
    expect(cardOf({ ...mistral, sliding_window: 1024 }).context).toBe(512);
    expect(cardOf({ ...mistral, sliding_window: null }).context).toBe(512);
    expect(cardOf({ ...mistral, sliding_window: 128 }).context).toBe(128);
  });

  test('what no card can say is refused with key, value and what is supported', () => {
    const gpt2 = { model_type: 'gpt2' };
    const inverse = { ...gpt2, scale_attn_by_inverse_layer_idx: true };
    refuse(inverse, "'scale_attn_by_inverse_layer_idx' is true and must be false");
    refuse({ ...gpt2, scale_attn_weights: false }, "'scale_attn_weights' is false and must be true");
    refuse({ ...gpt2, add_cross_attention: true }, "'add_cross_attention' is true");
    refuse({ ...gpt2, activation_function: 'mish' }, "'activation_function' is 'mish' and must be gelu, gelu_python,");
    refuse({ ...llama, hidden_act: 'gelu' }, "'hidden_act' is 'gelu' and must be silu or swish");
    refuse({ ...llama, rope_scaling: { type: 'linear', factor: 2 } }, "'rope_scaling.type' is 'linear' and must be");
    refuse({ ...llama, rope_parameters: { rope_type: 'yarn' } }, "'rope_parameters.rope_type' is 'yarn' and must be");
    refuse({ ...llama, rope_scaling: { rope_type: 'llama3' } }, "'rope_scaling.factor' is missing");
    refuse({ ...llama, partial_rotary_factor: 0.5 }, "'partial_rotary_factor' is 0.5 and must be 1");
    refuse({ ...llama, quantization_config: { bits: 4 } }, "'quantization_config' is set");
    refuse({ ...llama, num_attention_heads: 'four' }, "'num_attention_heads' is 'four' and must be a whole number");
    refuse({ ...llama, num_key_value_heads: 3 }, 'heads 4 does not divide by kvHeads 3');
    refuse({ ...gpt2, n_layer: 0 }, "'n_layer' is 0");
  });

  test('kinds that are not supported, or contradict themselves', () => {
    refuse({ model_type: 'bert' }, '\'model_type\' is "bert"; supported are GPT2LMHeadModel (gpt2),');
    refuse({}, "'model_type' is missing");
    refuse(
      { architectures: ['GPT2ForSequenceClassification'] },
      '\'architectures\' is ["GPT2ForSequenceClassification"]',
    );
    refuse(
      { model_type: 'llama', architectures: ['GPT2LMHeadModel'] },
      "'model_type' is 'llama', but 'architectures' is",
    );
    refuse([], "'config.json' must hold a JSON object");
  });
});

test('a config that is missing or no JSON', async () => {
  const storage = new MemoryStorage();
  await expect(readHuggingFaceConfig(storage, 'm')).rejects.toThrow("Cannot read 'm/config.json'");
  await storage.makeFolder('m');
  await storage.write('m/config.json', new TextEncoder().encode('{'));
  await expect(readHuggingFaceConfig(storage, 'm')).rejects.toThrow("'m/config.json' is not JSON text");
});
