"""Index and domain: what the first MLP makes of a member, put together from two other members.

Linear maps π_N and π_D are fitted so that ``π_N x(i, d') + π_D x(i', d)`` gives x(i, d), the
member of index i in the set d, from another set's member of that index and another member of that
set (Gould et al. 2023, arXiv 2312.09230, section 3). Members held out are never what is fitted
to; that it is ridge regression, and its weight, are ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from headwidgets.errors import NotMeasurable
from headwidgets.heads import Head
from headwidgets.labs.residues import indices
from headwidgets.labs.sets import engine_of, known_sets
from headwidgets.model.work import checkpoint
from headwidgets.tasks.make import read_number
from headwidgets.taxonomy import ov
from headwidgets.taxonomy.successors import brought

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from headwidgets.taxonomy.successors import Known

HELD = 0.2
_RIDGE = 1e-2
_TRIPLES = 6000
_FEWEST = 2  # sets that share an index


class _Members(NamedTuple):
    """All members whose index is in several sets, and which sets those are."""

    known: list[Known]
    embedded: Tensor
    number: NDArray[np.int64]
    domain: NDArray[np.int64]
    place: NDArray[np.int64]


def index_and_domain(
    session: Any, head: object = None, *, variant: str = "normed", seed: int = 0
) -> pd.DataFrame:
    """Put members together from an index and a set, and ask which member that is.

    Parameters
    ----------
    session : Session or Engine
    head : Head or what stands for one, optional
        Also asked what it writes when it looks at what was put together.
    variant : see `headwidgets.labs.succession.scores`
    seed : int
        Of which members are held out: a fifth.

    Returns
    -------
    DataFrame
        One row a set: set, n (members held out, each put together from every pair that can),
        decoded (share of the n · pairs that are nearest to the right member, of all members of
        all sets), index and domain (share whose nearest member has the right one), sum (as
        decoded, with no maps: the plain sum of the two); with a head also successor (share of
        which it writes the next member, of those that have one). ``attrs``: decoded, sum,
        chance (one of all members).

    Raises
    ------
    InputError
        If there is no such head or variant.
    NotMeasurable
        If no two sets share an index.

    References
    ----------
    Gould et al. 2023: decoded 1.00 on pairs held out; with Roman numerals put together the head
    is right for .125.
    """
    engine = engine_of(session)
    layers, heads = engine.facts.n_layers, engine.facts.n_heads
    which = None if head is None else Head.parse(head).within(layers, heads)
    them = _members(known_sets(engine, variant))
    random = np.random.default_rng(read_number("seed", seed))
    held = random.permutation(len(them.number)) < HELD * len(them.number)
    triples = _triples(them)
    checkpoint()
    kept = triples[~held[triples[:, 0]]]
    if len(kept) > _TRIPLES:
        kept = kept[random.choice(len(kept), _TRIPLES, replace=False)]
    maps = _fit(them.embedded, kept)
    asked = triples[held[triples[:, 0]]]
    made = _both(them.embedded, asked) @ maps
    plain = them.embedded[asked[:, 1]] + them.embedded[asked[:, 2]]
    near, naive = _nearest(made, them.embedded), _nearest(plain, them.embedded)
    rows = []
    for number, one in enumerate(them.known):
        mine = them.domain[asked[:, 0]] == number
        if not mine.any():
            continue
        right, found = asked[mine, 0], near[mine]
        row = {
            "set": one.series.name,
            "n": len(set(right.tolist())),
            "decoded": float(np.mean(found == right)),
            "index": float(np.mean(them.number[found] == them.number[right])),
            "domain": float(np.mean(them.domain[found] == number)),
            "sum": float(np.mean(naive[mine] == right)),
        }
        if which is not None:
            wrote = ov.first(brought(engine, which.layer, one, made[mine])[which.head])
            after = np.array(one.series.following)[them.place[right]]
            row["successor"] = float(np.mean(wrote.numpy()[after >= 0] == after[after >= 0]))
        rows.append(row)
    frame = pd.DataFrame(rows)
    decoded, summed = float(np.mean(near == asked[:, 0])), float(np.mean(naive == asked[:, 0]))
    frame.attrs |= {"decoded": decoded, "sum": summed, "chance": 1 / len(them.number)}
    return frame


def _members(known: list[Known]) -> _Members:
    index = np.concatenate([indices(one) for one in known])
    domain = np.concatenate([np.full(len(one.series.ids), at) for at, one in enumerate(known)])
    place = np.concatenate([np.arange(len(one.series.ids)) for one in known])
    shared = np.bincount(index)[index] >= _FEWEST
    if not shared.any():
        message = "no two sets that are spelled share an index: nothing can be put together"
        raise NotMeasurable(message)
    embedded = torch.cat([one.embedded for one in known])[torch.from_numpy(shared)]
    return _Members(known, embedded, index[shared], domain[shared], place[shared])


def _triples(them: _Members) -> NDArray[np.int64]:
    """Return every (member, another of its index, another of its set), [triple, 3]."""
    same = (them.number[:, None] == them.number) & (them.domain[:, None] != them.domain)
    kin = (them.domain[:, None] == them.domain) & (them.number[:, None] != them.number)
    found = [
        (at, one, other)
        for at in range(len(them.number))
        for one in np.flatnonzero(same[at])
        for other in np.flatnonzero(kin[at])
    ]
    return np.array(found)


def _both(embedded: Tensor, triples: NDArray[np.int64]) -> Tensor:
    """Return the two members that one is put together from, beside a constant."""
    one, other = embedded[triples[:, 1]], embedded[triples[:, 2]]
    return torch.cat([one, other, torch.ones(len(triples), 1)], dim=1)


def _fit(embedded: Tensor, triples: NDArray[np.int64]) -> Tensor:
    """Return π_N, π_D and an offset, [2 · d_model + 1, d_model]."""
    x, y = _both(embedded, triples).double(), embedded[triples[:, 0]].double()
    weight = _RIDGE * float(x[:, :-1].square().sum(1).mean())
    if len(x) < x.shape[1]:  # as many unknowns as there are rows
        found = x.T @ torch.linalg.solve(x @ x.T + weight * torch.eye(len(x)).double(), y)
    else:
        found = torch.linalg.solve(x.T @ x + weight * torch.eye(x.shape[1]).double(), x.T @ y)
    return torch.as_tensor(found).float()


def _nearest(rows: Tensor, embedded: Tensor) -> NDArray[np.int64]:
    """Return the member of the largest cosine, the members' mean taken off, [row]."""
    centre = embedded.mean(0)
    unit = torch.nn.functional.normalize(embedded - centre, dim=-1)
    found: NDArray[np.int64] = ((rows - centre) @ unit.T).argmax(-1).numpy()
    return found
