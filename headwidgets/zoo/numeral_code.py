"""A code for ordered things, made: what a member is the sum of, and the map to the next one.

A member is the sum of three random directions of length one, for the last digit of its index, for
the tens of it, and for its set, plus noise (after Gould et al. 2023, arXiv 2312.09230, section 3,
who find such a code in trained models). A linear map that is fitted from every member to the next
can change the digit, but not carry: where noise is nothing, what it gets wrong are the members
that end in 9 and the ends of sets that wrap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch import Tensor

    Sets = Mapping[str, tuple[Sequence[str], bool]]

D_CODE = 128
ONES = 10
_RIDGE = 1e-3


class Code(NamedTuple):
    """What stands for the members of some sets.

    Attributes
    ----------
    place : dict of str to int
        Of a member, its row; a member of two sets is of the later one.
    rows : Tensor, float32, [member, D_CODE]
    parts : Tensor, float32, [part, D_CODE]
        The directions: ten digits, the tens, the sets.
    """

    place: dict[str, int]
    rows: Tensor
    parts: Tensor


def code(sets: Sets, noise: float, seed: int = 0, *, further: Sequence[str] = ()) -> Code:
    """Return the code of the members of some sets.

    Parameters
    ----------
    sets : mapping of str to (members, whether they wrap)
    further : sequence of str
        A set with a direction of its own that `successor` is not to be fitted on; what is a
        member of the others already stays as it is.
    noise : float
        Length of the noise on each row, on average.
    seed : int
        Of directions and noise.
    """
    random = torch.Generator().manual_seed(seed)
    most = max(len(members) for members, _ in sets.values()) // ONES + 1
    parts = torch.randn(ONES + most + len(sets) + 1, D_CODE, generator=random)
    parts = torch.nn.functional.normalize(parts, dim=-1)
    ones, tens, domains = parts[:ONES], parts[ONES : ONES + most], parts[ONES + most :]
    known = sorted({member for some, _ in sets.values() for member in some})
    new = [member for member in further if member not in known]
    place = {member: at for at, member in enumerate([*known, *new])}
    rows = torch.zeros(len(place), D_CODE)
    every = [*[members for members, _ in sets.values()], further]
    for domain, members in zip(domains, every, strict=True):
        for index, member in enumerate(members, 1):
            if members is not further or member in new:
                rows[place[member]] = ones[index % ONES] + tens[index // ONES] + domain
    rows += noise / D_CODE**0.5 * torch.randn(rows.shape, generator=random)
    return Code(place, rows, parts)


def successor(sets: Sets, made: Code, rank: int | None = None) -> Tensor:
    """Return the ridge-fitted linear map from every member to the next, [D_CODE, D_CODE].

    Parameters
    ----------
    sets, made : see `code`
    rank : int, optional
        Cut to its largest singular values, so many.
    """
    start, end = zip(*_pairs(sets, made), strict=True)
    x, y = made.rows[list(start)].double(), made.rows[list(end)].double()
    W = torch.linalg.solve(x.T @ x + _RIDGE * torch.eye(D_CODE).double(), x.T @ y)
    if rank is not None:
        left, sizes, right = torch.linalg.svd(W)
        W = left[:, :rank] * sizes[:rank] @ right[:rank]
    return torch.as_tensor(W).float()


def _pairs(sets: Sets, made: Code) -> Iterator[tuple[int, int]]:
    for members, cyclic in sets.values():
        n = len(members)
        for i in range(n if cyclic else n - 1):
            yield made.place[members[i]], made.place[members[(i + 1) % n]]
