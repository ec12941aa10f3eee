"""Makes golden folders with odd sizes, in the format of test/fixtures: python make.py FOLDER (needs torch, transformers, safetensors)."""

import json
import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy

SEQUENCES, LENGTH, PROMPT, GREEDY = 2, 21, 3, 16
ADAMW = {"lr": 2e-3, "betas": [0.9, 0.99], "eps": 1e-7, "weight_decay": 0.05}
NO_DROPOUT = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
LLAMA3_SCALING = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8,
}


def models():
    """No size is a multiple of four, so that a kernel that counts on whole vectors is caught."""
    llama = dict(vocab_size=23, hidden_size=15, intermediate_size=19, num_hidden_layers=2, num_attention_heads=3)
    llama |= dict(num_key_value_heads=1, head_dim=6, max_position_embeddings=29, tie_word_embeddings=True)
    if transformers.__version__.startswith("4"):
        rope = {"rope_theta": 10000.0, "rope_scaling": LLAMA3_SCALING}
    else:
        rope = {"rope_parameters": {"rope_theta": 10000.0, **LLAMA3_SCALING}}
    yield "llama3-odd", transformers.LlamaForCausalLM, transformers.LlamaConfig(**llama, **rope)

    gpt = dict(vocab_size=21, n_positions=27, n_embd=15, n_layer=2, n_head=3, n_inner=22, **NO_DROPOUT)
    bigcode = transformers.GPTBigCodeConfig(**gpt, multi_query=False, tie_word_embeddings=False)
    yield "bigcode-odd", transformers.GPTBigCodeForCausalLM, bigcode


def make(folder, model):
    folder.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            is_scale = ("norm" in name or "ln_" in name) and name.endswith("weight")
            weight.copy_(0.1 * torch.randn_like(weight) + (1.0 if is_scale else 0.0))
    model.save_pretrained(folder)

    vocabulary = model.config.vocab_size
    tokens = torch.randint(0, vocabulary, (SEQUENCES, LENGTH + 1))
    inputs, labels = tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()

    def forward():
        logits = model(input_ids=inputs).logits
        return logits, cross_entropy(logits.reshape(-1, vocabulary), labels.reshape(-1))

    logits, loss = forward()
    loss.backward()
    expected = {"input_ids": inputs.int(), "labels": labels.int(), "logits": logits, "loss": loss.reshape(1)}
    expected |= {f"grad.{name}": weight.grad for name, weight in model.named_parameters()}
    expected = {name: tensor.detach().contiguous().clone() for name, tensor in expected.items()}
    save_file(expected, folder / "expected.safetensors")

    prompt = inputs[0, :PROMPT].tolist()
    greedy = list(prompt)
    for _ in range(GREEDY):
        greedy.append(int(model(input_ids=torch.tensor([greedy])).logits[0, -1].argmax()))

    betas = tuple(ADAMW["betas"])
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=ADAMW["lr"], betas=betas, eps=ADAMW["eps"], weight_decay=ADAMW["weight_decay"]
    )
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        _, step_loss = forward()
        step_loss.backward()
        losses.append(step_loss.item())
        optimizer.step()

    document = {
        "source": f"transformers {transformers.__version__}, torch {torch.__version__}, float32 CPU, eager attention",
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "loss": loss.item(),
        "adamw": {**ADAMW, "decayed": "every parameter", "losses": losses},
        "greedy": {"prompt": prompt, "tokens": greedy},
    }
    (folder / "expected.json").write_text(json.dumps(document, indent=1) + "\n")


for name, model_class, config in models():
    torch.manual_seed(7)
    config._attn_implementation = "eager"
    make(Path(sys.argv[1]) / name, model_class(config).float())
