"""Sweeps in the patch panel: what one would cost, its cells as they arrive, its code."""

from __future__ import annotations

import reprlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from headwidgets.errors import InputError
from headwidgets.widgets.envelope import Answer
from headwidgets.widgets.measured import room
from headwidgets.widgets.pictures import Picture
from headwidgets.widgets.wire import encode

if TYPE_CHECKING:
    from pandas import DataFrame

COLUMNS = ("effect", "normalised", "low", "high")
SAID = ("sweep", "over", "edit", "direction", "metric", "unit", "measured_on", "incomplete")
_ASKED = ("kind", "over", "direction", "at")


def _options(body: dict[str, Any]) -> dict[str, Any]:
    """Read what to sweep: kind, over, and direction and at where they have a meaning."""
    unknown = sorted(set(body) - {*_ASKED, "panel"})
    texts = [body.get(name) for name in _ASKED[:3]]
    if unknown or not all(isinstance(text, str) for text in texts) or not _is_at(body.get("at")):
        message = f"expected kind, over, direction and at of a sweep, got {reprlib.repr(body)}"
        raise InputError(message)
    asked = dict(zip(_ASKED, (*texts, body.get("at")), strict=True))
    return asked if asked["over"] == "heads" else {**asked, "at": None}


def _is_at(value: object) -> bool:
    return value is None or isinstance(value, int | str)


def _cost(session: Any, body: dict[str, Any]) -> Answer:
    """Say what a sweep would cost; nothing is run."""
    from headwidgets.methods.donors import donors
    from headwidgets.methods.sweep_cost import MEMORY, MOST, check_cost, forwards
    from headwidgets.methods.sweep_plan import check_aligned, read_plan, variants

    asked = _options(body)
    snapshot, facts = replace(session.snapshot(), edits=()), session.facts
    kind, over, direction, at = (asked[name] for name in _ASKED)
    plan = read_plan(facts, kind, over, direction, at, 0, None)
    check_aligned(session.engine, plan, snapshot)
    if kind == "resample":
        donors(snapshot, 0)
    chosen = variants(plan, snapshot, facts)
    check_cost(session.engine, snapshot, plan, chosen, MEMORY, MOST)
    cost = forwards(session.engine, snapshot, plan, chosen)
    return Answer({"edits": len(chosen), "prompts": len(snapshot.pairs), "forwards": cost})


def _sweep(session: Any, body: dict[str, Any]) -> Answer:
    """Sweep for a panel; its traits follow."""
    panel = _panel(session, body)
    panel.sweep(**_options(body))
    return Answer({})


def _code(session: Any, body: dict[str, Any]) -> Answer:
    """Return the sweep of a panel as plain code."""
    frame = _panel(session, body).swept
    if frame is None:
        message = "there is no sweep yet: run one first"
        raise InputError(message)
    return Answer({"python": session.as_python(frame)})


def _panel(session: Any, body: dict[str, Any]) -> Any:
    for panel in list(room(session).panels):
        if panel.panel == body.get("panel"):
            return panel
    message = "this panel is of an older run of the notebook: run its cell again"
    raise InputError(message)


SERVED = {"sweep_cost": _cost, "sweep": _sweep, "sweep_python": _code}


def pack(frame: DataFrame, session: Any, at: object) -> Picture:
    """Write a sweep: float32 [column, edit] and uint8 [edit], whether it was measured yet.

    The edits are in the order of the table: by layer, then head, then place.

    Parameters
    ----------
    frame : DataFrame
        See `methods.sweep.sweep`.
    at : int, str or None
        Where, of a sweep over heads.
    """
    numbers = frame[list(COLUMNS)].to_numpy(np.float32).T
    done = (frame["n"].to_numpy() > 0).astype(np.uint8)
    written = [encode(np.ascontiguousarray(numbers)), encode(done)]
    said = {name: frame.attrs[name] for name in SAID if frame.attrs.get(name)}
    header = {
        **said,
        "at": at,
        "layers": session.facts.n_layers,
        "heads": session.facts.n_heads,
        "note": "" if "incomplete" in frame.attrs else frame.attrs.get("normalised") or "",
        "places": _places(frame, session),
        "arrays": [one for one, _ in written],
        "revision": int(frame.attrs.get("revision", 0)),
    }
    return Picture(header, b"".join(data for _, data in written))


def _places(frame: DataFrame, session: Any) -> list[dict[str, Any]]:
    """Return where: a position with its token, where there is one prompt; or a role."""
    if "position" not in frame:
        return []
    found = [at if isinstance(at, str) else int(at) for at in dict.fromkeys(frame["position"])]
    tokens = list(session.tokens) if len(session.prompts) == 1 else []
    return [
        {"at": at, "token": tokens[at] if isinstance(at, int) and at < len(tokens) else ""}
        for at in found
    ]
