"""A random model that reads every word of every task: what is measured on it is chance."""

from __future__ import annotations

from functools import cache

import torch
from tasks.tokenizers import every_word_tokenizer
from transformer_lens.model_bridge.sources import build_bridge_from_module
from transformers import GPT2Config, GPT2LMHeadModel

import headwidgets as hw

N_CTX = 256


@cache
def reader_bridge():
    """Build it: GPT-2's shape, one layer of two heads, 256 positions."""
    tokenizer = every_word_tokenizer()
    config = GPT2Config(
        vocab_size=len(tokenizer), n_embd=16, n_layer=1, n_head=2, n_positions=N_CTX
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4)  # GPT-2 starts with differences too small to see
    return build_bridge_from_module(
        model,
        "GPT2LMHeadModel",
        hf_config=model.config,
        tokenizer=tokenizer,
        model_name="random reader",
    ).eval()


def reader():
    """Return a fresh session over it; no token is put in front."""
    return hw.Session(reader_bridge())
