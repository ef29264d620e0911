"""Greedy continuations, clean and edited side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import torch

from headwidgets.errors import InputError
from headwidgets.methods.runs import edited_hooks
from headwidgets.model.work import checkpoint
from headwidgets.whole import whole

if TYPE_CHECKING:
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine, Hooks


def generate(engine: Engine, snapshot: Snapshot, n: int) -> pd.DataFrame:
    """Continue the prompt on screen by its likeliest token, `n` times.

    The edits stay in force: zero, mean and scale without ``at`` also act on the new
    positions (a mean takes the last position's there); a patch acts where both prompts
    have tokens.

    Returns
    -------
    DataFrame
        One row a step: clean, edited (tokens as text). ``attrs`` holds the two texts
        and the ids.

    Raises
    ------
    InputError
        If `n` is not positive or the context has no room for it.
    Cancelled
        Between two steps, if the work was cancelled.
    """
    room = engine.facts.n_ctx - len(snapshot.pair.clean)
    if room < 1:
        message = f"the prompt fills this model's context of {engine.facts.n_ctx}: shorten it"
        raise InputError(message)
    count = whole(n)
    if count is None or not 1 <= count <= room:
        message = (
            f"expected 1 to {room} new tokens ({len(snapshot.pair.clean)} of this model's "
            f"{engine.facts.n_ctx} are taken by the prompt), got {n!r}"
        )
        raise InputError(message)
    clean = _greedy(engine, snapshot.pair.clean, (), n, 0)
    edited = clean
    if snapshot.edits:
        base, compiled = edited_hooks(engine, snapshot, [snapshot.index])
        edited = _greedy(engine, snapshot.pair.ids(base), compiled.hooks, n, n)
    frame = pd.DataFrame({"clean": engine.text.labels(clean), "edited": engine.text.labels(edited)})
    frame.index = pd.RangeIndex(1, n + 1, name="step")
    frame.attrs |= {
        "clean": engine.text.decode(clean),
        "edited": engine.text.decode(edited),
        "clean_ids": clean,
        "edited_ids": edited,
        "edits": [str(e) for e in snapshot.edits],
    }
    return frame


def _greedy(
    engine: Engine, prompt: tuple[int, ...], hooks: Hooks, n: int, already: int
) -> list[int]:
    """Return `n` new token ids; the edits are bound to the prompt's own positions."""
    ids = list(prompt)
    for step in range(n):
        checkpoint(already + step, already + n, "generating")
        ids.append(int(engine.run(torch.tensor([ids]), hooks)[0].argmax()))
    return ids[len(prompt) :]
