"""A run as the Python that makes it again: data, clamps, and what was switched at which step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwidgets.widgets import emergence_runs as runs

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULTS = {
    "sequences": 60_000,
    "rate": 1e-4,
    "batch": 32,
    "seed": 5,
    "stream": 0,
    "every": 32,
    "kept": 60,
    "asked": 500,
    "progress": True,
}
_HEAD = "from headwidgets.labs import emergence as lab\n\n"
_ELSEWHERE = "# clamped to an array or another run: put it in its place here\n"
_Told = dict[str, list[dict[str, Any]]]


def code(run: Any) -> str:
    """Return the Python of a run, to where it is now.

    Data and values that are not ours to spell are left as ``...``, with a comment.
    """
    plan, conditions = run.plan, {name: _first(run, name) for name in run.conditions}
    asked = {
        "sequences": plan.steps * plan.batch,
        **{name: getattr(plan, name) for name in _DEFAULTS if name not in ("sequences", "seed")},
        "seed": plan.seeds[0] if len(set(plan.seeds)) == 1 else list(plan.seeds),
    }
    lines = [_HEAD]
    if not all(
        _plain(one) for told in conditions.values() for many in told.values() for one in many
    ):
        lines.append(_ELSEWHERE)
    lines.append(_data(run))
    lines.append("conditions = {\n")
    lines += [f"    {name!r}: {_clamps(told)},\n" for name, told in conditions.items()]
    lines.append("}\n")
    given = "".join(f", {n}={v!r}" for n, v in asked.items() if v != _DEFAULTS[n])
    parts = "" if plan.parts == tuple(run.data.parts) else f", parts={list(plan.parts)!r}"
    shape = _shape(run)
    lines.append(f"run = lab.run(data, conditions{shape}{given}{parts})\n")
    at = 0
    for entry in getattr(run, "switched", []):
        if entry["step"] > at:
            lines.append(f"run.advance({entry['step'] - at})\n")
            at = entry["step"]
        names = entry["conditions"]
        for name in names if len(names) < len(run.conditions) else [None]:
            where = "" if name is None else f", {name!r}"
            lines.append(f"run.clamp({_clamps(entry['clamps'])}{where})\n")
    end = run.step if runs.under_way(run) else plan.steps
    if end >= plan.steps:
        lines.append("run.train()\n")
    elif end > at:
        lines.append(f"run.advance({end - at})\n")
    return "".join([*lines, "run.curves()\n"])


def _first(run: Any, name: str) -> _Told:
    """Return the clamps that a condition began with."""
    for entry in getattr(run, "switched", []):
        if name in entry.get("before", {}):
            began: _Told = entry["before"][name]
            return began
    return runs.clamps(run, name)


def _data(run: Any) -> str:
    name, made = run.data.name, getattr(run.data, "made", None)
    if made is None:
        return "data = ...  # your own, such as lab.exemplars(features)\n"
    makers = {"chains": "Chains", "steps": "Steps"}
    given = ", ".join(f"{key}={value!r}" for key, value in made.items())
    return f"data = lab.{makers.get(name, name)}({given})\n"


def _shape(run: Any) -> str:
    from dataclasses import asdict

    from headwidgets.labs.emergence import Shape

    usual = asdict(Shape(n_labels=run.data.n_labels, n_features=run.data.n_features))
    other = {n: v for n, v in asdict(run.shape).items() if v != usual[n]}
    if not other:
        return ""
    kept = {"n_labels": run.data.n_labels, "n_features": run.data.n_features, **other}
    return f", shape=lab.Shape({', '.join(f'{n}={v!r}' for n, v in kept.items())})"


def _clamps(told: Mapping[str, list[dict[str, Any]]]) -> str:
    """Return clamps as Python."""
    parts = []
    for name, many in told.items():
        spelled = [_clamp(one) for one in many]
        value = spelled[0] if len(spelled) == 1 else f"[{', '.join(spelled)}]"
        parts.append(f"{name!r}: {value}")
    return f"{{{', '.join(parts)}}}"


def _plain(one: Mapping[str, Any]) -> bool:
    return not isinstance(one["given"], str)


def _clamp(one: Mapping[str, Any]) -> str:
    kind, heads = one["kind"], one["heads"]
    given = repr(one["given"]) if _plain(one) else "..."
    own = [] if heads is None else [repr(heads)]
    axis = [] if one["axis"] is None else [f"axis={one['axis']!r}"]
    spelled = {
        "previous": ("previous_token", [*own, *axis]),
        "label": ("correct_label", [repr(heads), given, *axis]),
        "value": ("value", [given, *own, *axis]),
        "only": ("only", [given, *axis]),
        "shifted": ("shifted", []),
        "scores": ("label_scores", [given]),
        "copied": ("copied", [given, *own, *axis]),
        "graft": ("graft", [given]),
    }
    name, asked = spelled[kind]
    made = f"lab.{name}({', '.join(asked)})"
    if one["start"] or one["stop"] is not None:
        made += f".during({one['start']}, {one['stop']})"
    return made
