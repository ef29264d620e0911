"""What the emergence lab is given, by name: runs under way and finished ones read alike here."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from headwidgets.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

FIRST = "low16"
"""The shipped run that is shown where nothing is given."""
CIRCUIT = {
    "previous token": ("blocks.0.attn.hook_pattern", "previous"),
    "layer 1": ("blocks.1.hook_q_input", "shifted"),
    "match": ("blocks.1.attn.hook_pattern", "label"),
    "copy": ("logits", "scores"),
}
"""Conditions that switch on and off, each by the activation and the kind of clamp that tell it."""
_ONLY = "blocks.1.attn.hook_z", "only"
_SILENT = "blocks.0.hook_attn_out", "value"
_SWITCHED = {*CIRCUIT.values(), _ONLY, _SILENT, ("blocks.1.hook_k_input", "shifted")}


def options_of_a_run() -> tuple[str, ...]:
    """Return what a run can be asked for, by name."""
    from headwidgets.labs.emergence import run  # loads torch

    return tuple(name for name in inspect.signature(run).parameters if name != "data")


def read_runs(given: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Return runs by name.

    Parameters
    ----------
    given : None, str, Run, Finished, data, or a list or dict of them
        A name is that of a shipped run; data are prepared as a run.
    options : dict
        Of `headwidgets.labs.emergence.run`, for data.

    Raises
    ------
    InputError
        If something is none of these, or two have one name.
    """
    if isinstance(given, Mapping):
        named = [(str(name), one) for name, one in given.items()]
    else:
        many = list(given) if isinstance(given, list | tuple) else [given]
        named = [("", one) for one in many]
    if not named:
        message = "expected a run at least, got none"
        raise InputError(message)
    found: dict[str, Any] = {}
    used = False
    for name, one in named:
        made, own = _read(one, options)
        used = used or own
        found[free(name or _called(one, made), found)] = made
    if options and not used:
        message = f"{next(iter(options))} goes with data, such as lab.low16(), not with runs"
        raise InputError(message)
    return found


def _read(one: Any, options: dict[str, Any]) -> tuple[Any, bool]:
    """Return a run, and whether it was prepared from data."""
    from headwidgets.labs import emergence as lab  # loads torch

    if one is None and not options:
        one = FIRST
    if isinstance(one, str):
        return lab.finished(one), False
    if isinstance(one, lab.Run | lab.Finished):
        return one, False
    if one is None or hasattr(one, "draw"):
        return lab.run(lab.low16() if one is None else one, **options), True
    message = (
        "expected a run, data such as lab.low16(), or the name of a shipped run "
        f"({', '.join(lab.finished_runs())}), got {type(one).__name__}"
    )
    raise InputError(message)


def _called(one: Any, run: Any) -> str:
    return one if isinstance(one, str) else str(run.data.name) if one is not None else FIRST


def free(name: str, taken: Iterable[str]) -> str:
    """Return a name that is not taken: as it is, or with a number."""
    there = set(taken)
    made, number = name, 1
    while made in there:
        number += 1
        made = f"{name} {number}"
    return made


def under_way(run: Any) -> bool:
    """Whether it is a run that can be trained, not a finished one."""
    return callable(getattr(run, "advance", None))


def patterns(run: Any) -> tuple[list[int], NDArray[np.float32]]:
    """Return the steps of the checkpoints and [checkpoint, condition, layer, head, query, key]."""
    steps = list(run.checkpoints if under_way(run) else run.steps)
    many = [run.patterns(name)[: len(steps)] for name in run.conditions]
    found = np.stack(many, 1) if steps else np.zeros((0, len(many), *[1] * 4), np.float32)
    return steps, np.ascontiguousarray(found, np.float32)


def openable(run: Any) -> list[int]:
    """Return the steps whose weights are there."""
    there = set(run.checkpoints)
    return sorted({*there, run.step}) if under_way(run) else sorted(there)


def clamps(run: Any, condition: str) -> dict[str, list[dict[str, Any]]]:
    """Return a condition's clamps as they are now, as plain JSON values."""
    if not under_way(run):
        own: dict[str, list[dict[str, Any]]] = run.told["conditions"][condition]
        return own
    return {
        name: [clamp.to_json() for clamp in many] for name, many in run.clamps(condition).items()
    }


def held(found: Mapping[str, list[dict[str, Any]]], step: int) -> dict[str, Any]:
    """Say which switches of the circuit clamps stand for at a step.

    Returns
    -------
    dict
        held (names of `CIRCUIT`), head (the only one of layer 2 that works, or None), previous
        (heads of layer 1 that "previous token" holds; None: all), others (activations that are
        clamped otherwise).
    """

    def there(name: str, kind: str) -> list[dict[str, Any]]:
        return [one for one in found.get(name, []) if one["kind"] == kind and _active(one, step)]

    alone = [one["given"] for one in there(*_ONLY) if len(one["given"]) == 1]
    others = [
        name
        for name, many in found.items()
        if any(_active(one, step) and not _of_switch(name, one, found) for one in many)
    ]
    return {
        "held": [name for name, one in CIRCUIT.items() if there(*one)],
        "head": alone[0][0] if alone else None,
        "previous": _previous(there(*CIRCUIT["previous token"])),
        "others": others,
    }


def _previous(found: list[dict[str, Any]]) -> list[int] | None:
    """Return the heads that clamps of a pattern hold; None: all."""
    if any(one["heads"] is None for one in found):
        return None
    return sorted(head for one in found for head in one["heads"])


def _active(one: Mapping[str, Any], step: int) -> bool:
    return bool(one["start"] <= step and (one["stop"] is None or step < one["stop"]))


def _of_switch(name: str, one: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Whether a clamp is one of those that the switches put on."""
    if (name, one["kind"]) == _ONLY:
        return len(one["given"]) == 1
    if (name, one["kind"]) == _SILENT:  # with "layer 1", not alone
        return CIRCUIT["layer 1"][0] in found and one["given"] == 0 and one["heads"] is None
    return (name, one["kind"]) in _SWITCHED


def switched(
    names: Iterable[str],
    head: int | None,
    kept: Mapping[str, Any],
    step: int = 0,
    previous: list[int] | None = None,
) -> dict[str, Any]:
    """Return the clamps of some switches, and those of `kept` that no switch stands for.

    A switch that is on at a step, with the same heads, keeps its clamps as they are.

    Parameters
    ----------
    names : iterable of str
        Of `CIRCUIT`.
    head : int, optional
        The only head of layer 2 that works; None: all do.
    kept : mapping of str to list of Clamp
    step : int
    previous : list of int, optional
        Heads of layer 1 that "previous token" holds; None: those that it has, else the preset's.

    Raises
    ------
    InputError
        If there is no such switch or head.
    """
    from headwidgets.labs import emergence as lab

    told = {name: [one.to_json() for one in many] for name, many in kept.items()}
    found: dict[str, list[Any]] = {}
    mine: dict[str, list[Any]] = {}
    for name, many in kept.items():
        for one, said in zip(many, told[name], strict=True):
            if not _of_switch(name, said, told):
                found.setdefault(name, []).append(one)
            elif one.active(step):
                mine.setdefault(name, []).append(one)
    now = held(told, step)
    stays = now["head"] == head
    turned = previous is not None and now["previous"] != previous
    chosen = {} if previous is None else {"previous": previous}
    made: dict[str, Any] = {}
    for name in ("none", *names):
        if name != "none" and name not in CIRCUIT:
            message = f"expected switches among {', '.join(CIRCUIT)}, got {name!r:.80}"
            raise InputError(message)
        made |= lab.preset(name, head=head, **chosen)
    for name, one in made.items():
        keeps = stays and name in mine and not (turned and name == CIRCUIT["previous token"][0])
        own = mine[name] if keeps else [one]
        found[name] = [*found.get(name, []), *own]
    return found
