"""What a view of the taxonomy asks of a session: a score, all scores, a proof.

The answers are traits of the session's state (see `roles_traits`), so that every view has them.
"""

from __future__ import annotations

from typing import Any

from headwidgets.errors import InputError
from headwidgets.widgets.envelope import Answer

_SEEN_BY_SCORE = ("attention", "weights")


def show(session: Any, body: dict[str, Any]) -> Answer:
    """Fill the traits: ``{}``."""
    _read(body)
    session.state.need_kinds()
    return Answer({})


def measure(session: Any, body: dict[str, Any]) -> Answer:
    """Score all heads as one kind: ``{"kind"}``."""
    session.score(_find(_read(body, "kind")["kind"]).name)
    session.state.need_kinds()
    return Answer({})


def measure_all(session: Any, body: dict[str, Any]) -> Answer:
    """Score all heads as every kind: ``{}``."""
    _read(body)
    session.scores()
    session.state.need_kinds()
    return Answer({})


def confirm(session: Any, body: dict[str, Any]) -> Answer:
    """Try to prove one head: ``{"kind", "head"}``; a verdict that waits for it is given anew."""
    asked = _read(body, "kind", "head")
    kind = _find(asked["kind"])
    frame = session.confirm(kind.name, asked["head"])
    if kind.evidence not in _SEEN_BY_SCORE:
        session.score(kind.name)
    session.state.need_kinds()
    return Answer({"passed": bool(frame["passed"].iloc[0])})


def _find(name: object) -> Any:
    from headwidgets.taxonomy import find  # loads torch

    return find(name)


def _read(body: dict[str, Any], *names: str) -> dict[str, Any]:
    if set(body) != set(names):
        message = f"expected {' and '.join(names) or 'nothing'}, got {body!r:.120}"
        raise InputError(message)
    return body


SERVED = {
    "kinds": show,
    "score kind": measure,
    "score kinds": measure_all,
    "confirm kind": confirm,
}
