"""Models of random weights for the benchmarks: any shape, no network, no tokenizer."""

from __future__ import annotations

from typing import Any

D_VOCAB = 5000


def random_bridge(class_name: str, **options: Any) -> Any:
    """Build a bridge over a random model.

    Parameters
    ----------
    class_name : str
        A configuration class of Hugging Face, such as ``"LlamaConfig"``.
    **options
        Its arguments; the vocabulary is `D_VOCAB`.
    """
    import torch
    import transformers
    from transformer_lens.model_bridge.sources import build_bridge_from_module

    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = getattr(transformers, class_name)(
        **{
            "vocab_size": D_VOCAB,
            "bos_token_id": 0,
            "eos_token_id": 0,
            "pad_token_id": 0,
            **options,
        }
    )
    auto: Any = transformers.AutoModelForCausalLM
    model = auto.from_config(config, attn_implementation="eager")
    bridge = build_bridge_from_module(
        model.eval(), type(model).__name__, hf_config=config, model_name="random"
    )
    return bridge.eval()
