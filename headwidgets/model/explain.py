"""What a loader's error means, and what to do next."""

from __future__ import annotations

import contextlib
import difflib
from typing import TYPE_CHECKING

import torch

from headwidgets.errors import HeadwidgetsError, ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn what a loader raises into an error that names the next step."""
    try:
        yield
    except HeadwidgetsError:
        raise
    except Exception as error:
        raise ModelError(_explain(name, error)) from error


def _explain(name: str, error: Exception) -> str:
    kinds = {type(e).__name__ for e in _chain(error)}
    text = " ".join(str(e) for e in _chain(error)).lower()
    if is_out_of_memory(error):
        return out_of_memory(f"opening {name!r}")
    if "GatedRepoError" in kinds or "gated repo" in text:
        return (
            f"{name!r} is gated: accept its licence on its model page, then log in by "
            "`hf auth login` (or set HF_TOKEN) and try again"
        )
    if "trust_remote_code" in text:
        return (
            f"{name!r} asks to run Python code of its own. If you have read that code and "
            "trust it, pass trust_remote_code=True"
        )
    if kinds & {
        "RepositoryNotFoundError",
        "OSError",
        "LocalEntryNotFoundError",
        "HFValidationError",
    }:
        return (
            f"cannot find a model called {name!r}{_near(name)}. Give a Hugging Face name that "
            "TransformerLens boots (with a network, the first time), a local folder, or nothing "
            "for the bundled model"
        )
    return f"TransformerLens could not boot {name!r}: {type(error).__name__}: {error}"


def _near(name: str) -> str:
    """Name the supported models that are spelt alike."""
    try:
        from transformer_lens.supported_models import OFFICIAL_MODEL_NAMES
    except ImportError:
        return ""
    known = {str(n).lower(): str(n) for n in OFFICIAL_MODEL_NAMES}
    short = {n.rsplit("/", 1)[-1]: full for n, full in known.items()}
    asked = name.lower()
    near = [known[n] for n in difflib.get_close_matches(asked, known, n=2, cutoff=0.7)]
    near += [short[n] for n in difflib.get_close_matches(asked, short, n=2, cutoff=0.7)]
    near = [n for n in dict.fromkeys(near) if n != name]
    return f"; did you mean {' or '.join(repr(n) for n in near[:3])}?" if near else ""


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, on a CPU or a GPU."""
    for e in _chain(error):
        text = str(e).lower()
        if isinstance(e, MemoryError | torch.OutOfMemoryError):
            return True
        if isinstance(e, RuntimeError) and (
            "can't allocate memory" in text or "out of memory" in text
        ):
            return True
    return False


def out_of_memory(doing: str) -> str:
    """Say that memory ran out, and what helps."""
    return (
        f"memory ran out while {doing}: use a smaller model, dtype='bfloat16' (half of the "
        "memory), fewer or shorter prompts, or another device"
    )
