"""What a probe is asked of: prompts of the session or of a task, and a label for each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headwidgets.errors import InputError
from headwidgets.session.reading import read_pairs, read_set
from headwidgets.tasks import task as asked_task

if TYPE_CHECKING:
    from headwidgets.methods.snapshot import Ids, Pair, Snapshot
    from headwidgets.prompts import Prompts
    from headwidgets.session.steering import Steering

N = 200


def probed_set(
    session: Steering, snapshot: Snapshot, labels: Any, options: dict[str, Any]
) -> tuple[Snapshot, Any, tuple[str, ...]]:
    """Return the question, its labels, and what the answer depends on.

    Options of a task are taken out of `options`, and groups put in where the sides are partners.

    Raises
    ------
    InputError
        If there is nothing that the prompts differ in.
    """
    if labels is not None and not isinstance(labels, str):
        return snapshot, labels, ("prompts", "weights")
    prompts, pairs = session.prompts, snapshot.pairs
    depends: tuple[str, ...] = ("prompts", "weights")
    if isinstance(labels, str):
        drawn = {name: options.pop(name) for name in ("n", "split") if name in options}
        asked = asked_task(labels, drawn.pop("n", N), seed=int(options.get("seed", 0)), **drawn)
        prompts = read_set(session.engine, asked)
        pairs, depends = read_pairs(session.engine, prompts), ("weights",)
    sides = _answers(prompts)
    if sides is None:
        pairs, sides, groups = _partners(pairs)
        options.setdefault("groups", groups)
    elif all(pair.corrupted is not None for pair in pairs):
        options.setdefault("groups", _joined([(p.clean, p.ids("corrupted")) for p in pairs]))
    asked_of = replace(snapshot, pairs=pairs, index=0, metric=None, answers=None, edits=())
    return asked_of, sides, depends


def _answers(prompts: Prompts) -> list[bool] | None:
    """Return which of two answers each prompt has; None where there are not two in all."""
    found = list(prompts.answer or ())
    known = sorted(set(map(str, found)))
    if len(known) != 2:  # noqa: PLR2004 - two sides
        return None
    return [str(one) == known[1] for one in found]


def _partners(pairs: tuple[Pair, ...]) -> tuple[tuple[Pair, ...], list[bool], list[object]]:
    """Return clean prompts and their corrupted partners; both stay on one side of a split."""
    if any(pair.corrupted is None for pair in pairs):
        message = (
            "expected labels, one for each prompt, or prompts with corrupted partners, or with two "
            "answers in all"
        )
        raise InputError(message)
    turned = tuple(_turned(pair) for pair in pairs)
    both = list(zip((pair.clean for pair in pairs), (pair.clean for pair in turned), strict=True))
    return (
        (*pairs, *turned),
        [True] * len(pairs) + [False] * len(pairs),
        _joined(both) * 2,
    )


def _turned(pair: Pair) -> Pair:
    """Return the corrupted prompt by itself; roles name places of the clean one, if it is as long.

    Where it is not, a role says nothing of it, and to ask for one is refused.
    """
    ids = pair.ids("corrupted")
    roles = pair.roles if len(ids) == len(pair.clean) else {}
    return replace(pair, clean=ids, corrupted=None, roles=roles)


def _joined(both: list[tuple[Ids, Ids]]) -> list[object]:
    """Return a group for each pair of prompts: pairs that share a prompt share the group."""
    root: dict[Ids, Ids] = {}

    def find(one: Ids) -> Ids:
        while root.setdefault(one, one) != one:
            one = root[one]
        return one

    for one, other in both:
        root[find(one)] = find(other)
    return [find(one) for one, _ in both]
