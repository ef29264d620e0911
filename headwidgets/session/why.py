"""Why nothing changed, when nothing changed: one sentence about the pair on screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from headwidgets.errors import InputError
from headwidgets.methods.apply import compile_edits, sites, waiting
from headwidgets.methods.path_edit import no_path
from headwidgets.methods.record import keep_into, record
from headwidgets.methods.runs import logits
from headwidgets.methods.snapshot import position

if TYPE_CHECKING:
    from headwidgets.methods.edits import Edit
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine

STILL = 2e-6
"""Of the largest logit: a change below it is rounding."""


def lacking(snapshot: Snapshot, *, everywhere: bool = False) -> str:
    """Say which edit cannot be made on the pair on screen, or on some pair; "" if all can."""
    try:
        _ = snapshot.base
    except InputError as error:
        return str(error)
    for pair in snapshot.pairs if everywhere else [snapshot.pair]:
        for edit in snapshot.edits:
            reason = waiting(edit, pair, snapshot.pairs)
            if reason:
                return f"{edit} is {reason}"
    return ""


def why(engine: Engine, snapshot: Snapshot) -> str:
    """Say why the edits leave the logits of the pair on screen as they are.

    Returns
    -------
    str
        One sentence an edit; "" where the logits moved.
    """
    if not snapshot.edits:
        return "no edits yet"
    lacks = lacking(snapshot)
    if lacks:
        return lacks
    edited = logits(engine, snapshot, "edited", [snapshot.index])
    before = logits(engine, snapshot, snapshot.base, [snapshot.index]).values
    if not torch.isfinite(before).all() or not torch.isfinite(edited.values).all():
        return "the logits are not finite: numbers say nothing here"
    largest = float((edited.values - before).abs().max())
    if largest > STILL * max(1.0, float(before.abs().max())):
        return ""
    with engine.exclusive():
        compiled = compile_edits(engine, snapshot, [snapshot.index])
        engine.run(torch.tensor([snapshot.pair.ids(snapshot.base)]), compiled.hooks)
    pairs = list(zip(compiled.edits, compiled.moved, strict=True))
    out = [_unmoved(edit, snapshot) for edit, moved in pairs if moved == 0]
    moved = [edit for edit, size in pairs if size > 0]
    return "; ".join([*out, *([_unheard(engine, snapshot, moved)] if moved else [])])


def _unmoved(edit: Edit, snapshot: Snapshot) -> str:
    """Why an edit left its own activation as it was."""
    if no_path(edit):
        reason = no_path(edit)
    elif edit.kind == "scale" and edit.factor == 1:
        reason = "a factor of 1 changes nothing"
    elif edit.kind == "keep":
        reason = "every other head equals its mean already, or there is none"
    elif edit.kind == "add":
        reason = "a strength of zero adds nothing"
    elif edit.source == "patch":
        reason = _same(edit, snapshot)
    elif edit.source == "mean":
        reason = "it equals its mean already"
    elif edit.source == "resample":
        reason = "the other prompt has the same activation there"
    elif edit.kind == "subtract":
        reason = "it has nothing along that direction"
    else:
        reason = "its z is zero already" if edit.head else "it is zero already"
    return f"{edit}: {reason}"


def _same(edit: Edit, snapshot: Snapshot) -> str:
    pair = snapshot.pair
    if pair.clean == pair.corrupted:
        return "the two prompts are the same"
    both = zip(pair.clean, pair.corrupted or (), strict=False)
    first = next(i for i, (a, b) in enumerate(both) if a != b)
    if all(place < first for place in _places(edit, snapshot) or [first]):
        return f"the two prompts do not differ before position {first}"
    return "both runs have the same activation there"


def _unheard(engine: Engine, snapshot: Snapshot, edits: list[Edit]) -> str:
    """Why no logit moved although activations did."""
    words = ", ".join(map(str, edits))
    said = f"{words}: the activation moved, the output did not: "
    end = len(snapshot.pair.clean) - 1
    last = engine.facts.n_layers - 1
    places = [_places(edit, snapshot) for edit in edits]
    if all(
        edit.layer >= last and at and end not in at for edit, at in zip(edits, places, strict=True)
    ):
        return (
            f"{said}no layer after {last} carries it to position {end}, where the logits are read"
        )
    if _undone(engine, snapshot):
        return f"{said}the edits undo each other"
    if engine.facts.post_norm:
        return f"{said}the norm after the attention cancels a common factor of all its heads"
    return f"{said}nothing after it reads what is written there"


def _undone(engine: Engine, snapshot: Snapshot) -> bool:
    """Whether the edits together leave every activation that they touch as it was."""
    ids = snapshot.pair.ids(snapshot.base)
    touched = {name for e in snapshot.edits for name, _ in sites(engine.facts, e)}
    names = sorted(touched)
    stores: dict[str, list[torch.Tensor]] = {name: [] for name in names}
    with engine.exclusive():
        compiled = compile_edits(engine, snapshot, [snapshot.index])
        keeping = [(name, keep_into(stores[name])) for name in names]
        engine.run(torch.tensor([ids]), [*compiled.hooks, *keeping])
        before = record(engine, [ids], names)
    after = {name: torch.cat(store, dim=1) for name, store in stores.items()}
    return all(torch.allclose(after[name], before[name], atol=1e-6) for name in names)


def _places(edit: Edit, snapshot: Snapshot) -> list[int]:
    """Positions of an edit; none stands for all of them."""
    return position(edit.at, snapshot.pair, one_length=snapshot.one_length)
