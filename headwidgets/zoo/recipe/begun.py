"""Weights to begin with that an earlier training left, under another vocabulary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import transformers

from headwidgets.errors import InputError
from headwidgets.model.tokens import UNSEEN

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def carry_over(model: Any, tokenizer: Any, folder: Path) -> NDArray[np.bool_]:
    """Copy the weights of a trained model into a fresh one, its tokens' rows by their spelling.

    A token that the trained model does not have keeps the row that was drawn for it.

    Parameters
    ----------
    model : PreTrainedModel
        Of the same shape, up to the vocabulary.
    tokenizer : PreTrainedTokenizerBase
        That of `model`.
    folder : Path
        Where the trained model and its tokenizer are.

    Returns
    -------
    ndarray of bool [d_vocab]
        Tokens of `tokenizer` that the earlier training has seen.

    Raises
    ------
    InputError
        If the shapes differ, or no token is spelled alike.
    """
    make: Any = transformers.AutoModelForCausalLM
    try:
        old = make.from_pretrained(folder, dtype=torch.float32)
        known = transformers.AutoTokenizer.from_pretrained(folder).get_vocab()
    except (OSError, ValueError) as error:
        message = f"expected a model and its tokenizer in {folder}, got: {error}"
        raise InputError(message) from error
    here, there = _alike(tokenizer.get_vocab(), known)
    given, own = old.state_dict(), model.state_dict()
    a_row_a_token = {
        name for name, weight in own.items() if weight.ndim > 1 and len(weight) == len(tokenizer)
    }
    more = sorted(set(given) - set(own))
    counts = [one.config.num_attention_heads for one in (model, old)]
    if more or counts[0] != counts[1]:
        what = f"{more[0]} besides" if more else f"{counts[1]} heads"
        message = f"expected a model of {counts[0]} heads and these layers in {folder}, got {what}"
        raise InputError(message)
    for name, weight in own.items():
        other = given.get(name)
        first = 1 if name in a_row_a_token else 0
        if other is None or other.shape[first:] != weight.shape[first:]:
            got = "none" if other is None else tuple(other.shape)
            message = f"expected {name} of shape {tuple(weight.shape)} in {folder}, got {got}"
            raise InputError(message)
    with torch.no_grad():
        for name, weight in own.items():
            if name in a_row_a_token:
                weight[here] = given[name][there]
            else:
                weight.copy_(given[name])
    seen = np.zeros(len(tokenizer), dtype=np.bool_)
    seen[here.numpy()] = True
    never = torch.tensor(getattr(old.config, UNSEEN, ()), dtype=torch.long)
    seen[here[torch.isin(there, never)].numpy()] = False
    return seen


def _alike(own: dict[str, int], known: dict[str, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids of the tokens that both vocabularies spell, in the one and in the other."""
    both = [(row, known[token]) for token, row in own.items() if token in known]
    if not both:
        message = "expected a trained model whose tokens are spelled as these, got no such token"
        raise InputError(message)
    here, there = zip(*both, strict=True)
    return torch.tensor(here), torch.tensor(there)
