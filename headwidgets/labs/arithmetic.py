"""Arithmetic with mod-10 features: take a member's residue away, add another, ask the head.

``x' = MLP0(W_E t) - k f_i + k f_j`` (Gould et al. 2023, arXiv 2312.09230, section 4): the head that
looks at x' should write what follows the member of residue j in t's ten. Where the f come from is
`source`, see `directions`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from headwidgets.errors import InputError
from headwidgets.labs.bias import greater_than
from headwidgets.labs.directions import directions
from headwidgets.labs.residues import RESIDUES, indices, is_number
from headwidgets.labs.sets import asked, members
from headwidgets.taxonomy.successors import brought
from headwidgets.whole import whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headwidgets.taxonomy.successors import Known

__all__ = ["arithmetic", "edited", "greater_than", "slid"]
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
    source: Any = "mean",
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
    source : {"mean", "probe"}, Autoencoder or Tensor
        Of the features: class means or a probe's rows, both of numbers (ours), or an
        autoencoder's (the paper's); or directions themselves, [residue, d_model], see
        `headwidgets.labs.directions.directions`.
    variant : see `headwidgets.labs.succession.scores`

    Returns
    -------
    DataFrame
        One row a member that could be written: member, before, after (probabilities within the
        set). ``attrs["wanted"]``: the member that should come first now, "" where none follows.

    Raises
    ------
    InputError
        If there is no such head, set, member or source, or residue or strength is out of range.
    """
    what = session, head, name, member, residue, [0, strength]
    both = slid(*what, source=source, variant=variant)
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
    source: Any = "mean",
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
    engine, which, known = asked(session, head, name, variant)
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
    f = directions(engine, source, variant=variant)
    along = torch.tensor([float(one) for one in strengths])[:, None]
    rows = known.embedded[place] + along * (f[target] - f[own])
    shares = brought(engine, which.layer, known, rows)[which.head].softmax(-1).numpy()
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
    source: Any = "mean",
    variant: str = "normed",
) -> pd.DataFrame:
    """Edit every member of a set to every residue, and ask whether the right member is written.

    Parameters
    ----------
    session, head, name, strength, source, variant : see `edited`

    Returns
    -------
    DataFrame
        One row an edit: member, residue, wanted, written, right, beyond (whether what is wanted
        lies in another ten, or the set begins again: what no code that only adds can do).
        ``attrs``: share (of those that are right) and n; share_within and n_within, without those
        beyond.

    Raises
    ------
    InputError
        As `edited`.

    Notes
    -----
    Every edit is counted to another residue whose member in the same ten, and the one after it,
    are in the set: 90 of 20 to 29 and 78 of months, 81 and 68 of them within the ten (64 without
    October to December). The paper's shares, .89 of 20 to 29 and .53 of months, are known without
    what they are shares of, and days and letters only as failing: compare shares, not counts.
    """
    engine, which, known = asked(session, head, name, variant)
    words, own = members(known.series), indices(known) % RESIDUES
    _check_strength(strength)
    f, wanted = directions(engine, source, variant=variant), _wanted(known)
    change = f[None] - f[torch.from_numpy(own)][:, None]
    moved = known.embedded[:, None] + float(strength) * change
    flat = brought(engine, which.layer, known, moved.flatten(0, 1))[which.head]
    top = flat.argmax(-1).reshape(len(words), RESIDUES).numpy()
    index, rows = indices(known), []
    for place, residue in np.argwhere(wanted >= 0).tolist():
        if residue == own[place]:
            continue
        after, first = wanted[place, residue], top[place, residue]
        wraps = index[after] < index[place] - own[place] + residue
        beyond = bool(wraps) or residue == RESIDUES - 1
        edit = words[place], residue, words[after], words[first]
        rows.append((*edit, bool(after == first), beyond))
    columns = ["member", "residue", "wanted", "written", "right", "beyond"]
    frame = pd.DataFrame(rows, columns=columns)
    within = frame[~frame["beyond"].astype(bool)]
    for kept, some in (("", frame), ("_within", within)):
        frame.attrs |= {f"share{kept}": float(some["right"].mean()), f"n{kept}": len(some)}
    return frame


def _check_strength(strength: object) -> None:
    if not (is_number(strength) and 0 <= strength <= MOST):
        message = f"expected a strength from 0 to {MOST:g}, got {strength!r:.80}"
        raise InputError(message)


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
