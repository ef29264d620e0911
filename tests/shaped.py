"""Random-weight models by architecture, as Hugging Face folders: no network, a second each.

All have 3 layers, 4 heads of width 16, d_model 64, 512 tokens and 128 positions. Norms and biases
are random too (a bias of zero would hide a forgotten bias), sliding windows are 6 tokens, and
Gemma's soft caps are low enough to bend.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
import torch
import transformers
from transformer_lens.model_bridge.sources import build_bridge_from_module

from headwidgets.zoo.planted_tokenizer import planted_tokenizer
from headwidgets.zoo.shipped import FOLDER as BUNDLED

if TYPE_CHECKING:
    from pathlib import Path

    from transformer_lens import TransformerBridge

D_VOCAB, D_MODEL, N_LAYERS, N_HEADS, N_CTX, WINDOW = 512, 64, 3, 4, 128, 6

_TOKENS = {"vocab_size": D_VOCAB, "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0}
_WIDE = {
    **_TOKENS,
    "hidden_size": D_MODEL,
    "num_hidden_layers": N_LAYERS,
    "num_attention_heads": N_HEADS,
    "max_position_embeddings": N_CTX,
}
_LLAMA = {**_WIDE, "intermediate_size": 96, "num_key_value_heads": 2, "head_dim": 16}
_GEMMA = {
    **_LLAMA,
    "sliding_window": WINDOW,
    "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
    "query_pre_attn_scalar": 16,
}

_CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "gpt2": (
        "GPT2Config",
        {
            **_TOKENS,
            "n_embd": D_MODEL,
            "n_layer": N_LAYERS,
            "n_head": N_HEADS,
            "n_positions": N_CTX,
        },
    ),
    "neox": (
        "GPTNeoXConfig",
        {**_WIDE, "intermediate_size": 96, "use_parallel_residual": True, "rotary_pct": 0.5},
    ),
    "llama": ("LlamaConfig", {**_LLAMA, "attention_bias": True, "mlp_bias": True}),
    "mistral": ("MistralConfig", {**_LLAMA, "sliding_window": WINDOW}),
    "gemma2": (
        "Gemma2Config",
        {**_GEMMA, "attn_logit_softcapping": 4.0, "final_logit_softcapping": 8.0},
    ),
    "gemma3": ("Gemma3TextConfig", _GEMMA),
    "opt": (
        "OPTConfig",
        {**_WIDE, "ffn_dim": 96, "word_embed_proj_dim": D_MODEL, "dropout": 0.0},
    ),
    "gpt-neo": (
        "GPTNeoConfig",
        {
            **_TOKENS,
            "hidden_size": D_MODEL,
            "num_layers": N_LAYERS,
            "num_heads": N_HEADS,
            "max_position_embeddings": N_CTX,
            "window_size": WINDOW,
            "attention_types": [[["global", "local", "global"], 1]],
        },
    ),
}
_POSITIONS = defaultdict(lambda: "max_position_embeddings", GPT2Config="n_positions")
READ_CTX = 256
NAMES = tuple(_CONFIGS)
QUICK = ("gpt2", "neox", "llama", "gemma2")
"""The four that differ most: plain, parallel blocks, grouped queries, norms after."""
ALL = [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in NAMES]
"""Every architecture, those that are not in `QUICK` in ``make verify`` only."""


def folder(name: str, path: Path, *, tokenizer: bool = False, seed: int = 0, **other: Any) -> Path:
    """Write the folder ``path / name`` of a random model: config.json and model.safetensors.

    With `tokenizer`, the planted model's tokenizer is saved beside them (in ``path / name-text``).
    `other` is what its configuration says otherwise.
    """
    class_name, options = _CONFIGS[name]
    config = getattr(transformers, class_name)(**options | other)
    with torch.random.fork_rng(devices=[]):
        model = transformers.AutoModelForCausalLM.from_config(config)
    _randomise(model, seed)
    target = path / (f"{name}-text" if tokenizer else name)
    model.save_pretrained(target, safe_serialization=True)
    if tokenizer:
        planted_tokenizer().save_pretrained(target)
    return target


def reading(name: str, *, seed: int = 0, size: float = 1.0) -> TransformerBridge:
    """Boot a random model that reads text: with the bundled model's tokenizer and vocabulary.

    At `size` 1 the scores of its attention spread by about 1, at 2 by about 4: it is then sharp.
    """
    tokenizer = transformers.AutoTokenizer.from_pretrained(BUNDLED)
    class_name, options = _CONFIGS[name]
    special = dict.fromkeys(
        ("bos_token_id", "eos_token_id", "pad_token_id"), tokenizer.bos_token_id
    )
    config = getattr(transformers, class_name)(
        **(options | special | {"vocab_size": len(tokenizer), _POSITIONS[class_name]: READ_CTX})
    )
    with torch.random.fork_rng(devices=[]):
        model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    _randomise(model, seed, size)
    return build_bridge_from_module(
        model.eval(),
        type(model).__name__,
        hf_config=config,
        tokenizer=tokenizer,
        model_name=f"random {name}",
    ).eval()


def shaped(name: str, path: Path, *, seed: int = 0) -> TransformerBridge:
    """Write the folder of a random model and boot it, without a tokenizer, float32, eval."""
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder(name, path, seed=seed), attn_implementation="eager", dtype=torch.float32
    )
    bridge = build_bridge_from_module(
        model.eval(), model.config.architectures[0], hf_config=model.config, model_name=name
    )
    return bridge.eval()


@torch.no_grad()
def _randomise(model: torch.nn.Module, seed: int, size: float = 1.0) -> None:
    """Draw every weight: matrices of gain `size`, biases and norms well away from 0 and 1."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        drawn = torch.randn(parameter.shape, generator=generator)
        if parameter.ndim > 1:
            drawn *= size / parameter.shape[-1] ** 0.5
        elif name.endswith("bias"):
            drawn *= 0.3
        else:  # a norm: near 1 (Gemma's near 0, which means the same, so its own start is kept)
            drawn = parameter + 0.3 * drawn
        parameter.copy_(drawn)
