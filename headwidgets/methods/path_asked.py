"""What path patching is asked: checked at the door."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.errors import InputError
from headwidgets.heads import Head, parse_heads
from headwidgets.methods.measuring import asked_alone
from headwidgets.methods.options import read_known, read_seed
from headwidgets.methods.places import read_at
from headwidgets.methods.snapshot import require_aligned
from headwidgets.methods.sweep_plan import DIRECTIONS, KINDS, Plan

if TYPE_CHECKING:
    from headwidgets.methods.places import At
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine
    from headwidgets.model.facts import Facts

MLPS = ("recomputed", "frozen")
OPTIONS = "kind, direction, at, mlps, metric, seed"
"""What both paths and edges can be told."""


def read_senders(value: object, facts: Facts) -> list[Head]:
    """Read the heads whose paths are patched; None is every head.

    Raises
    ------
    InputError
        If there is none, or one is no head of the model.
    """
    if value is None:
        return [Head(i, h) for i in range(facts.n_layers) for h in range(facts.n_heads)]
    found = sorted({head.within(facts.n_layers, facts.n_heads) for head in parse_heads(value)})
    if not found:
        message = "expected at least one sender, got none; None means every head"
        raise InputError(message)
    return found


def read_path_plan(what: str, kind: str, direction: str, at: At, seed: int) -> Plan:
    """Read what the senders write instead, and where.

    Parameters
    ----------
    what : {"paths", "edges"}

    Raises
    ------
    InputError
    """
    read_known(what, kind=(kind, KINDS), direction=(direction, DIRECTIONS))
    return Plan(kind, direction=direction, at=read_at(at), seed=read_seed(seed))


def read_frozen(mlps: str) -> bool:
    """Whether MLPs are frozen.

    Raises
    ------
    InputError
    """
    if mlps not in MLPS:
        message = f"expected mlps {' or '.join(map(repr, MLPS))}, got {mlps!r:.80}"
        raise InputError(message)
    return mlps == "frozen"


def path_question(
    engine: Engine, snapshot: Snapshot, what: str, plan: Plan, metric: object
) -> Snapshot:
    """Return the question without the session's edits.

    Raises
    ------
    InputError
        If `metric` is no metric, and for a patch between prompts that do not align.
    """
    alone = asked_alone(snapshot, metric)
    if plan.kind == "patch":
        instead = "set s.corrupted_prompt (or prompts with one), or take kind='zero' or 'mean'"
        require_aligned(engine, alone, f"{what} of a patch need", instead)
    return alone
