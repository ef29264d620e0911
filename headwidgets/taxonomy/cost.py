"""How long scores will take that run the model anew for every head or step, before they begin.

What each does is counted in forwards of a prompt, in blocks that are run again, and in readings of
the vocabulary (its card's `work`, for a model that does the task: one at chance is done at once).
What one of each takes on this machine is timed on a few prompts of the task.
"""

from __future__ import annotations

import time
from numbers import Real
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import torch

from headwidgets.errors import InputError, NotMeasurable
from headwidgets.model.able import able
from headwidgets.model.climb import TOKENS
from headwidgets.model.replay import Recording
from headwidgets.model.work import checkpoint
from headwidgets.taxonomy.asked import ask
from headwidgets.taxonomy.last_token import at_end
from headwidgets.taxonomy.registry import all_kinds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headwidgets.model.engine import Engine
    from headwidgets.taxonomy.registry import Kind

MOST = 100_000
"""Forwards of a prompt that scores may take unasked."""
READS = 64
"""Streams that are read at once when that is timed."""
TURNS = 5
COLUMNS = ("kind", "forwards", "seconds", "note")


class Rates(NamedTuple):
    """Seconds that one takes here.

    Attributes
    ----------
    forward, replay : float
        Of a prompt: a whole forward, and its blocks run again, all of them once.
    read : float
        Of a last stream: all logits.
    """

    forward: float
    replay: float
    read: float


def intervening() -> list[Kind]:
    """Return the kinds whose score runs the model anew for every head or step."""
    return [kind for kind in all_kinds() if kind.work is not None]


def cost(engine: Engine, kinds: Sequence[Kind] | None = None, seed: int = 0) -> pd.DataFrame:
    """Estimate what scores that intervene on every head will take.

    Parameters
    ----------
    engine : Engine
    kinds : sequence of Kind, optional
        Default: all of them.
    seed : int
        Of the prompts.

    Returns
    -------
    DataFrame
        One row a kind: kind; forwards, of one prompt each, what is run again counted by its share
        of the layers; seconds, on this machine as busy as it is now; note, why a kind cannot be
        asked. ``attrs``: forwards and seconds, of all together.
    """
    rows = []
    known: dict[str, Rates] = {}
    for kind in intervening() if kinds is None else kinds:
        checkpoint()
        if kind.work is None:
            continue
        work = kind.work(engine.facts)
        try:
            if work.task not in known:
                known[work.task] = _timed(engine, work.task, seed)
        except NotMeasurable as error:
            rows.append((kind.name, 0.0, 0.0, str(error)))
            continue
        rate = known[work.task]
        forwards = work.prompts * (work.forwards + work.replays)
        each = work.forwards * rate.forward + work.replays * rate.replay + work.reads * rate.read
        rows.append((kind.name, forwards, work.prompts * each, ""))
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame.attrs |= {name: float(frame[name].sum()) for name in ("forwards", "seconds")}
    return frame


def require(engine: Engine, most: int | None) -> None:
    """Refuse scores that would take more forwards than are allowed.

    Raises
    ------
    InputError
        With the estimate, and what can be done; or if `most` is no number of forwards.
    """
    if most is None:
        return
    if isinstance(most, bool) or not isinstance(most, Real) or not most > 0:
        message = f"expected most= as a number of forwards, or None to refuse nothing, got {most!r}"
        raise InputError(message)
    works = [kind.work(engine.facts) for kind in intervening() if kind.work is not None]
    forwards = sum(work.prompts * (work.forwards + work.replays) for work in works)
    if forwards > most:
        seconds = cost(engine).attrs["seconds"]
        message = (
            f"the kinds that run the model anew for every head take about {forwards:,.0f} forwards "
            f"of a prompt, some {_spoken(seconds)} here, and most={most:,} allows fewer: score "
            "them one by one (s.scores_cost() says what each takes), or pass "
            f"most={round(forwards * 1.1):,}"
        )
        raise InputError(message)


def _spoken(seconds: float) -> str:
    """Say how long that is."""
    for least, unit in ((5400, 3600), (90, 60)):
        if seconds > least:
            return f"{seconds / unit:.1f} {'hours' if unit > 60 else 'minutes'}"  # noqa: PLR2004
    return f"{seconds:.0f} seconds"


def _timed(engine: Engine, task: str, seed: int) -> Rates:
    """Time a forward, a replay and a reading on prompts of a task."""
    asked = ask(engine, task, seed=seed)
    length = int(np.median([len(row) for row in asked.rows]))
    some = [row for row in asked.rows if len(row) == length] or [asked.rows[0]]
    length = len(some[0])
    # a set's prompts come in several lengths, so that its batches are about so large
    size = max(1, min(len(some), TOKENS // length))
    rows = some[:size]
    forward = _usual(lambda: at_end(engine, rows)) / size
    ids = torch.tensor([list(row) for row in rows])
    with engine.exclusive(), engine.quiet():
        recording = Recording(engine, ids)
        copies = max(1, TOKENS // ids.numel())
        replay = forward
        if able(recording).blocks:
            stream = recording.residual[0].repeat(copies, 1, 1)
            replay = _usual(lambda: recording.hooked(0, stream, 0, []))
            replay *= engine.facts.n_layers / (copies * size)
    width = torch.zeros(READS, engine.facts.d_model)
    weight = engine.weights.W_U.float().cpu()
    read = _usual(lambda: (width @ weight).log_softmax(-1)) / READS
    return Rates(forward, replay, read)


def _usual(run: Callable[[], object]) -> float:
    """Return the median seconds of a few turns, after one to warm up."""
    took = []
    with torch.inference_mode():
        for _ in range(1 + TURNS):
            began = time.perf_counter()
            run()
            took.append(time.perf_counter() - began)
    return median(took[1:])
