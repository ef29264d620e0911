"""Markov chains in context (ICL-MC: Edelman et al. 2024, arXiv 2402.11004)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from headwidgets.errors import InputError
from headwidgets.tasks.item import Item, Spelled
from headwidgets.tasks.registry import task

if TYPE_CHECKING:
    import random

    from numpy.typing import NDArray

    from headwidgets.tasks.draw import Draw

# Template -> how many symbols, how many tokens.
_SIZES = {
    "2 symbols, 36 tokens": (2, 36),
    "2 symbols, 60 tokens": (2, 60),
    "3 symbols, 48 tokens": (3, 48),
    "3 symbols, 64 tokens": (3, 64),
    "2 symbols, 48 tokens": (2, 48),
    "3 symbols, 56 tokens": (3, 56),
}
_MARGIN = 0.15
"""What lies between the likeliest next symbol and the second, at least."""


@task(
    name="icl-mc",
    title="Markov chains in context",
    group="mechanism",
    asks="Symbols follow each other by a hidden table of chances: give the likeliest next one.",
    example="a b a b a a b a b a → b, where b mostly follows a",
    source="Edelman et al. 2024, arXiv 2402.11004 (repository MIT)",
    templates=tuple(_SIZES)[:4],
    held_out=tuple(_SIZES)[4:],
    shown="the last symbol becomes another one, which another symbol mostly follows",
)
def icl_mc(draw: Draw) -> Item:
    """Draw one; the commonest symbol is the answer in every second one.

    The likeliest is that of the posterior mean under a flat Dirichlet prior for every row:
    one is added to every count of a pair (Edelman et al. 2024, section 2).
    """
    k, length = _SIZES[draw.template]
    if len(draw.words.ids) < k:
        message = f"expected at least {k} tokens to draw symbols from, got {len(draw.words.ids)}"
        raise InputError(message)
    symbols = draw.sample(draw.words.ids, k)
    while True:
        states = _chain(draw.rng, k, length - 1)
        most = max(range(k), key=states.count)
        ends = [(end, best) for end in range(k) if (best := _next(states, end, k)) is not None]
        clean = [e for e in ends if (e[1] == most) == (draw.turn % 2 == 0)]
        other = [e for e in ends if clean and e[1] != clean[0][1]]
        if clean and other:
            break
    (last, best), (instead, foil) = clean[0], draw.pick(other)
    ids = tuple([symbols[state] for state in states])
    same = states.rfind(bytes((last, best)))
    marks = {
        "SAME": (same, same + 1),
        "NEXT": (same + 1, same + 2),
        "LATER": (length // 3, length - 1),
    }
    return Item(
        clean=Spelled((*ids, symbols[last]), marks),
        corrupted=Spelled((*ids, symbols[instead]), marks),
        answer=symbols[best],
        foil=symbols[foil],
        key=tuple(sorted(symbols)),
        options=tuple(symbols),
        learned=("LATER",),
    )


def _chain(rng: random.Random, k: int, length: int) -> bytes:
    """Return the states of a chain, a byte each."""
    noise = rng.randbytes(length)  # what follows each state at each step, if it stands there
    follow = [
        noise.translate(b"".join([bytes((state,)) * n for state, n in enumerate(row)]))
        for row in _chances(rng, k)
    ]
    state = int(rng.random() * k)
    return bytes([state := after[state] for after in zip(*follow, strict=True)])


def _chances(rng: random.Random, k: int) -> list[list[int]]:
    """Return rows of Dirichlet(1) in 256ths, two of them with clear peaks that differ.

    A row is what k - 1 cuts leave of a unit stick.
    """
    while True:
        rows = []
        for _ in range(k):
            cuts = sorted([int(rng.random() * 257) for _ in range(k - 1)])
            rows.append([b - a for a, b in pairwise((0, *cuts, 256))])
        peaks = {_peak(row, 256) for row in rows}
        if len(peaks) == 1 and None not in peaks:
            rows[0].append(rows[0].pop(0))  # turned, a row is as likely as it was
            return rows
        if len(peaks - {None}) > 1:
            return rows


def _next(states: bytes, end: int, k: int) -> int | None:
    """Return the likeliest symbol behind states and `end`, or None where two are near."""
    row = [0 if other == end else states.count(bytes((end, other))) for other in range(k)]
    row[end] = states.count(end) - sum(row)  # behind every `end` but the last stands a symbol
    return _peak(row, sum(row) + k)


def _peak(row: list[int], whole: int) -> int | None:
    """Return where a row is highest, or None where the second is near, by the whole."""
    second, best = sorted(row)[-2:]
    return row.index(best) if best - second >= _MARGIN * whole else None


# ---------------------------------------------------------------------- baselines


def chains(
    n: int, length: int, k: int, seed: int = 0
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Draw Markov chains with rows of Dirichlet(1), begun from their stationary state.

    Returns
    -------
    states : array of int [n, length]
    chances : array [n, k, k]
        Of the next symbol (last axis) behind each symbol.
    """
    rng = np.random.default_rng(seed)
    chances = rng.dirichlet(np.ones(k), size=(n, k))
    ends = chances.cumsum(-1)
    state = np.array([rng.choice(k, p=row) for row in stationary(chances)])
    states = np.empty((n, length), dtype=np.intp)
    for t in range(length):
        states[:, t] = state
        above = rng.random(n)[:, None] > ends[np.arange(n), state, :-1]
        state = above.sum(-1)
    return states, chances


def stationary(chances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the stationary chances [n, k] of chains [n, k, k]."""
    n, k, _ = chances.shape
    system = np.concatenate([np.eye(k) - chances.swapaxes(1, 2), np.ones((n, 1, k))], axis=1)
    right = np.zeros((n, k + 1, 1))
    right[:, -1] = 1
    found: NDArray[np.float64] = (np.linalg.pinv(system) @ right)[..., 0]
    return found


def baselines(
    states: NDArray[np.intp], chances: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Return the loss in nats of four predictors of the next symbol, mean over chains.

    Parameters
    ----------
    states : array of int [n, length]
    chances : array [n, k, k]

    Returns
    -------
    dict of str to array [length - 1]
        Position t predicts symbol t + 1 from the symbols up to t. "uniform"; "unigram" and
        "bigram", counts of symbols and of pairs with one added to each (the posterior means
        under flat priors); "chain", which knows the chances.
    """
    k = chances.shape[-1]
    each = np.eye(k)[states]
    symbols = each.cumsum(1)[:, :-1]
    pairs = each[:, :-1, :, None] * each[:, 1:, None, :]
    rows = ((pairs.cumsum(1) - pairs) * each[:, :-1, :, None]).sum(2)
    guesses = {
        "uniform": np.ones_like(symbols) / k,
        "unigram": (symbols + 1) / (symbols.sum(-1, keepdims=True) + k),
        "bigram": (rows + 1) / (rows.sum(-1, keepdims=True) + k),
        "chain": (each[:, :-1, :, None] * chances[:, None]).sum(2),
    }
    found = {name: (guess * each[:, 1:]).sum(-1) for name, guess in guesses.items()}
    return {name: -np.log(right).mean(0) for name, right in found.items()}
