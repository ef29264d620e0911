"""Proof by another route, on other prompts than those that a head was chosen by.

The prompts are of another seed and of held-out templates. As a rule the head is resampled
(`resampling`); a kind may have a proof of its own (`proofs`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.errors import InputError
from headwidgets.heads import Head
from headwidgets.tasks.make import read_number
from headwidgets.taxonomy.proofs import proof_of
from headwidgets.taxonomy.registry import find
from headwidgets.taxonomy.resampling import LEAST_PROMPTS, resampled

if TYPE_CHECKING:
    from headwidgets.model.engine import Engine
    from headwidgets.taxonomy.confirmed import Confirmed
    from headwidgets.taxonomy.registry import Kind

PROMPTS = 100
SEED = 1


def can_confirm(kind: Kind) -> bool:
    """Whether anything here would prove a kind."""
    return bool(kind.proof_task) or proof_of(kind.name) is not None


def confirm(
    engine: Engine, kind: str | Kind, head: object, *, n: int = PROMPTS, seed: int = SEED
) -> Confirmed:
    """Prove a head on a task's held-out templates: break it, as a rule.

    Parameters
    ----------
    engine : Engine
    kind : str or Kind
        A kind whose card names a task for its proof, or that has a proof of its own.
    head : Head or what stands for one
    n, seed : int
        Prompts, and what draws them and who gives to whom. A prompt that no other has the
        length of can be given nothing: it is left out.

    Returns
    -------
    Confirmed

    Raises
    ------
    InputError
        If there is no such kind or head, nothing proves the kind, or `n` or `seed` is out of
        range (at least ten prompts).
    NotMeasurable
        If the tokenizer cannot spell the task, fewer than ten prompts have another of their
        length, or a proof of the kind's own lacks what it needs.
    """
    found = find(kind)
    if not can_confirm(found):
        message = f"no task proves the kind {found.name!r}: its proof is to {found.proof}"
        raise InputError(message)
    n, seed = read_number("n", n), read_number("seed", seed)
    if n < LEAST_PROMPTS:
        message = f"expected at least {LEAST_PROMPTS} prompts for a proof, got n={n}"
        raise InputError(message)
    one = Head.parse(head).within(engine.facts.n_layers, engine.facts.n_heads)
    prove = proof_of(found.name) or resampled
    return prove(engine, found, one, n, seed)
