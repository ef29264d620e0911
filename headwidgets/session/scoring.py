"""From a session's question to a score: what to measure on, and under which edits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwidgets.errors import InputError
from headwidgets.methods.apply import compile_edits
from headwidgets.methods.means import reference_pairs
from headwidgets.methods.snapshot import Pair, Snapshot
from headwidgets.prompts import Prompts
from headwidgets.taxonomy import find
from headwidgets.taxonomy.random_tokens import random_rows
from headwidgets.taxonomy.score import score, scores

if TYPE_CHECKING:
    import pandas as pd

    from headwidgets.model.engine import Engine, Hooks

ON_RANDOM, ON_PROMPTS = "random tokens", "prompts"
_TOKEN_OPTIONS = ("ids", "length", "rows", "seed")


def score_session(
    engine: Engine,
    snapshot: Snapshot,
    kind: str | None,
    *,
    on: Any = ON_RANDOM,
    run: str = "clean",
    **options: Any,
) -> pd.DataFrame:
    """Score every head, as one kind or as all.

    Parameters
    ----------
    kind : str or None
        A kind's name; None for all of them.
    on : {"random tokens", "prompts"} or prompts
        What to measure on. On random tokens, the session's prompts are measured beside
        them, and the frame says if another head comes first there.
    run : {"clean", "edited"}
        Whether the session's edits are in force.
    **options
        ids, length, rows, seed of the random tokens; draws of the null.

    Raises
    ------
    InputError
        For an unknown kind (near names are given), and for edits that have no meaning
        on these rows.
    """
    if kind is not None:
        find(kind)
    if run not in ("clean", "edited"):
        message = f"expected run='clean' or run='edited' for a score, got {run!r}"
        raise InputError(message)
    prompts = [pair.clean for pair in snapshot.pairs]
    rows = _rows(engine, prompts, on)
    asked: dict[str, Any] = {"on": rows} if rows is not None else {"text": prompts}
    edits = snapshot.edits if run == "edited" else ()
    if edits:
        tokens = {name: options[name] for name in _TOKEN_OPTIONS if name in options}
        measured = rows if rows is not None else random_rows(engine, **tokens).ids
        asked = {"on": rows} if rows is not None else {}
        asked |= {"hooks": _hooks(engine, snapshot, measured)}
        asked |= {"edits": ", ".join(map(str, edits))}
    frame = (
        scores(engine, **asked, **options)
        if kind is None
        else score(engine, kind, **asked, **options)
    )
    looked = rows is None or on == ON_PROMPTS
    depends = [
        "weights",
        *(["prompts"] if looked else []),
        *(["edits", "reference"] if edits else []),
    ]
    frame.attrs["depends_on"] = depends
    return frame


def _rows(engine: Engine, prompts: list[tuple[int, ...]], on: Any) -> list[tuple[int, ...]] | None:
    """Token rows to measure on; None for random tokens."""
    if isinstance(on, str) and on == ON_RANDOM:
        return None
    if isinstance(on, str) and on == ON_PROMPTS:
        return prompts
    if isinstance(on, str):
        message = f"expected on='{ON_RANDOM}', on='{ON_PROMPTS}' or a list of texts, got {on!r:.60}"
        raise InputError(message)
    clean = Prompts.read(on).clean
    return [tuple(engine.text.encode(p)) if isinstance(p, str) else p for p in clean]


def _hooks(engine: Engine, snapshot: Snapshot, rows: Any) -> Hooks:
    """Make the session's edits for rows that are not its prompts."""
    placed = [e for e in snapshot.edits if e.kind == "patch" or e.at is not None]
    if placed:
        message = (
            f"'{placed[0]}' has no meaning on these rows: a score under edits takes zero, mean "
            "and scale of whole heads (no at=); remove it, or score the clean run"
        )
        raise InputError(message)
    means = any(edit.kind == "mean" for edit in snapshot.edits)
    if means and len({len(row) for row in rows}) > 1:
        message = (
            "a mean edit goes by distance from the end, and these rows differ in length: score "
            "on random tokens, or use zero"
        )
        raise InputError(message)
    # One row stands for all: without positions and roles, every row gets the same change.
    one = Snapshot(
        pairs=(Pair(clean=tuple(rows[0])),),
        edits=snapshot.edits,
        reference=reference_pairs(engine, snapshot) if means else None,
    )
    return compile_edits(engine, one, [0]).hooks
