"""From a trained model to a TransformerBridge, which every other widget can open.

Each exemplar becomes a token whose embedding is what the stream has of it; logits are -inf
outside the labels. The bridge is TransformerLens's own transformer; it gets the rotary angles that
the model was trained with and norms by torch's own function, as here: either, rounded otherwise in
float32, moves logits by some 1e-5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from headwidgets.errors import InputError
from headwidgets.labs.emergence.embed import projected
from headwidgets.labs.emergence.model import EPS, turns
from headwidgets.labs.emergence.trained import Trained

if TYPE_CHECKING:
    from torch import Tensor

    from headwidgets.labs.emergence.shape import Shape


def bridge(trained: Trained, *, name: str = "emergence") -> Any:
    """Return a model as a TransformerBridge, without a tokenizer: tokens are their numbers.

    Clamps that it was trained with are not in it: put them on by `headwidgets.clamp`.

    Parameters
    ----------
    trained : Trained
        Such as ``run.trained()``.
    name : str
        What a session calls it.

    Returns
    -------
    TransformerBridge
        float32, on the CPU, in evaluation mode. Open it as ``hw.Session(lab.bridge(...))`` and
        give it prompts as ``batch.tokens[0].tolist()``.

    Raises
    ------
    InputError
        If `trained` is not what a run trained.
    """
    from transformer_lens import TransformerBridge

    if not isinstance(trained, Trained):
        message = f"expected what a run trained, such as run.trained(), got {trained!r:.80}"
        raise InputError(message)
    shape, data = trained.shape, trained.data
    config = {
        "n_layers": shape.n_layers,
        "n_heads": shape.n_heads,
        "d_model": shape.d_model,
        "d_head": shape.d_head,
        "n_ctx": int(data.length),
        "d_vocab": int(data.n_tokens),
        "attn_only": True,
        "normalization_type": "LN",
        "eps": EPS,
        "positional_embedding_type": "rotary",
        "rotary_base": shape.base,
        "init_weights": False,
    }
    with torch.random.fork_rng(devices=[]):  # building must not move the caller's random numbers
        made = TransformerBridge.boot_native(
            config, device="cpu", dtype=torch.float32, model_name=name
        )
    with torch.no_grad():
        _write(made, shape, embeddings(trained), trained.weights)
        _round_alike(made, shape, int(data.length))
    return made.eval()


def embeddings(trained: Trained) -> Tensor:
    """Return what the stream has of every token, [token, d_model]: labels, then exemplars."""
    own = {name: value[None] for name, value in trained.weights.items()}
    rows: list[Tensor] = [trained.weights["embed"]]
    if trained.data.n_features:
        rows.append(projected(own, trained.data.table())[0])
    return torch.cat(rows)


def _write(made: Any, shape: Shape, embedded: Tensor, weights: dict[str, Tensor]) -> None:
    """Write every weight; what the lab's model has not is 0."""
    for parameter in made.original_model.parameters():
        parameter.zero_()
    made.embed.weight.copy_(embedded)
    for layer in range(shape.n_layers):
        block = made.blocks[layer]
        block.ln1.weight.copy_(weights[f"{layer}.ln.weight"])
        block.ln1.bias.copy_(weights[f"{layer}.ln.bias"])
        parts = weights[f"{layer}.W_QKV"].chunk(3, -1)
        for letter, W in zip("qkv", parts, strict=True):
            getattr(block.attn, letter).weight.copy_(W.T)
        block.attn.o.weight.copy_(weights[f"{layer}.W_O"].T)
    made.ln_final.weight.copy_(weights["ln_final.weight"])
    made.ln_final.bias.copy_(weights["ln_final.bias"])
    made.unembed.weight[: shape.n_labels].copy_(weights["unembed.weight"].T)
    bias = torch.full((len(embedded),), float("-inf"))
    bias[: shape.n_labels] = weights["unembed.bias"]
    made.unembed.bias.copy_(bias)


def _round_alike(made: Any, shape: Shape, length: int) -> None:
    """Have rotary positions and norms rounded as they were in training."""
    angles = turns(shape, length)[:, 0].repeat_interleave(2, -1)
    for module in made.original_model.modules():
        if hasattr(module, "cos_cached"):
            module.cos_cached.copy_(angles.real)
            module.sin_cached.copy_(angles.imag)
    for norm in [*[block.ln1 for block in made.blocks], made.ln_final]:
        norm.use_native_layernorm_autograd = True
