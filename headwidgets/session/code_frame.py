"""A frame of a discovery method as plain TransformerLens code that gives its numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headwidgets.errors import InputError
from headwidgets.methods.metrics import read_metric
from headwidgets.session.as_python import (
    NORMALISED,
    RUN,
    boot_lines,
    reference_lines,
    set_lines,
)
from headwidgets.session.as_python_edits import mean_lines
from headwidgets.session.as_python_metric import metric_lines
from headwidgets.session.code_asked import read_asked
from headwidgets.session.code_attribution import attribution_lines
from headwidgets.session.code_effects import effects_lines
from headwidgets.session.code_gradient import gradient_lines
from headwidgets.session.code_lens import lens_lines
from headwidgets.session.code_parts import RUNS
from headwidgets.session.code_paths import edges_lines, paths_lines
from headwidgets.session.code_sweep import sweep_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
}
_RATIOS = ("sweep", "paths", "edges")


def frame_as_python(
    engine: Engine,
    snapshot: Snapshot,
    opened: Mapping[str, Any] | None,
    asked: dict[str, Any],
    **sets: Any,
) -> str:
    """Write how a frame's numbers come about, as Python.

    Parameters
    ----------
    engine : Engine
    snapshot : Snapshot
        What the session is asked, as it was for the frame.
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
        keys, its means, their standard errors and n. Tokens that it names are ids.
    """
    method, kind = asked["method"], asked.get("kind")
    metric = asked.get("metric")
    metric = snapshot.metric if metric is None else read_metric(metric)
    base = replace(snapshot, edits=(), metric=metric)
    lines = [*boot_lines(engine, opened), "import pandas as pd", "bridge.eval()", "", RUN]
    lines += [NORMALISED] if method in _RATIOS else []
    lines += ["", "", *set_lines(engine, base, sets["prompts"])]
    sources = {kind or "patch"} if kind or method == "attribution_patching" else set()
    reference = sets.get("reference")
    lines += mean_lines(
        engine, base, lambda name: reference_lines(engine, base, name, reference), sources
    )
    number = method != "attribution_patching"
    runs = RUNS if method in _RATIOS else RUNS[:-1]
    lines += ["", *runs, "", *metric_lines(engine, base, number=number)]
    lines += WRITERS[method](engine, base, asked)
    return tidy([*lines, "", "result = pd.DataFrame(result)", "print(result)"])


def own_frame(session: Any, frame: Any) -> dict[str, Any]:
    """Return what a frame of a session was asked.

    Parameters
    ----------
    session : Session
    frame : DataFrame or str
        Or its name in ``session.frames``.

    Raises
    ------
    InputError
        If it is of another session or method, stopped before its end, or of an older question.
    """
    if isinstance(frame, str):
        if frame not in session.frames:
            there = ", ".join(map(repr, session.frames)) or "none"
            message = f"expected the name of a frame in s.frames, got {frame!r:.80}: it has {there}"
            raise InputError(message)
        frame = session.frames[frame]
    attrs = getattr(frame, "attrs", None)
    if not isinstance(attrs, dict):
        message = f"expected a frame that this session returned, got {type(frame).__name__}"
        raise InputError(message)
    if "incomplete" in attrs:
        message = f"expected a whole frame, got one that was {attrs['incomplete']}: run it again"
        raise InputError(message)
    asked = read_asked(attrs.get("asked"), WRITERS)
    if not session.is_own(frame):
        message = (
            "expected a frame that this session returned, got one of another session: ask for "
            "the code there, or measure it here"
        )
        raise InputError(message)
    if session.is_stale(frame):
        message = (
            f"this frame is of revision {attrs['revision']}, and what it depends on "
            f"({', '.join(attrs['depends_on'])}) changed since; the session is at revision "
            f"{session.revision}: measure it again"
        )
        raise InputError(message)
    return asked


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
    own = ("functools", "random")  # of Python itself: they come first
    ordered = sorted(dict.fromkeys(imports), key=lambda line: (not line.endswith(own), line))
    body = "\n".join(out).strip("\n")
    return "\n".join([*ordered, "", body]) + "\n"
