"""Data sets of exemplars: `low16` and `gauss` are made here, `exemplars` takes any array."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from headwidgets.errors import InputError
from headwidgets.labs.emergence.batch import generator
from headwidgets.labs.emergence.data import Exemplars
from headwidgets.labs.emergence.shape import FEATURES, LABELS, count, number

if TYPE_CHECKING:
    from torch import Tensor

CLASSES, NEW_CLASSES, EXEMPLARS, HELD_OUT = 50, 100, 2, 0.2
SPREAD = 0.3
"""The sd within a class over that between classes, of made exemplars behind the first; proposed."""
_LATENT = 16
_LEAST = 2


def low16(
    classes: int = CLASSES,
    new: int = NEW_CLASSES,
    *,
    exemplars: int = EXEMPLARS,
    n_labels: int = LABELS,
    held: int | None = None,
    n_features: int = FEATURES,
    spread: float = SPREAD,
    seed: int = 0,
) -> Exemplars:
    """Make classes with structure in common: 16 numbers, lifted to many by a random rotation.

    What is learned on some classes holds for new ones, as with Omniglot's features.

    Parameters
    ----------
    classes, new : int
        Classes to train on, and new ones.
    exemplars : int
        Of a class; the first is trained on.
    n_labels : int
    held : int, optional
        Pairs of labels that training never has; None: a fifth of all.
    n_features : int
        At least 16; every exemplar has the length √n_features.
    spread : float
        Sd of an exemplar about its class in the 16 numbers, the first being the class itself;
        classes have an sd of 1.
    seed : int

    Returns
    -------
    Exemplars

    Raises
    ------
    InputError
        If a number is out of range, such as no class, or more pairs held out than there are.
    """
    width = count("n_features", n_features, _LATENT)
    sizes = _sizes(classes, new, exemplars, spread)
    random = generator(count("seed", seed, 0), 1)
    lift = torch.linalg.qr(torch.randn(width, _LATENT, generator=random))[0]
    found = _spread(sizes, _LATENT, spread, random) @ lift.T
    found = found * (width**0.5 / found.norm(dim=-1, keepdim=True))
    made = _split(found, sizes[0], 1, n_labels, held, "low16", random)
    return replace(made, made=_called(sizes, made, held, width, spread, seed))


def gauss(
    classes: int = CLASSES,
    new: int = NEW_CLASSES,
    *,
    exemplars: int = EXEMPLARS,
    n_labels: int = LABELS,
    held: int | None = None,
    n_features: int = FEATURES,
    spread: float = SPREAD,
    seed: int = 0,
) -> Exemplars:
    """Make classes with nothing in common: every number drawn by itself.

    The plateau is flat, and what is learned does not hold for new classes.

    Parameters
    ----------
    classes, new, exemplars, n_labels, held, n_features, spread, seed : see `low16`

    Returns
    -------
    Exemplars

    Raises
    ------
    InputError
        As `low16`.
    """
    width = count("n_features", n_features, 1)
    sizes = _sizes(classes, new, exemplars, spread)
    random = generator(count("seed", seed, 0), 2)
    found = _spread(sizes, width, spread, random)
    made = _split(found, sizes[0], 1, n_labels, held, "gauss", random)
    return replace(made, made=_called(sizes, made, held, width, spread, seed))


def exemplars(
    features: Any,
    classes: Any,
    *,
    trained: int = CLASSES,
    shown: int = 1,
    n_labels: int = LABELS,
    held: int | None = None,
    seed: int = 0,
    name: str = "exemplars",
) -> Exemplars:
    """Take features that you have, such as those of Omniglot's characters.

    Parameters
    ----------
    features : array, [exemplar, feature]
    classes : array, [exemplar]
        Which class each is of: whole numbers or names.
    trained : int
        Classes to train on; which ones is drawn by the seed, the others are new.
    shown : int
        Exemplars of a class to train on, the first ones; all classes are cut to as many
        exemplars as the smallest has.
    n_labels, held, seed : see `low16`
    name : str

    Returns
    -------
    Exemplars

    Raises
    ------
    InputError
        If the arrays do not fit each other, are not finite, or are too few.
    """
    try:
        table, which = _plain(features), _plain(classes)
    except (ValueError, TypeError, RuntimeError) as error:
        message = f"expected features and classes as arrays: {error}"
        raise InputError(message) from error
    numbers = table.dtype.kind in "fiu"
    if table.ndim != 2 or which.shape != table.shape[:1] or not table.size or not numbers:  # noqa: PLR2004
        message = (
            "expected features as numbers [exemplar, feature] and as many classes, "
            f"got shapes {table.shape} and {which.shape}"
        )
        raise InputError(message)
    with np.errstate(over="ignore"):
        table = table.astype(np.float32)
    if not np.isfinite(table).all():
        message = "expected features that are finite in float32, got some that are not"
        raise InputError(message)
    try:
        names, place = np.unique(which, return_inverse=True)
    except TypeError as error:
        message = f"expected classes as whole numbers or as names, got both: {error}"
        raise InputError(message) from error
    n = count("trained", trained, _LEAST, len(names))
    random = generator(count("seed", seed, 0), 3)
    order = torch.randperm(len(names), generator=random).numpy()
    least = int(np.bincount(place).min())
    some = count("shown", shown, 1, least)
    rows = np.stack([np.flatnonzero(place == one)[:least] for one in order])
    found = torch.from_numpy(table[rows])
    return _split(found, n, some, n_labels, held, name, random)


def _plain(given: Any) -> np.ndarray[Any, Any]:
    return np.asarray(given.detach().cpu() if isinstance(given, torch.Tensor) else given)


def _sizes(classes: int, new: int, exemplars: int, spread: Any) -> tuple[int, int, int]:
    found = number(spread)
    if found is None or found < 0:
        message = f"expected a spread from 0, got {spread!r:.80}"
        raise InputError(message)
    return (
        count("classes", classes, _LEAST),
        count("new", new, 0),
        count("exemplars", exemplars, 1),
    )


def _called(
    sizes: tuple[int, int, int],
    made: Exemplars,
    held: int | None,
    n_features: int,
    spread: float,
    seed: int,
) -> dict[str, Any]:
    names = dict(zip(("classes", "new", "exemplars"), sizes, strict=True))
    pairs = len(made.held) if held is None else int(held)
    rest = {"n_labels": made.n_labels, "held": pairs, "n_features": n_features}
    return {**names, **rest, "spread": float(spread), "seed": int(seed)}


def _spread(
    sizes: tuple[int, int, int], width: int, spread: float, random: torch.Generator
) -> Tensor:
    """Draw classes, and exemplars about them, [class, exemplar, width]."""
    classes = torch.randn(sizes[0] + sizes[1], 1, width, generator=random)
    about = torch.randn(len(classes), sizes[2], width, generator=random)
    about[:, 0] = 0
    return classes + spread * about


def _split(
    features: Tensor,
    trained: int,
    shown: int,
    n_labels: int,
    held: int | None,
    name: str,
    random: torch.Generator,
) -> Exemplars:
    """Hold pairs of labels out."""
    labels = count("n_labels", n_labels, _LEAST)
    pairs = torch.tensor(list(combinations(range(labels), 2)))
    some = round(HELD_OUT * len(pairs)) if held is None else count("held", held, 0)
    if some >= len(pairs):
        message = (
            f"expected fewer than {len(pairs)} pairs held out, since {labels} labels have "
            f"{len(pairs)} pairs and training needs one, got {some}"
        )
        raise InputError(message)
    pairs = pairs[torch.randperm(len(pairs), generator=random)]
    return Exemplars(features, trained, shown, pairs[some:], pairs[:some], labels, name)
