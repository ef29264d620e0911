"""Which prompt of a set gives its activations to which: a seeded derangement."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from headwidgets.errors import InputError

if TYPE_CHECKING:
    from headwidgets.methods.snapshot import Ids, Snapshot


def donors(snapshot: Snapshot, seed: int) -> dict[Ids, Ids]:
    """Return, for every prompt of the set, the other prompt that gives to it.

    Among the different prompts of one length a random cycle is drawn, so that each gives
    to one other and takes from one other, and over seeds every other is as likely.

    Raises
    ------
    InputError
        If a prompt is the only one of its length: then there is no other.
    """
    groups: dict[int, list[Ids]] = {}
    for ids in dict.fromkeys(pair.ids(snapshot.base) for pair in snapshot.pairs):
        groups.setdefault(len(ids), []).append(ids)
    out: dict[Ids, Ids] = {}
    for length, group in sorted(groups.items()):
        if len(group) == 1:
            same = [pair.ids(snapshot.base) for pair in snapshot.pairs].count(group[0])
            lacking = "only one of the set has" if same == 1 else f"all {same} of the set with"
            message = (
                f"resampling needs another prompt of the same length, but {lacking} {length} "
                f"tokens{'' if same == 1 else ' are the same prompt'} (n = {len(snapshot.pairs)}): "
                "add other prompts of that length, or use a mean edit"
            )
            raise InputError(message)
        order = list(range(len(group)))
        random.Random(f"{seed} {length}").shuffle(order)  # noqa: S311 - reproducible, not secret
        for place, taker in enumerate(order):
            out[group[taker]] = group[order[place - 1]]
    return out
