"""What a session answers to the browser: one function a request, each returns an `Answer`.

Arrays travel as buffers (see `wire`), frames as one buffer a numeric column; every body
carries the ``revision`` that was current when the run began.
"""

from __future__ import annotations

import json
import reprlib
from typing import TYPE_CHECKING, Any

import numpy as np

from headwidgets.errors import InputError
from headwidgets.methods.shown import RUNS
from headwidgets.widgets import (
    measured,
    panel_serve,
    panel_sweep,
    roles_serve,
    succession_serve,
    together_serve,
)
from headwidgets.widgets.envelope import Answer
from headwidgets.widgets.tiles import SERVED
from headwidgets.widgets.wire import encode, encode_scaled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pandas import DataFrame

    from headwidgets.widgets.protocol import SessionLike

MOST_ROWS = 1000


def handlers(session: SessionLike) -> dict[str, Callable[[dict[str, Any]], Answer]]:
    """Return the requests that are served for `session`, by name."""
    serving = {
        "attention": _attention,
        "thumbnails": _thumbnails,
        "logits": _logits,
        "effect": _effect,
        "score": _score,
        "generate": _generate,
        "measure": measured.answer,
        **SERVED,
        **panel_serve.SERVED,
        **panel_sweep.SERVED,
        **roles_serve.SERVED,
        **together_serve.SERVED,
        **succession_serve.SERVED,
    }
    return stamped(session, serving)


def stamped(
    session: SessionLike, serving: Mapping[str, Callable[..., Answer]]
) -> dict[str, Callable[[dict[str, Any]], Answer]]:
    """Return functions of a body alone, whose answers say the revision they began at."""

    def handler(make: Callable[..., Answer]) -> Callable[[dict[str, Any]], Answer]:
        def handle(body: dict[str, Any]) -> Answer:
            revision = session.revision
            answer = make(session, body)
            return Answer({"revision": revision, **answer.body}, answer.buffers)

        return handle

    return {name: handler(make) for name, make in serving.items()}


def _attention(session: SessionLike, body: dict[str, Any]) -> Answer:
    """One head's pattern [query, key], scaled float16."""
    _only(body, "head", "run")
    head, run = body.get("head"), _run(body)
    header, buffer = encode_scaled(np.ascontiguousarray(session.attention(head, run=run)))
    return Answer({"head": head, "run": run, "pattern": header}, [buffer])


def _thumbnails(session: SessionLike, body: dict[str, Any]) -> Answer:
    """All heads [layer, head, edge, edge], uint8."""
    _only(body, "run")
    run = _run(body)
    header, buffer = encode(np.ascontiguousarray(session.thumbnails(run)))
    return Answer({"run": run, "thumbnails": header}, [buffer])


def _logits(session: SessionLike, body: dict[str, Any]) -> Answer:
    _only(body, "k", "at")
    return table(session.logits(k=_count(body, "k", 10), at=body.get("at", "end")))


def _effect(session: SessionLike, body: dict[str, Any]) -> Answer:
    _only(body)
    return table(session.effect())


def _score(session: SessionLike, body: dict[str, Any]) -> Answer:
    _only(body, "kind")
    kind = body.get("kind")
    if not isinstance(kind, str):
        message = f"expected 'kind' to be a string such as 'induction', got {reprlib.repr(kind)}"
        raise InputError(message)
    return table(session.score(kind))


def _generate(session: SessionLike, body: dict[str, Any]) -> Answer:
    _only(body, "n")
    return table(session.generate(_count(body, "n", 20)))


def table(frame: DataFrame) -> Answer:
    """Write a frame: numeric columns as buffers, the others as lists of strings.

    The body is ``{"rows": n, "columns": [{"name", "array"} or {"name", "texts"}],
    "attrs": {...}}``; ``array`` is the header of the next buffer (float32, or int32
    where every value is a whole number of that range). An index that says something is
    the first column.
    """
    columns: list[dict[str, Any]] = []
    buffers: list[bytes] = []
    labelled = frame.index.name is not None or frame.index.dtype.kind not in "iu"
    shown = frame.reset_index() if labelled else frame
    for name in shown.columns:
        values = shown[name].to_numpy()
        if values.dtype.kind in "iuf":
            header, buffer = encode(_narrow(values))
            columns.append({"name": str(name), "array": header})
            buffers.append(buffer)
        else:
            texts = [None if value is None or value != value else str(value) for value in values]  # noqa: PLR0124  # NaN
            columns.append({"name": str(name), "texts": texts})
    attrs = json.loads(json.dumps(frame.attrs, default=str, allow_nan=True), parse_constant=str)
    return Answer({"rows": len(frame), "columns": columns, "attrs": attrs}, buffers)


def _narrow(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if values.dtype.kind != "f" and values.size:
        limits = np.iinfo(np.int32)
        if limits.min <= values.min() and values.max() <= limits.max:
            return np.ascontiguousarray(values, dtype=np.int32)
    return np.ascontiguousarray(values, dtype=np.float32)


def _only(body: dict[str, Any], *known: str) -> None:
    unknown = sorted(set(body) - set(known))
    if unknown:
        message = f"expected no fields but {list(known)}, got {reprlib.repr(unknown)}"
        raise InputError(message)


def _run(body: dict[str, Any]) -> str:
    run = body.get("run", "clean")
    if run not in RUNS:
        message = f"expected 'run' to be one of {', '.join(RUNS)}, got {reprlib.repr(run)}"
        raise InputError(message)
    return str(run)


def _count(body: dict[str, Any], part: str, default: int) -> int:
    value = body.get(part, default)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_ROWS:
        return value
    message = (
        f"expected {part!r} to be a whole number from 1 to {MOST_ROWS}, got {reprlib.repr(value)}"
    )
    raise InputError(message)
