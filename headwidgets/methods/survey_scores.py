"""The survey's equations 4 and 5, as functions of arrays: retrieval and negative attention.

Zheng et al. 2024, "Attention Heads of Large Language Models: A Survey", arXiv 2409.03752,
section 4. Needs NumPy alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headwidgets.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Sequence

    from numpy.typing import ArrayLike, NDArray

EPSILON = 1e-9
_PATTERNS = 4  # axes: layer, head, query, key


def retrieval_score(copied: Collection[Hashable], needle: Collection[Hashable]) -> float:
    """Share of a needle's tokens that a head copied: |g ∩ k| / |k|, equation 4.

    Parameters
    ----------
    copied : collection
        What the head copied: tokens, or their places. A thing copied twice counts once.
    needle : collection
        What was to be copied.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    InputError
        If the needle is empty.

    References
    ----------
    Wu et al. 2024, "Retrieval Head Mechanistically Explains Long-Context Factuality",
    arXiv 2404.15574.

    Examples
    --------
    >>> retrieval_score(["blue", "blue", "the"], ["blue", "sky"])
    0.5
    """
    wanted = set(needle)
    if not wanted:
        message = "expected a needle of at least one token, got none"
        raise InputError(message)
    return len(set(copied) & wanted) / len(wanted)


def teacher_forced_retrieval(
    patterns: ArrayLike,
    ids: Sequence[int],
    needle: Sequence[int],
    answer: Sequence[int],
) -> NDArray[np.float64]:
    """Return the retrieval score of every head, on a prompt that already contains the answer.

    A head copies a token of the needle where, at the query before a token of the answer, it
    looks most at a place of the needle and the token there is the one that comes next.

    Parameters
    ----------
    patterns : array_like, [layer, head, query, key]
        Attention of one run over `ids`.
    ids : sequence of int
        Token ids of prompt and answer together.
    needle : sequence of int
        Places of the needle in `ids`.
    answer : sequence of int
        Places of the answer's tokens in `ids`; each is foretold by the query before it.

    Returns
    -------
    ndarray of float, [layer, head]

    Raises
    ------
    InputError
        For patterns of another shape, and places that are not in `ids`.
    """
    maps = np.asarray(patterns, dtype=float)
    n = len(ids)
    if maps.ndim != _PATTERNS or maps.shape[2:] != (n, n):
        message = f"expected patterns [layer, head, {n}, {n}] for {n} tokens, got {maps.shape}"
        raise InputError(message)
    for name, places, first in (("needle", needle, 0), ("answer", answer, 1)):
        bad = [place for place in places if not first <= place < n]
        if bad or not len(places):
            got = f"{bad[0]}" if bad else "none"
            message = f"expected places of the {name} from {first} to {n - 1}, got {got}"
            raise InputError(message)
    wanted = set(needle)
    out = np.zeros(maps.shape[:2])
    looked_at = maps[:, :, [place - 1 for place in answer]].argmax(-1)  # [layer, head, answer]
    for layer, head in np.ndindex(*out.shape):
        found = looked_at[layer, head].tolist()
        copied = [
            key
            for key, place in zip(found, answer, strict=True)
            if key in wanted and ids[key] == ids[place]
        ]
        out[layer, head] = retrieval_score(copied, wanted)
    return out


def negative_attention_score(
    pattern: ArrayLike, yes: int, no: int, *, epsilon: float = EPSILON
) -> NDArray[np.float64]:
    """How much a head looks at "No" rather than "Yes", by how far: equation 5.

        Σ_i (A[i, yes] + A[i, no]) · log(A[i, no] / A[i, yes])

    over the queries after both words (before, one of the two cannot be seen). Swapping
    the words turns the sign.

    Parameters
    ----------
    pattern : array_like, [..., query, key]
        Attention; [query, key] gives one number.
    yes, no : int
        Places of the two words in an instruction such as "Answer Yes or No".
    epsilon : float
        Added to both inside the logarithm, so that no attention at all is finite.

    Returns
    -------
    ndarray of float, [...]
        Positive: more to "No". In nats, times attention, summed over queries.

    Raises
    ------
    InputError
        If the places are not two different keys with a query after them.

    References
    ----------
    Yu et al. 2024, "Correcting Negative Bias in Large Language Models through Negative
    Attention Score Alignment", arXiv 2408.00137.
    """
    maps = np.asarray(pattern, dtype=float)
    if maps.ndim < 2:  # noqa: PLR2004 - [..., query, key]
        message = f"expected attention [..., query, key], got shape {maps.shape}"
        raise InputError(message)
    queries, keys = maps.shape[-2:]
    if yes == no or min(yes, no) < 0 or not max(yes, no) < min(queries - 1, keys):
        message = (
            f"expected two different places with a query after both, from 0 to "
            f"{min(queries - 2, keys - 1)}, got yes={yes} and no={no}"
        )
        raise InputError(message)
    after = maps[..., max(yes, no) + 1 :, :]
    to_yes, to_no = after[..., yes], after[..., no]
    log = np.log(to_no + epsilon) - np.log(to_yes + epsilon)
    return np.asarray(((to_yes + to_no) * log).sum(-1))


def both_orders(
    yes_first: ArrayLike,
    places: tuple[int, int],
    no_first: ArrayLike,
    swapped: tuple[int, int],
    *,
    epsilon: float = EPSILON,
) -> NDArray[np.float64]:
    """Mean of equation 5 over a prompt that says "Yes or No" and one that says "No or Yes".

    What a head owes to the place of a word alone cancels.

    Parameters
    ----------
    yes_first, no_first : array_like, [..., query, key]
        Attention on the two prompts.
    places, swapped : tuple of (yes, no)
        Where the words stand in each.

    Returns
    -------
    ndarray of float, [...]
    """
    one = negative_attention_score(yes_first, *places, epsilon=epsilon)
    other = negative_attention_score(no_first, *swapped, epsilon=epsilon)
    return np.asarray((one + other) / 2)
