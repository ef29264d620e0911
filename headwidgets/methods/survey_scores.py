"""The survey's equations 4 and 5, as functions of arrays: retrieval and negative attention.

Zheng et al. 2024, "Attention Heads of Large Language Models: A Survey", arXiv 2409.03752,
section 4. Needs NumPy alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headwidgets.errors import InputError
from headwidgets.whole import whole

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable

    from numpy.typing import ArrayLike, NDArray

EPSILON = 1e-9
_PATTERNS = 4  # axes: layer, head, query, key


def retrieval_score(copied: Collection[Hashable], needle: Collection[Hashable]) -> float:
    """Share of a needle's tokens that a head copied: |g ∩ k| / |k|, equation 4.

    Parameters
    ----------
    copied : collection
        What the head copied: tokens, or their places, in a list, an array or a tensor. A
        thing copied twice counts once.
    needle : collection
        What was to be copied.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    InputError
        If the needle is empty, or one of the two is no row of things.

    References
    ----------
    Wu et al. 2024, "Retrieval Head Mechanistically Explains Long-Context Factuality",
    arXiv 2404.15574.

    Examples
    --------
    >>> retrieval_score(["blue", "blue", "the"], ["blue", "sky"])
    0.5
    """
    wanted = _things(needle, "needle")
    if not wanted:
        message = "expected a needle of at least one token, got none"
        raise InputError(message)
    return len(_things(copied, "copied") & wanted) / len(wanted)


def teacher_forced_retrieval(
    patterns: ArrayLike,
    ids: Iterable[int],
    needle: Iterable[int],
    answer: Iterable[int],
) -> NDArray[np.float64]:
    """Return the retrieval score of every head, on a prompt that already contains the answer.

    A head copies a token of the needle where, at the query before a token of the answer, it
    looks most at a place of the needle and the token there is the one that comes next.

    Parameters
    ----------
    patterns : array_like, [layer, head, query, key]
        Attention of one run over `ids`.
    ids : iterable of int
        Token ids of prompt and answer together.
    needle : iterable of int
        Places of the needle in `ids`.
    answer : iterable of int
        Places of the answer's tokens in `ids`; each is foretold by the query before it.

    Returns
    -------
    ndarray of float, [layer, head]

    Raises
    ------
    InputError
        For patterns of another shape, and places that are not in `ids`.
    """
    maps = _numbers(patterns)
    tokens = _row(ids, "ids")
    places_of = {"needle": _row(needle, "needle"), "answer": _row(answer, "answer")}
    n = len(tokens)
    if maps.ndim != _PATTERNS or maps.shape[2:] != (n, n):
        message = f"expected patterns [layer, head, {n}, {n}] for {n} tokens, got {maps.shape}"
        raise InputError(message)
    for name, places in places_of.items():
        first = int(name == "answer")
        bad = [place for place in places if not first <= place < n]
        if bad or not places:
            got = f"{bad[0]}" if bad else "none"
            message = f"expected places of the {name} from {first} to {n - 1}, got {got}"
            raise InputError(message)
    wanted = set(places_of["needle"])
    foretold = places_of["answer"]
    out = np.zeros(maps.shape[:2])
    looked_at = maps[:, :, [place - 1 for place in foretold]].argmax(-1)  # [layer, head, answer]
    for layer, head in np.ndindex(*out.shape):
        found = looked_at[layer, head].tolist()
        copied = [
            key
            for key, place in zip(found, foretold, strict=True)
            if key in wanted and tokens[key] == tokens[place]
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
        If the places are not two different keys with a query after them, or the pattern
        is no array of numbers.

    References
    ----------
    Yu et al. 2024, "Correcting Negative Bias in Large Language Models through Negative
    Attention Score Alignment", arXiv 2408.00137.
    """
    maps = _numbers(pattern)
    if maps.ndim < 2:  # noqa: PLR2004 - [..., query, key]
        message = f"expected attention [..., query, key], got shape {maps.shape}"
        raise InputError(message)
    queries, keys = maps.shape[-2:]
    one, other = whole(yes), whole(no)
    last = min(queries - 2, keys - 1)
    if (
        one is None
        or other is None
        or one == other
        or not 0 <= min(one, other) <= max(one, other) <= last
    ):
        message = (
            f"expected two different places with a query after both, from 0 to "
            f"{last}, got yes={yes!r:.20} and no={no!r:.20}"
        )
        raise InputError(message)
    after = maps[..., max(one, other) + 1 :, :]
    to_yes, to_no = after[..., one], after[..., other]
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


def _numbers(values: Any) -> NDArray[np.float64]:
    """Read an array of numbers, also of a tensor with a gradient or in half precision."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().double().numpy()
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        message = f"expected attention as an array of numbers, got {values!r:.60}"
        raise InputError(message) from error


def _listed(values: Any, name: str) -> list[Any]:
    """Return things as a list: those of a tensor or an array as Python's own numbers."""
    try:
        return list(values.tolist() if hasattr(values, "tolist") else values)
    except TypeError as error:
        message = f"expected {name} as a row such as [3, 4, 5], got {values!r:.60}"
        raise InputError(message) from error


def _things(values: Any, name: str) -> set[Hashable]:
    """Return what is there, each once; whole numbers are equal whatever holds them."""
    read = [(whole(one), one) for one in _listed(values, name)]
    try:
        return {one if number is None else number for number, one in read}
    except TypeError as error:
        message = f"expected {name} as one row of tokens or places, got {values!r:.60}"
        raise InputError(message) from error


def _row(values: Any, name: str) -> list[int]:
    """Return whole numbers."""
    read = [(whole(one), one) for one in _listed(values, name)]
    for number, one in read:
        if number is None:
            message = f"expected {name} as whole numbers, got {one!r:.40} among them"
            raise InputError(message)
    return [number for number, _ in read if number is not None]
