"""The clean, the corrupted and the edited run of a prompt set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from headwidgets.errors import InputError
from headwidgets.methods.apply import Compiled, compile_edits
from headwidgets.methods.path_edit import no_path
from headwidgets.methods.shown import RUNS
from headwidgets.model.work import checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headwidgets.methods.edits import Edit
    from headwidgets.methods.snapshot import Pair, Snapshot
    from headwidgets.model.engine import Engine


_STILL = {
    "zero": "it was zero already",
    "mean": "it equals its mean there",
    "patch": "both runs have the same activation there",
    "scale": "the factor is one, or it was zero already",
    "resample": "the other prompt has the same activation there",
    "add": "the strength is zero",
    "subtract": "it has that component already",
    "path": "what the senders write is the same in both runs, as far as the receivers read it",
    "keep": "every other head equals its mean there, or all heads are kept",
}


@dataclass(frozen=True)
class Logits:
    """Logits of a batch, and what the edits did there.

    Attributes
    ----------
    values : Tensor, float32, [row, vocabulary] or [row, position, vocabulary]
    notes : tuple of str
        Why an edit that was made shows no effect, where that is so.
    """

    values: Tensor
    notes: tuple[str, ...] = ()


def check_run(run: str) -> str:
    """Return `run`, or say which runs there are."""
    if run in RUNS:
        return run
    message = f"expected a run 'clean', 'corrupted' or 'edited', got {run!r}"
    raise InputError(message)


def batches(engine: Engine, snapshot: Snapshot) -> Iterator[list[int]]:
    """Group the set into batches that fit in memory, with a checkpoint between them."""
    longest = max(len(pair.clean) for pair in snapshot.pairs)
    done = 0
    for batch in snapshot.batches(limit=engine.rows_at_once(longest)):
        checkpoint(done, len(snapshot.pairs), "prompts")
        yield batch
        done += len(batch)


def logits(
    engine: Engine, snapshot: Snapshot, run: str, batch: Sequence[int], *, positions: str = "end"
) -> Logits:
    """Run a batch of pairs of one length.

    Parameters
    ----------
    run : {"clean", "corrupted", "edited"}
    batch : sequence of int
        Indices of pairs; see `batches`.
    positions : {"end", "all"}
    """
    pairs = [snapshot.pairs[i] for i in batch]
    if run == "edited" and not snapshot.edits:
        run = "clean"
    key = ("logits", run_key(snapshot, run, pairs), positions)
    found = engine.cache.get(key)
    if found is None:
        found = _run(engine, snapshot, run, batch, positions)
        engine.cache.put(key, found, 4 * found.values.numel())
    return found


def run_key(snapshot: Snapshot, run: str, pairs: Sequence[Pair]) -> tuple[object, ...]:
    """Return what decides the numbers of a run, hashable."""
    if run != "edited":
        return run, tuple(pair.ids(run) for pair in pairs)
    key: tuple[object, ...] = (run, snapshot.edits, tuple(pair.key for pair in pairs))
    if any(edit.at is not None for edit in snapshot.edits):
        key += (snapshot.one_length,)
    if any(edit.source == "resample" for edit in snapshot.edits):
        key += (snapshot.base, tuple(pair.key for pair in snapshot.pairs))
    if any(edit.source == "mean" for edit in snapshot.edits):
        around = snapshot.reference if snapshot.reference is not None else snapshot.pairs
        key += (snapshot.reference is None, tuple(pair.key for pair in around))
    return key


def edited_hooks(engine: Engine, snapshot: Snapshot, batch: Sequence[int]) -> tuple[str, Compiled]:
    """Return the run that the edits go into and the hooks that make them."""
    return snapshot.base, compile_edits(engine, snapshot, batch)


def _run(
    engine: Engine, snapshot: Snapshot, run: str, batch: Sequence[int], positions: str
) -> Logits:
    if run != "edited":
        rows = [snapshot.pairs[i].ids(run) for i in batch]
        return Logits(engine.run(torch.tensor(rows), positions=positions))
    with engine.exclusive():
        base, compiled = edited_hooks(engine, snapshot, batch)
        rows = [snapshot.pairs[i].ids(base) for i in batch]
        values = engine.run(torch.tensor(rows), compiled.hooks, positions=positions)
        notes = (*compiled.notes, *_notes(compiled, f"the {base} run"))
        moved = [e for e, m in zip(compiled.edits, compiled.moved, strict=True) if m > 0]
        if moved:
            before = logits(engine, snapshot, base, batch, positions=positions).values
            if torch.equal(before, values):
                notes += _why_still(engine, moved)
    return Logits(values, notes)


def _notes(compiled: Compiled, where: str) -> tuple[str, ...]:
    """Say which edits changed nothing at their own place, and why that can be."""
    return tuple(
        f"{edit} changed nothing in {where}: {no_path(edit) or _STILL[edit.kind]}"
        for edit, moved in zip(compiled.edits, compiled.moved, strict=True)
        if moved == 0
    )


def _why_still(engine: Engine, moved: Sequence[Edit]) -> tuple[str, ...]:
    """Say why the logits did not move although an activation did, and the layer read it."""
    words = ", ".join(map(str, moved))
    reason = "nothing after it reads what is written there"
    if engine.facts.post_norm:
        reason = "the norm after the attention can undo a common factor of all its heads"
    return (f"{words}: the activation moved, yet no logit did; {reason}",)
