"""The model's sizes, and the model before training."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import transformers

from headwidgets.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

ARCHITECTURES = ("mistral", "llama", "gpt2")
"""RMSNorm, rotary positions and gated MLPs, the first with heads of any width; or GPT-2."""
_STD = 0.02


@dataclass(frozen=True)
class Shape:
    """Sizes of the model.

    Attributes
    ----------
    architecture : {"mistral", "llama", "gpt2"}
    layers, heads, d_head, d_model, d_mlp, n_ctx : int
        GPT-2 and Llama want ``d_model`` to be a multiple of `heads`; in GPT-2 their quotient
        is the width of a head.
    """

    architecture: str = "mistral"
    layers: int = 5
    heads: int = 6
    d_head: int = 32
    d_model: int = 128
    d_mlp: int = 256
    n_ctx: int = 256

    def config(self, d_vocab: int) -> Any:
        """Return the Hugging Face configuration for a vocabulary of `d_vocab` tokens."""
        if self.architecture not in ARCHITECTURES:
            message = f"expected architecture of {ARCHITECTURES}, got {self.architecture!r}"
            raise InputError(message)
        if self.architecture != "mistral" and self.d_model % self.heads:
            message = (
                f"{self.architecture} wants d_model to be a multiple of the number of heads, "
                f"got {self.d_model} and {self.heads}"
            )
            raise InputError(message)
        tokens: dict[str, Any] = {"vocab_size": d_vocab, "tie_word_embeddings": False}
        tokens |= dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), 0)
        if self.architecture == "gpt2":
            still: dict[str, Any] = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0)
            return transformers.GPT2Config(
                **tokens,
                **still,
                n_embd=self.d_model,
                n_layer=self.layers,
                n_head=self.heads,
                n_inner=self.d_mlp,
                n_positions=self.n_ctx,
            )
        make: Any = transformers.MistralConfig
        only: dict[str, Any] = {"sliding_window": None}
        if self.architecture == "llama":
            make, only = transformers.LlamaConfig, {}
        return make(
            **tokens,
            **only,
            hidden_size=self.d_model,
            intermediate_size=self.d_mlp,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            num_key_value_heads=self.heads,
            head_dim=self.d_head,
            max_position_embeddings=self.n_ctx,
            initializer_range=_STD,
        )


def fresh(config: Any, seed: int) -> Any:
    """Return a model with random weights, float32, on the CPU; the caller's chance is untouched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        make: Any = transformers.AutoModelForCausalLM
        model: Any = make.from_config(config, dtype=torch.float32, attn_implementation="sdpa")
    return model.train()


@contextmanager
def counted_by_heads(model: Any, rows: torch.Tensor) -> Iterator[None]:
    """Leave to some rows of a batch: embedding, the first MLP, and heads above it.

    Layer 0's attention and the MLPs of the other layers write nothing there.

    Parameters
    ----------
    model : PreTrainedModel
    rows : Tensor of bool [row]
    """
    stay = (~rows).float()[:, None, None]
    base = model.base_model
    first, *others = base.h if hasattr(base, "h") else base.layers
    hooks = [
        one.mlp.register_forward_hook(lambda _mlp, _given, wrote: wrote * stay) for one in others
    ]
    attention = first.attn if hasattr(first, "attn") else first.self_attn
    hooks.append(
        attention.register_forward_hook(lambda _attn, _given, wrote: (wrote[0] * stay, *wrote[1:]))
    )
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
