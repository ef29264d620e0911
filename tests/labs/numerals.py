"""A code for ordered things, made: ones and tens and a domain, and a head that counts on."""

from __future__ import annotations

import torch
from planted.weights import IDS, MEMBERS, Spelling

from headwidgets.tasks.series import SETS

D_MODEL = 128


def embeddings(noise, seed=0):
    """Return W_E [token, d_model]: what each member is the sum of, all of length one."""
    random = torch.Generator().manual_seed(seed)
    draw = lambda n: torch.nn.functional.normalize(  # noqa: E731 - three times
        torch.randn(n, D_MODEL, generator=random), dim=-1
    )
    ones, tens, domains = draw(10), draw(21), draw(len(MEMBERS))
    W_E = torch.zeros(len(IDS) + 1, D_MODEL)
    for domain, members in zip(domains, MEMBERS.values(), strict=True):
        for index, member in enumerate(members, 1):
            W_E[IDS[member]] = ones[index % 10] + tens[index // 10] + domain
    rough = torch.randn(W_E.shape, generator=random) / D_MODEL**0.5
    return W_E + noise * rough


def successor(W_E, rank=None):
    """Return the ridge-fitted linear map from every member to the next, cut to a rank."""
    start, end = [], []
    for name, members in MEMBERS.items():
        n = len(members)
        for i in range(n if SETS[name][1] else n - 1):
            start.append(IDS[members[i]])
            end.append(IDS[members[(i + 1) % n]])
    x, y = W_E[start].double(), W_E[end].double()
    W = torch.linalg.solve(x.T @ x + 1e-3 * torch.eye(D_MODEL).double(), x.T @ y)
    if rank is not None:
        left, sizes, right = torch.linalg.svd(W)
        W = left[:, :rank] * sizes[:rank] @ right[:rank]
    return W.float()


def counting(noise=0.3, rank=None, seed=0, *, cut=()):
    """Return an engine of two heads in one layer: one counts on, one copies."""
    W_E = embeddings(noise, seed)
    heads = [[successor(W_E, rank), torch.eye(D_MODEL)]]
    return Spelling(W_E, W_E.T, heads, cut=cut)
