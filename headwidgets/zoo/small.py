"""What `zoo.recipe` trains: a small transformer that does the tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from transformer_lens import TransformerBridge

if TYPE_CHECKING:
    from pathlib import Path

NAME = "bundled"


def bundled(folder: str | Path) -> TransformerBridge:
    """Open a state of the model.

    Parameters
    ----------
    folder : str or Path
        A state of it, such as a checkpoint of its training.

    Returns
    -------
    TransformerBridge
        float32, in evaluation mode, with a tokenizer; opened as any Hugging Face folder is.
    """
    bridge = TransformerBridge.boot_transformers(str(folder), device="cpu", dtype=torch.float32)
    bridge.cfg.model_name = NAME
    return bridge.eval()
