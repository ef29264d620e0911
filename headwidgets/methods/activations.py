"""One activation at one place of every prompt of a set, as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from headwidgets.methods.apply import check_target, sites
from headwidgets.methods.edit import Edit
from headwidgets.methods.record import record
from headwidgets.methods.runs import batches
from headwidgets.methods.snapshot import position, require_aligned

if TYPE_CHECKING:
    from torch import Tensor

    from headwidgets.methods.places import At
    from headwidgets.methods.snapshot import Pair, Snapshot
    from headwidgets.model.engine import Engine


def activations(
    engine: Engine, snapshot: Snapshot, target: str, at: At, run: str = "clean"
) -> list[Tensor]:
    """Return the activation of every prompt, unedited.

    Parameters
    ----------
    target : str
        A head (its z), an MLP (what it writes), or the residual stream.
    at : int, str, tuple or None
        Positions or roles of the clean prompt; None is everywhere.
    run : {"clean", "corrupted"}

    Returns
    -------
    list of Tensor, float32, [position, width]

    Raises
    ------
    InputError
        If the model has no such place, or the corrupted prompts do not align.
    """
    where = Edit("zero", target)
    check_target(engine, where)
    ((name, heads),) = sites(engine.facts, where)
    out: list[Tensor] = [torch.empty(0)] * len(snapshot.pairs)
    if run == "corrupted":
        instead = "give them, or groups= of the clean ones"
        require_aligned(engine, snapshot, "differences of the two runs need", instead)
    for batch in batches(engine, snapshot):
        rows = [snapshot.pairs[i].ids(run) for i in batch]
        found = record(engine, rows, [name])[name].float().cpu()
        values = found if heads is None else found[:, :, heads[0]]
        for row, i in enumerate(batch):
            places = places_of(at, snapshot.pairs[i], snapshot)
            out[i] = values[row, places]
    return out


def places_of(at: At, pair: Pair, snapshot: Snapshot) -> list[int]:
    """Return the positions that `at` means in a pair; all of them for None."""
    if at is None:
        return list(range(len(pair.clean)))
    found = position(at, pair, one_length=snapshot.one_length)
    return list(dict.fromkeys(found))  # a position named twice is one position
