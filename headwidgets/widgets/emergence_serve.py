"""What a view of the emergence lab asks for: runs to show, to train, to clamp and to open."""

from __future__ import annotations

import reprlib
from typing import TYPE_CHECKING, Any

from headwidgets.errors import InputError
from headwidgets.whole import whole
from headwidgets.widgets.emergence_code import code
from headwidgets.widgets.emergence_runs import switched
from headwidgets.widgets.envelope import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from headwidgets.widgets.dispatch import Handler
    from headwidgets.widgets.emergence_state import EmergenceState

DATA = ("low16", "gauss")


def show(state: EmergenceState, body: dict[str, Any]) -> Answer:
    """Add a shipped run, or take any away: ``{"run", "on"}``."""
    from headwidgets.labs.emergence import finished

    name, on = _read(body, "run", "on")
    if not isinstance(name, str):
        message = f"expected the name of a run, got {reprlib.repr(name)}"
        raise InputError(message)
    if not on:
        state.remove(name)
    elif name not in state.runs:
        state.add(name, finished(name))
    return Answer({})


def train(state: EmergenceState, body: dict[str, Any]) -> Answer:
    """Begin a run: ``{"data", "held", "head", "previous"}``, with the clamps of some switches."""
    name, held, head, previous = _read(body, "data", "held", "head", "previous")
    run = begin(state, name, read_names(held), read_head(head), read_heads(previous))
    return Answer({"run": run})


def begin(
    state: EmergenceState,
    data: Any,
    held: list[str],
    head: int | None = None,
    previous: list[int] | None = None,
) -> str:
    """Begin a run in the background; return what it is called.

    Raises
    ------
    InputError
        If there is no such data, switch or head.
    """
    from headwidgets.labs import emergence as lab

    if isinstance(data, str):
        if data not in DATA:
            message = f"expected data among {', '.join(DATA)}, got {data!r:.80}"
            raise InputError(message)
        data = lab.low16() if data == DATA[0] else lab.gauss()
    condition = " + ".join(held) or "none"
    condition = condition if head is None else f"{condition}, head {head}"
    clamps = switched(held, head, {}, previous=previous)
    run = lab.run(data, {condition: clamps}, **state.defaults)
    name = state.add(f"live {data.name}", run, own=True)
    run.start()
    return name


def go(state: EmergenceState, body: dict[str, Any]) -> Answer:
    """Train on, in the background: ``{"run"}``."""
    (name,) = _read(body, "run")
    state.begin(name)
    return Answer({})


def clamp(state: EmergenceState, body: dict[str, Any]) -> Answer:
    """Switch clamps of a condition, others stay.

    ``{"run", "condition", "held", "head", "previous"}``.
    """
    names = ("run", "condition", "held", "head", "previous")
    name, condition, held, head, previous = _read(body, *names)
    run = state.trainable(name)
    kept = run.clamps(condition)
    found = switched(read_names(held), read_head(head), kept, run.step, read_heads(previous))
    run.clamp(found, condition)
    return Answer({"step": run.step})


def opened(state: EmergenceState, body: dict[str, Any]) -> Answer:
    """Open a model in a session: ``{"run", "condition", "step", "head"}``."""
    from headwidgets.widgets.emergence_open import session

    session(state, *_read(body, "run", "condition", "step", "head"))
    return Answer(dict(state.opened))


def python(state: EmergenceState, body: dict[str, Any]) -> Answer:
    """Return a run as Python: ``{"run"}``."""
    (name,) = _read(body, "run")
    if name not in [*state.runs]:
        message = f"expected a run among {', '.join(state.runs)}, got {name!r:.80}"
        raise InputError(message)
    return Answer({"code": code(state.runs[name])})


def pause(state: EmergenceState, body: dict[str, Any]) -> Answer:
    """Stop after the step under way: ``{"run"}``."""
    state.trainable(*_read(body, "run")).pause()
    return Answer({})


def cancel(state: EmergenceState, body: dict[str, Any]) -> Answer:
    """End a run; what was done stays: ``{"run"}``."""
    state.trainable(*_read(body, "run")).cancel()
    return Answer({})


def read_names(value: object) -> list[str]:
    """Read switches.

    Raises
    ------
    InputError
        If they are no list of names.
    """
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return list(value)
    message = f"expected switches as a list of names, got {reprlib.repr(value)}"
    raise InputError(message)


def read_heads(value: object) -> list[int] | None:
    """Read heads of layer 1.

    Raises
    ------
    InputError
        If they are no different whole numbers from 0.
    """
    one = whole(value)
    many = [one] if one is not None else value if isinstance(value, list | tuple) else []
    found = [whole(each) for each in many]
    kept = [each for each in found if each is not None and each >= 0]
    if value is None or (kept and len({*kept}) == len(found)):
        return sorted(kept) or None
    message = f"expected heads of layer 1 as numbers from 0, or none, got {reprlib.repr(value)}"
    raise InputError(message)


def read_head(value: object) -> int | None:
    """Read a head of layer 2, or none.

    Raises
    ------
    InputError
        If it is neither.
    """
    found = whole(value)
    if value is None or (found is not None and found >= 0):
        return found if value is not None else None
    message = f"expected a head of layer 2 as a number from 0, or none, got {reprlib.repr(value)}"
    raise InputError(message)


def handlers(state: EmergenceState) -> tuple[dict[str, Handler], dict[str, Handler]]:
    """Return the requests that are served: those that queue, and those that do not wait."""

    def of(make: Callable[[EmergenceState, dict[str, Any]], Answer]) -> Handler:
        return lambda body: make(state, body)

    queued = {"show": show, "train": train, "go": go, "clamp": clamp}
    queued |= {"open": opened, "python": python}
    at_once = {"pause": pause, "cancel": cancel}
    return (
        {f"emergence {name}": of(make) for name, make in queued.items()},
        {f"emergence {name}": of(make) for name, make in at_once.items()},
    )


def _read(body: dict[str, Any], *names: str) -> list[Any]:
    """Return what a request asks with; "previous" may be left out."""
    if {*body, "previous"} != {*names, "previous"} or not set(body) <= set(names):
        message = f"expected {', '.join(names)}, got {reprlib.repr(body)}"
        raise InputError(message)
    return [body.get(name) for name in names]
