"""What a probe is fitted on: labels and groups of prompts, and the split that holds some out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from headwidgets.errors import InputError
from headwidgets.methods.held_out import numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST = 20
"""Prompts with each label, at least."""


def read_labels(labels: Any, n: int) -> NDArray[np.bool_]:
    """Read one label for each prompt, of two values.

    Raises
    ------
    InputError
    """
    listed = _listed(labels)
    if len(listed) != n:
        message = f"expected {n} labels, one for each prompt, got {len(listed) or repr(labels)}"
        raise InputError(message)
    if any(np.ndim(one) for one in listed):
        message = f"expected one label for each prompt, got {listed[:2]!r:.80}"
        raise InputError(message)
    if any(one is None or bool(one != one) for one in listed):  # noqa: PLR0124 - NaN is not itself
        message = f"expected a label for each prompt, got {_first_nan(listed)}"
        raise InputError(message)
    try:
        values = sorted(set(listed))
    except TypeError as error:
        message = f"expected labels of two values, such as True and False, got {listed[:3]!r:.80}"
        raise InputError(message) from error
    if len(values) != 2:  # noqa: PLR2004 - two sides
        message = f"expected labels of two values, got {len(values)}: {values[:4]!r}"
        raise InputError(message)
    found = np.array([one == values[1] for one in listed], bool)
    least = int(min(found.sum(), (~found).sum()))
    if least < LEAST:
        message = f"expected at least {LEAST} prompts with each label, got {least} with one of them"
        raise InputError(message)
    return found


def _listed(given: Any) -> list[Any]:
    """Return what is given for each prompt as plain values: of a list, an array, a tensor."""
    plain = given.tolist() if hasattr(given, "tolist") else given
    return list(plain) if isinstance(plain, Iterable) and not isinstance(plain, str) else []


def _first_nan(listed: Sequence[Any]) -> str:
    at = next(i for i, one in enumerate(listed) if one is None or bool(one != one))  # noqa: PLR0124
    return f"{listed[at]!r} for prompt {at}"


def read_groups(groups: Any, rows: Sequence[Sequence[int]]) -> Sequence[object]:
    """Read the group of each prompt; prompts that are the same are one, where none are given.

    Raises
    ------
    InputError
    """
    if groups is None:
        return [tuple(row) for row in rows]
    listed = _listed(groups)
    if len(listed) != len(rows):
        message = f"expected {len(rows)} groups, one for each prompt, got {len(listed)}"
        raise InputError(message)
    try:
        hash(tuple(listed))
    except TypeError as error:
        message = f"expected a name or a number for each group, got {listed[0]!r:.80}"
        raise InputError(message) from error
    same: dict[object, object] = {}
    for row, group in zip(rows, listed, strict=True):
        if same.setdefault(tuple(row), group) != group:
            message = (
                "the same prompt is in two groups: the probe would be judged on a prompt that it "
                "was fitted on; give both the same group"
            )
            raise InputError(message)
    return listed


def read_share(test: Any) -> float:
    """Read what share of the prompts is held out.

    Raises
    ------
    InputError
    """
    if isinstance(test, int | float) and 0.1 <= test <= 0.5:  # noqa: PLR2004 - said in the docs
        return float(test)
    message = f"expected test as a share from 0.1 to 0.5, got {test!r}"
    raise InputError(message)


def hold_out(
    labels: NDArray[np.bool_], groups: Sequence[object], share: float, seed: int
) -> NDArray[np.bool_]:
    """Hold out groups, one after another in random order, until there are enough prompts.

    Raises
    ------
    InputError
        If either side then lacks a label.
    """
    number = numbers(groups)
    order = np.random.default_rng(seed).permutation(number.max() + 1)
    sizes = np.bincount(number)[order].cumsum()
    some = order[: 1 + int(np.argmin(np.abs(sizes - share * len(labels))))]
    held: NDArray[np.bool_] = np.isin(number, some)
    if len({*labels[held]}) + len({*labels[~held]}) != 4:  # noqa: PLR2004 - two labels, two sides
        message = (
            f"{len(order)} groups cannot be split so that either side has both labels: give more "
            "groups, or another seed"
        )
        raise InputError(message)
    return held
