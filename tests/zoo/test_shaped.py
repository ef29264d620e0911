"""The random models are what the tests of edits take them for."""

from __future__ import annotations

import pytest
import torch
from shaped import D_VOCAB, N_CTX, N_HEADS, N_LAYERS, NAMES, WINDOW
from transformers import AutoModelForCausalLM

IDS = torch.randint(1, D_VOCAB, (2, 20), generator=torch.Generator().manual_seed(0))
SLIDING = {"mistral": {0, 1, 2}, "gemma2": {0, 2}, "gemma3": {0, 2}, "gpt-neo": {1}}


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_a_bridge_equals_plain_hugging_face(name, shaped_bridges, shaped_folders):
    bridge = shaped_bridges(name)
    plain = AutoModelForCausalLM.from_pretrained(shaped_folders(name), attn_implementation="eager")
    assert torch.allclose(bridge(IDS), plain.eval()(IDS).logits, atol=2e-5)
    assert (bridge.cfg.n_layers, bridge.cfg.n_heads) == (N_LAYERS, N_HEADS)
    assert bridge.cfg.n_ctx == N_CTX
    assert not bridge.training
    for parameter_name, parameter in plain.named_parameters():
        assert (parameter != 0).all(), parameter_name


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_sliding_windows_bite(name, shaped_bridges):
    bridge = shaped_bridges(name)
    _, cache = bridge.run_with_cache(IDS)
    far = torch.ones(20, 20, dtype=torch.bool).tril(-WINDOW)
    for layer in range(N_LAYERS):
        reach = cache[f"blocks.{layer}.attn.hook_pattern"][..., far].max()
        assert (reach == 0) == (layer in SLIDING.get(name, set())), layer


def test_a_folder_is_safe_and_may_hold_a_tokenizer(shaped_folders):
    plain, text = shaped_folders("llama"), shaped_folders("llama", tokenizer=True)
    assert {p.name for p in plain.iterdir()} >= {"config.json", "model.safetensors"}
    assert not (plain / "tokenizer.json").exists()
    assert (text / "tokenizer.json").exists()


def test_grouped_queries(shaped_bridges):
    assert shaped_bridges("llama").cfg.n_key_value_heads == 2
