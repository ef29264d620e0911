"""Arithmetic with mod-10 features: take a member's residue away, add another, ask the head.

``x' = MLP0(W_E t) - k f_i + k f_j`` (Gould et al. 2023, arXiv 2312.09230, section 4): the head that
looks at x' should write what follows the member of residue j in t's ten.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from headwidgets.errors import InputError
from headwidgets.heads import Head
from headwidgets.labs.residues import NUMBERS, RESIDUES, features, indices, is_number
from headwidgets.labs.succession import brought, engine_of, known_set, members
from headwidgets.whole import whole

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from headwidgets.labs.succession import Known
    from headwidgets.model.engine import Engine

MOST = 100.0
"""The largest strength."""


def edited(
    session: Any,
    head: object,
    name: str,
    member: str,
    residue: int,
    strength: float = 1.0,
    *,
    source: str = NUMBERS,
    variant: str = "normed",
) -> pd.DataFrame:
    """Return what a head writes in a set when it looks at a member, and at the edited one.

    Parameters
    ----------
    session : Session or Engine
    head : Head or what stands for one
    name : str
        Of a set, such as ``"months"``.
    member : str
        Of that set, such as ``"May"``.
    residue : int
        That the member's index gets, 0 to 9; indices count from 1.
    strength : float
        k, 0 to 100.
    source : str
        The set that the features are taken from.
    variant : see `headwidgets.labs.succession.scores`

    Returns
    -------
    DataFrame
        One row a member that could be written: member, before, after (probabilities within the
        set). ``attrs["wanted"]``: the member that should come first now, "" where none follows.

    Raises
    ------
    InputError
        If there is no such head, set or member, or residue or strength is out of range.
    """
    both = slid(session, head, name, member, residue, [0, strength], source=source, variant=variant)
    before, after = both.to_numpy()
    frame = pd.DataFrame({"member": both.columns, "before": before, "after": after})
    frame.attrs["wanted"] = both.attrs["wanted"]
    return frame


def slid(
    session: Any,
    head: object,
    name: str,
    member: str,
    residue: int,
    strengths: Any,
    *,
    source: str = NUMBERS,
    variant: str = "normed",
) -> pd.DataFrame:
    """Return what a head writes in a set, as the strength of one edit grows.

    Parameters
    ----------
    session, head, name, member, residue, source, variant : see `edited`
    strengths : sequence of float
        Each 0 to 100.

    Returns
    -------
    DataFrame
        One row a strength (the index), one column a member: probabilities within the set.
        ``attrs``: wanted, the member that should come first at strength 1, "" where none follows;
        own, the member's residue.

    Raises
    ------
    InputError, NotMeasurable
        As `edited`.
    """
    engine, which, known = _asked(session, head, name, variant)
    words = members(known.series)
    if member not in words:
        message = f"expected a member of {name!r} that is one token, such as {words[0]!r}, got "
        raise InputError(f"{message}{member!r:.80}")  # noqa: EM102 - the rest is above
    target = whole(residue)
    if target is None or not 0 <= target < RESIDUES:
        message = f"expected a residue from 0 to 9, got {residue!r:.80}"
        raise InputError(message)
    if isinstance(strengths, str) or not isinstance(strengths, Iterable):
        message = f"expected strengths as numbers, one after another, got {strengths!r:.80}"
        raise InputError(message)
    strengths = list(strengths)
    for one in strengths:
        _check_strength(one)
    place = words.index(member)
    own = int(indices(known)[place] % RESIDUES)
    directions = features(engine, source, variant)
    along = torch.tensor([float(one) for one in strengths])[:, None]
    rows = known.embedded[place] + along * (directions[target] - directions[own])
    shares = brought(engine, which.layer, known, variant, rows)[which.head].softmax(-1).numpy()
    frame = pd.DataFrame(shares, index=pd.Index(strengths, name="strength"), columns=words)
    wanted = _wanted(known)[place, target]
    frame.attrs |= {"wanted": words[wanted] if wanted >= 0 else "", "own": own}
    return frame


def arithmetic(
    session: Any,
    head: object,
    name: str,
    strength: float = 1.0,
    *,
    source: str = NUMBERS,
    variant: str = "normed",
) -> pd.DataFrame:
    """Edit every member of a set to every residue, and ask whether the right member is written.

    Parameters
    ----------
    session, head, name, strength, source, variant : see `edited`

    Returns
    -------
    DataFrame
        One row an edit to another residue whose next member is in the set: member, residue,
        wanted, written, right. ``attrs``: share (of those that are right), n.

    Raises
    ------
    InputError
        As `edited`.
    """
    engine, which, known = _asked(session, head, name, variant)
    words, own = members(known.series), indices(known) % RESIDUES
    moved, wanted = _moved(engine, known, source, variant, strength), _wanted(known)
    flat = brought(engine, which.layer, known, variant, moved.flatten(0, 1))[which.head]
    top = flat.argmax(-1).reshape(len(words), RESIDUES).numpy()
    rows = [
        (words[place], residue, words[wanted[place, residue]], words[top[place, residue]])
        for place in range(len(words))
        for residue in range(RESIDUES)
        if residue != own[place] and wanted[place, residue] >= 0
    ]
    frame = pd.DataFrame(rows, columns=["member", "residue", "wanted", "written"])
    frame["right"] = frame["wanted"] == frame["written"]
    frame.attrs |= {"share": float(frame["right"].mean()), "n": len(frame)}
    return frame


def greater_than(session: Any, head: object, name: str, variant: str = "normed") -> pd.DataFrame:
    """Compare what a head brings to members above the one that it looks at, and below.

    The next member is left out of both: a head that raises it alone, and counts on without any
    bias, would else seem to prefer what is greater.

    Returns
    -------
    DataFrame
        One row a member with both: member, above, below (mean logits, a row's mean taken off) and
        difference. The paper finds the greater ones preferred.
    """
    engine, which, known = _asked(session, head, name, variant)
    found = brought(engine, which.layer, known, variant, known.embedded)[which.head].numpy()
    found = found - found.mean(1, keepdims=True)
    rows = []
    for at, (word, after) in enumerate(
        zip(members(known.series), known.series.following, strict=True)
    ):
        others = np.arange(len(found)) != after
        above, below = (found[at][others & side] for side in _sides(at, len(found)))
        if len(above) and len(below):
            rows.append((word, float(above.mean()), float(below.mean())))
    frame = pd.DataFrame(rows, columns=["member", "above", "below"])
    frame["difference"] = frame["above"] - frame["below"]
    return frame


def _asked(session: Any, head: object, name: str, variant: str) -> tuple[Engine, Head, Known]:
    engine = engine_of(session)
    which = Head.parse(head).within(engine.facts.n_layers, engine.facts.n_heads)
    return engine, which, known_set(engine, name, variant)


def _sides(at: int, n: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which of `n` members are above one, and which below."""
    place = np.arange(n)
    return place > at, place < at


def _check_strength(strength: object) -> None:
    if not (is_number(strength) and 0 <= strength <= MOST):
        message = f"expected a strength from 0 to {MOST:g}, got {strength!r:.80}"
        raise InputError(message)


def _moved(engine: Engine, known: Known, source: str, variant: str, strength: float) -> Tensor:
    """Return every member with every residue, [member, residue, d_model]."""
    _check_strength(strength)
    directions = features(engine, source, variant)
    own = directions[torch.from_numpy(indices(known) % RESIDUES)]
    return known.embedded[:, None] + float(strength) * (directions[None] - own[:, None])


def _wanted(known: Known) -> NDArray[np.int64]:
    """Return which member follows the one of a residue in a member's ten, [member, residue].

    -1 where the edited member or the next one is not there.
    """
    index = indices(known)
    place = {int(one): at for at, one in enumerate(index)}
    after = known.series.following
    out = np.full((len(index), RESIDUES), -1)
    for at, one in enumerate(index):
        for residue in range(RESIDUES):
            there = place.get(int(one) // RESIDUES * RESIDUES + residue)
            if there is not None:
                out[at, residue] = after[there]
    return out
