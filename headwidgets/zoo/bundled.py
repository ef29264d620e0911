"""The model in the package: small, trained by `headwidgets.zoo.recipe` on tasks of `hw.tasks`."""

from __future__ import annotations

from typing import Any

import torch
from transformer_lens import TransformerBridge

from headwidgets.zoo.shipped import FOLDER


def bundled() -> Any:
    """Return the bundled model as a new TransformerBridge, float32, with its tokenizer.

    Returns
    -------
    TransformerBridge
    """
    return TransformerBridge.boot_transformers(str(FOLDER), device="cpu", dtype=torch.float32)
