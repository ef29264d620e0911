"""Proofs that resampling one head alone would not be: one decorated function a kind.

To give a kind a proof of its own, write one function in a module here and list the module::

    @proof("backup name mover")
    def taken_together(engine, kind, head, n, seed) -> Confirmed: ...

`confirm` then calls it in place of the resampling that a card with a proof_task has.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headwidgets.heads import Head
    from headwidgets.model.engine import Engine
    from headwidgets.taxonomy.confirmed import Confirmed
    from headwidgets.taxonomy.registry import Kind

Proof = Callable[["Engine", "Kind", "Head", int, int], "Confirmed"]
"""Of a head of a kind, on so many prompts of a seed."""

_MODULES = (
    "harmless",
    "joint",
    "one_end",
    "one_pair",
    "other_language",
    "probed",
    "without_examples",
)
_PROOFS: dict[str, Proof] = {}


def proof(kind: str) -> Callable[[Proof], Proof]:
    """Register the decorated function as the proof of a kind."""

    def register(function: Proof) -> Proof:
        _PROOFS[kind] = function
        return function

    return register


def proof_of(kind: str) -> Proof | None:
    """Return the proof that a kind has of its own, if any."""
    for module in _MODULES:
        import_module(f"{__name__}.{module}")
    return _PROOFS.get(kind)
