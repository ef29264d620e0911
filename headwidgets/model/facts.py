"""What is known of a model before it runs: shape, architecture, windows, numerics."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Facts:
    """The shape of a model and how its numbers are to be read.

    Attributes
    ----------
    name : str
        The name or folder it was opened by, or the held bridge's own.
    revision : str or None
        Hub revision that was asked for.
    numerics : str
        ``"raw"`` (the checkpoint's own weights) or ``"compatible"`` (TransformerLens's
        folded weights).
    windows : tuple of (int or None)
        Sliding window of each layer in tokens, None where a layer sees everything.
    post_norm : bool
        Whether the heads' sum is normalised before it reaches the residual stream
        (Gemma 2 and 3).
    """

    name: str
    revision: str | None
    numerics: str
    architecture: str
    n_layers: int
    n_heads: int
    n_kv_heads: int
    d_model: int
    d_head: int
    n_ctx: int
    d_vocab: int
    dtype: str
    device: str
    has_mlp: bool
    parallel: bool
    post_norm: bool
    rotary: bool
    native: bool
    windows: tuple[int | None, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the facts as plain JSON values."""
        return {**asdict(self), "windows": list(self.windows)}


def read_facts(bridge: Any, *, name: str, revision: str | None) -> Facts:
    """Read the facts from a bridge's configurations.

    Parameters
    ----------
    bridge : TransformerBridge
    name, revision : str
        What the model is called and, for a hub model, which revision was asked for.
    """
    cfg = bridge.cfg
    hf = getattr(bridge.original_model, "config", None)
    parameter = next(bridge.parameters())
    blocks = bridge.blocks
    return Facts(
        name=name,
        revision=revision,
        numerics="compatible" if getattr(bridge, "compatibility_mode", False) else "raw",
        architecture=str(cfg.architecture),
        n_layers=int(cfg.n_layers),
        n_heads=int(cfg.n_heads),
        n_kv_heads=int(cfg.n_key_value_heads or cfg.n_heads),
        d_model=int(cfg.d_model),
        d_head=int(cfg.d_head),
        n_ctx=int(cfg.n_ctx),
        d_vocab=int(cfg.d_vocab),
        dtype=str(parameter.dtype).removeprefix("torch."),
        device=str(parameter.device),
        has_mlp=hasattr(blocks[0], "mlp"),
        parallel=bool(getattr(cfg, "parallel_attn_mlp", False)),
        post_norm=hasattr(blocks[0], "ln1_post"),
        rotary=cfg.positional_embedding_type == "rotary",
        native=str(cfg.architecture) == "TransformerLensNative",
        windows=_windows(hf, int(cfg.n_layers)),
    )


def _windows(hf: Any, n_layers: int) -> tuple[int | None, ...]:
    """Sliding window of each layer, from the Hugging Face configuration.

    TransformerLens's own ``cfg.window_size`` is None on Mistral, Gemma and gpt-oss.
    """
    text = getattr(hf, "text_config", None) or hf
    local = getattr(text, "attention_layers", None)
    if local is not None:  # GPT-Neo
        return tuple(int(text.window_size) if kind == "local" else None for kind in local)
    window = getattr(text, "sliding_window", None)
    kinds = getattr(text, "layer_types", None)
    if window is None or getattr(text, "use_sliding_window", True) is False:
        return (None,) * n_layers
    if kinds is None:
        return (int(window),) * n_layers
    return tuple(int(window) if "sliding" in kind else None for kind in kinds)
