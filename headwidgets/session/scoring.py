"""From a session's question to a score: what to measure on, and under which edits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from headwidgets.errors import InputError
from headwidgets.methods.apply import compile_edits
from headwidgets.methods.means import reference_pairs
from headwidgets.methods.snapshot import Pair, Snapshot
from headwidgets.prompts import Prompts
from headwidgets.taxonomy import find
from headwidgets.taxonomy.random_tokens import random_rows
from headwidgets.taxonomy.score import score, scores
from headwidgets.whole import whole

if TYPE_CHECKING:
    import pandas as pd

    from headwidgets.heads import Head
    from headwidgets.methods.edits import Edit
    from headwidgets.model.engine import Engine, Hooks

ON_RANDOM, ON_PROMPTS = "random tokens", "prompts"
_WHOLE = ("length", "rows", "seed", "draws")


def score_session(
    engine: Engine,
    snapshot: Snapshot,
    kind: str | None,
    *,
    on: Any = ON_RANDOM,
    run: str = "clean",
    proved: Mapping[tuple[str, Head], bool] | None = None,
    causal: bool = False,
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
    proved : mapping of (kind, Head) to bool, optional
        How proofs of the unedited model went.
    causal : bool
        Of all kinds also those whose score runs the model anew for every head or step.
    **options
        ids, length, rows, seed of the random tokens; draws of the null.

    Raises
    ------
    InputError
        For an unknown kind (near names are given), and for edits that have no meaning
        on these rows.

    Notes
    -----
    Whatever stops it early has the tables of the kinds that were done as its ``partial``.
    """
    if kind is not None:
        find(kind)
    if causal is not True and causal is not False:
        message = f"expected causal=True or causal=False, got {causal!r:.80}"
        raise InputError(message)
    if run not in ("clean", "edited"):
        message = f"expected run='clean' or run='edited' for a score, got {run!r}"
        raise InputError(message)
    options = _read_options(options)
    prompts = [pair.clean for pair in snapshot.pairs]
    rows = _rows(engine, prompts, on)
    asked: dict[str, Any] = {"on": rows} if rows is not None else {"text": prompts}
    edits = snapshot.edits if run == "edited" else ()
    if edits:
        tokens = {name: value for name, value in options.items() if name != "draws"}
        measured = rows if rows is not None else random_rows(engine, **tokens).ids
        asked = {"on": rows} if rows is not None else {}
        asked |= {"hooks": _hooks(engine, snapshot, measured)}
        asked |= {"edits": ", ".join(map(str, edits))}
    asked |= options
    if not edits:
        asked["proved"] = dict(proved or {})
    depends = _depends(snapshot, rows=rows, on=on, edits=edits)
    try:
        every = {**asked, "causal": causal}
        frame = scores(engine, **every) if kind is None else score(engine, kind, **asked)
    except BaseException as error:
        for done in getattr(error, "partial", ()):
            done.attrs["depends_on"] = depends
        raise
    frame.attrs["depends_on"] = depends
    return frame


def _depends(snapshot: Snapshot, *, rows: Any, on: Any, edits: tuple[Edit, ...]) -> list[str]:
    """Name what a score goes stale with."""
    shuffled = any(e.source == "mean" for e in edits) and snapshot.reference is None
    own = rows is None or (isinstance(on, str) and on == ON_PROMPTS)
    prompts = ["prompts"] if own or shuffled else []
    return ["weights", *prompts, *(["edits", "reference"] if edits else [])]


def _read_options(options: dict[str, Any]) -> dict[str, Any]:
    """Check the options of the random tokens and of the null."""
    out: dict[str, Any] = {}
    for name, value in options.items():
        if name not in ("ids", *_WHOLE):
            known = ", ".join(["on", "run", "causal", "ids", *_WHOLE])
            message = f"score has no option {name!r}: it has {known}"
            raise InputError(message)
        if value is None and name in ("ids", "length"):
            continue
        if name == "ids":
            listed = list(value) if isinstance(value, Iterable) else [None]
            out[name] = [whole(i) for i in listed]
            good = None not in out[name]
        else:
            out[name] = whole(value)
            good = out[name] is not None and out[name] >= 0
        if not good:
            what = "token ids" if name == "ids" else "a whole number from 0"
            message = f"expected {what} for {name}, got {value!r:.80}"
            raise InputError(message)
    return out


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
    placed = [e for e in snapshot.edits if e.source in ("patch", "resample") or e.at is not None]
    if placed:
        message = (
            f"'{placed[0]}' has no meaning on these rows: a score under edits takes none that "
            "patch or resample, nor positions (no at=); remove it, or score the clean run"
        )
        raise InputError(message)
    means = any(edit.source == "mean" for edit in snapshot.edits)
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
