"""What a discovery method found, as plain TransformerLens code that gives its numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from headwidgets.errors import InputError
from headwidgets.methods.measuring import least_gap
from headwidgets.methods.metrics import read_metric
from headwidgets.session.as_python import (
    MEAN,
    NORMALISED,
    RUN,
    boot_lines,
    prompts_text,
    reference_lines,
    set_lines,
)
from headwidgets.session.as_python_edits import mean_lines
from headwidgets.session.as_python_metric import metric_lines
from headwidgets.session.code_asked import read_asked
from headwidgets.session.code_attribution import attribution_lines
from headwidgets.session.code_circuit import circuit_lines
from headwidgets.session.code_direction import READ_OFF, direction_lines
from headwidgets.session.code_effects import effects_lines
from headwidgets.session.code_gradient import gradient_lines
from headwidgets.session.code_lens import lens_lines
from headwidgets.session.code_parts import RUNS, is_difference
from headwidgets.session.code_paths import edges_lines, paths_lines
from headwidgets.session.code_strengths import strengths_lines
from headwidgets.session.code_sweep import sweep_lines
from headwidgets.session.digest import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headwidgets.methods.metric import Metric
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine

Lines = list[str]
WRITERS: dict[str, Callable[[Engine, Snapshot, dict[str, Any]], Lines]] = {
    "sweep": sweep_lines,
    "paths": paths_lines,
    "edges": edges_lines,
    "head_effects": effects_lines,
    "attribution": attribution_lines,
    "logit_lens": lens_lines,
    "attribution_patching": gradient_lines,
    "circuit": circuit_lines,
    "strengths": strengths_lines,
    "direction": direction_lines,
}
_RATIOS = ("sweep", "paths", "edges")
_RECORDING = ("attribution_patching", "strengths")


def frame_as_python(
    engine: Engine,
    snapshot: Snapshot,
    opened: Mapping[str, Any] | None,
    asked: dict[str, Any],
    **sets: Any,
) -> str:
    """Write how the numbers of a frame or of a direction come about, as Python.

    Parameters
    ----------
    engine : Engine
    snapshot : Snapshot
        What the session is asked, as it was then.
    opened : mapping, optional
        See `as_python.as_python`.
    asked : dict
        The method and its options; see `own_frame`.
    **sets : Prompts or None
        prompts and reference, as they were given.

    Returns
    -------
    str
        Code that leaves ``result``, a DataFrame with the frame's rows in their order: its
        keys, its means, their standard errors and n (tokens that it names are ids); of a
        direction, its vector.
    """
    method, reference = asked["method"], sets.get("reference")
    asked = {**asked, "reference": reference}
    base = replace(snapshot, edits=(), metric=_metric(snapshot, asked))
    around = reference_lines(engine, base, "", reference)
    around += prompts_text(engine, "", asked.get("neutral") or [])
    lines = [*boot_lines(engine, opened), "bridge.eval()", "", RUN]
    lines += [NORMALISED.format(least=least_gap(base))] if method in _RATIOS else []
    lines += ["", "", *set_lines(engine, base, sets["prompts"], around)]
    lines += mean_lines(
        engine, base, lambda name: reference_lines(engine, base, name, reference), _sources(asked)
    )
    if method != "direction":
        lines += ["import pandas as pd", MEAN]
    if asked.get("how") in (None, "unembedding"):
        runs = RUNS if method in _RATIOS else RUNS[:-1]
        number = method != "attribution_patching"
        lines += ["", *runs, "", *metric_lines(engine, base, number=number)]
    lines += ["", *WRITERS[method](engine, base, asked), ""]
    if method != "direction":
        lines.append("result = pd.DataFrame(result)")
    return tidy([*lines, "print(result)"])


def _metric(snapshot: Snapshot, asked: dict[str, Any]) -> Metric | None:
    """Return the metric that was asked; a direction is of answers and foils, whatever it is."""
    given = asked.get("metric")
    if given is not None:
        return read_metric(given)
    return snapshot.metric if asked["method"] != "direction" or is_difference(snapshot) else None


def _sources(asked: dict[str, Any]) -> set[str]:
    """Return what is put in from other runs; a patch alone records them."""
    if asked.get("kind"):
        return {asked["kind"]}
    records = asked.get("how", "given") not in READ_OFF
    return {"patch"} if records or asked["method"] in _RECORDING else set()


def own_frame(session: Any, frame: Any) -> dict[str, Any]:
    """Return what a frame or a direction of a session was asked.

    Parameters
    ----------
    session : Session
    frame : DataFrame, Direction or str
        Or a frame's name in ``session.frames``.

    Raises
    ------
    InputError
        If it is of another session or method, stopped before its end, of an older question,
        or a frame that was sorted, filtered or changed since.
    """
    if isinstance(frame, str):
        if frame not in session.frames:
            there = ", ".join(map(repr, session.frames)) or "none"
            message = f"expected the name of a frame in s.frames, got {frame!r:.80}: it has {there}"
            raise InputError(message)
        frame = session.frames[frame]
    attrs = getattr(frame, "attrs", None)
    if not isinstance(attrs, dict):
        kind = type(frame).__name__
        message = f"expected a frame or a direction that this session returned, got {kind}"
        raise InputError(message)
    _require_whole(attrs)
    asked = read_asked(attrs.get("asked"), WRITERS)
    _require_same(session, frame)
    return asked


def require_current(session: Any, frame: Any) -> None:
    """Refuse a frame that this session did not measure as it is, of the model as it is.

    Raises
    ------
    InputError
        As `own_frame`.
    """
    _require_whole(frame.attrs)
    _require_same(session, frame)


def _require_whole(attrs: dict[str, Any]) -> None:
    if "incomplete" in attrs:
        message = f"expected a whole frame, got one that was {attrs['incomplete']}: run it again"
        raise InputError(message)


def _require_same(session: Any, frame: Any) -> None:
    attrs = frame.attrs
    if not session.is_own(frame):
        message = (
            "expected what this session returned, got something of another session: ask for "
            "the code there, or measure it here"
        )
        raise InputError(message)
    if session.is_stale(frame):
        message = (
            f"what you gave is of revision {attrs['revision']}, and what it depends on "
            f"({', '.join(attrs['depends_on'])}) changed since; the session is at revision "
            f"{session.revision}: measure it again"
        )
        raise InputError(message)
    changed = "digest" in attrs and (
        not isinstance(frame, pd.DataFrame) or digest(frame) != attrs["digest"]
    )
    if changed:
        message = (
            "this frame has other rows, or another order of them, than the one that was "
            "measured: give s.frames[...] or the frame as it came"
        )
        raise InputError(message)


def tidy(lines: Lines) -> str:
    """Put imports first, each once, and two empty lines about every function."""
    written = "\n".join(lines).split("\n")
    imports = [line for line in written if line.startswith(("import ", "from "))]
    out: Lines = []
    empty, inside = 0, False
    for line in written:
        if line in imports:
            continue
        if not line:
            empty += 1
            continue
        begins = line.startswith(("def ", "@"))
        outside = not line.startswith((" ", ")", "]", "}"))
        gap = 2 if outside and (begins or inside) else min(empty, 1)
        if out and out[-1].startswith("@"):
            gap = 0
        out += [*[""] * gap, line]
        empty, inside = 0, begins if outside else inside
    own = ("base64", "functools", "random")  # of Python itself: they come first
    ordered = sorted(dict.fromkeys(imports), key=lambda line: (not line.endswith(own), line))
    body = "\n".join(out).strip("\n")
    return "\n".join([*ordered, "", body]) + "\n"
