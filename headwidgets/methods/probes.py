"""Probes: what each head's z tells of a label, and the direction along which it tells it.

A logistic probe or a mass-mean one is fitted on most of the prompts of each head and judged on the
others; prompts of one group never stand on both sides. Beside it stand what the best of so many
heads reaches by chance, in closed form, and what the same probe makes of labels that only say which
token it looks at (Hewitt & Liang 2019, arXiv 1909.03368).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from headwidgets.errors import InputError
from headwidgets.heads import Head
from headwidgets.methods.by_chance import mean_best, p_best
from headwidgets.methods.edits import add
from headwidgets.methods.heads_z import heads_z_at
from headwidgets.methods.held_out import (
    LOGISTIC,
    MASS_MEAN,
    PROBES,
    SCIKIT,
    fit,
    numbers,
    sides,
    weights_of,
)
from headwidgets.methods.options import refuse_unknown
from headwidgets.methods.places import read_at
from headwidgets.methods.summary import measured_on
from headwidgets.methods.vector import Direction
from headwidgets.model.work import checkpoint
from headwidgets.whole import whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from headwidgets.methods.edit import Edit
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine

LEAST = 20
"""Prompts with each label, at least."""
TEST = 0.3
CONTROLS = 5
"""Times that tokens are given labels of no meaning."""
COLUMNS = (
    *("layer", "head", "accuracy", "se", "balanced", "best_by_chance", "p"),
    *("control", "selectivity", "n_train", "n_test"),
)
_HOW = {LOGISTIC: "logistic", SCIKIT: "logistic", MASS_MEAN: "mean difference"}


@dataclass(frozen=True)
class Probes:
    """One probe a head.

    Attributes
    ----------
    frame : DataFrame
        One row a head; see `probe`.
    directions : dict of Head to Direction
        Towards the prompts whose label is true, fitted on the training prompts: as long as one
        standard deviation of their z along it. Heads whose z tells nothing have none.
    """

    frame: pd.DataFrame
    directions: Mapping[Head, Direction]

    def to_frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.frame

    def direction(self, head: object) -> Direction:
        """Return a head's direction, one standard deviation long.

        Raises
        ------
        InputError
            If the head was not probed, or its z is the same on all prompts.
        """
        one = Head.parse(head)
        if one not in self.directions:
            message = (
                f"head {one} has no direction: it was not probed, or its z is the same on all "
                "training prompts"
            )
            raise InputError(message)
        return self.directions[one]

    def edit(self, head: object, strength: float = 1.0, at: Any = None) -> Edit:
        """Return an edit that moves a head's z along its direction.

        Parameters
        ----------
        head : str, tuple or Head
        strength : float
            Standard deviations of the training prompts' z along the direction; negative moves
            towards the prompts whose label is false. Li et al. 2023 take 15.
        at : int, str, list or None
            As in `hw.add`; None is everywhere.

        Returns
        -------
        Edit
            ``s.edits = [probes.edit("3.1", strength=2)]``.
        """
        one = Head.parse(head)
        return add(one, self.direction(one), strength, at)

    def __len__(self) -> int:
        """Return how many heads were probed."""
        return len(self.frame)

    def _repr_html_(self) -> str | None:
        """As a notebook shows the table."""
        found: str | None = self.frame._repr_html_()
        return found


def probe(
    engine: Engine,
    snapshot: Snapshot,
    labels: Any,
    how: str = LOGISTIC,
    *,
    at: Any = "end",
    groups: Any = None,
    test: float = TEST,
    seed: int = 0,
    **unknown: object,
) -> Probes:
    """Probe the z of every head for a label.

    Parameters
    ----------
    labels : sequence of bool
        One for each prompt: of two values, the larger one is true.
    how : {"logistic", "mass mean", "scikit-learn"}
        ``"logistic"``: ridge penalty, C = 1. ``"mass mean"``: the mean of one side less that of
        the other, cut halfway. ``"scikit-learn"``: its LogisticRegression, which minimises the same
        as ``"logistic"``; an extra, ``pip install "headwidgets[probes]"``.
    at : int or str
        Where z is taken, one position of each prompt.
    groups : sequence, optional
        Prompts of one group (the answers to one question) stay on one side of the split; default:
        prompts that are the same are a group.
    test : float
        Share of the prompts that is held out, at least a tenth, at most a half.
    seed : int
        Of the split and of the control's labels.

    Returns
    -------
    Probes
        Its ``frame`` has one row a head: layer; head; accuracy, on held-out prompts, and
        se, over groups; balanced, the mean over the two labels; best_by_chance, the mean
        accuracy of the best of so many heads with permuted labels, in closed form, each
        group of held-out prompts a trial, and p, the probability that it reaches this
        head's; control, the mean accuracy where labels say only which token stands there,
        and selectivity, accuracy less that (NaN where one token stands in all prompts);
        n_train;
        n_test. ``attrs`` say what was measured on what.

    Raises
    ------
    InputError
        If labels are not two, too few, of another number than the prompts, or NaN; if the groups
        or `at` do not fit.

    References
    ----------
    Li et al. 2023, "Inference-Time Intervention", arXiv 2306.03341, section 3.1.
    """
    refuse_unknown("probe", unknown, "at, groups, test, seed")
    if how not in PROBES:
        message = f"expected how as one of {', '.join(map(repr, PROBES))}, got {how!r}"
        raise InputError(message)
    own = read_labels(labels, len(snapshot.pairs))
    rows = [pair.clean for pair in snapshot.pairs]
    grouped = _groups(groups, rows)
    held = _held_out(own, grouped, _share(test), _seed(seed))
    place = read_at(at)
    z, tokens = heads_z_at(engine, snapshot, place)  # [row, layer, head, d_head]
    random = np.random.default_rng(_seed(seed) + 1)
    control = _control(tokens, random)
    n_heads = engine.facts.n_layers * engine.facts.n_heads
    n = int(held.sum())
    trials = _Trials(numbers(grouped)[held])
    chance = float(max(own[held].mean(), 1 - own[held].mean()))
    found: list[dict[str, Any]] = []
    directions: dict[Head, Direction] = {}
    for layer, head in np.ndindex(z.shape[1], z.shape[2]):
        checkpoint(len(found), n_heads, "probes")
        x = z[:, layer, head]
        if not bool(torch.isfinite(x).all()):
            message = f"head {layer}.{head} has a z that is not finite on some prompts"
            raise InputError(message)
        right = sides(how, x, np.concatenate([own[:, None], control], 1), held)
        accuracy = float(right[:, 0].mean())
        others = float(right[:, 1:].mean()) if control.shape[1] else float("nan")
        counts = weights_of(own[held][:, None])[:, 0]
        found.append(
            {
                "layer": layer,
                "head": head,
                "accuracy": accuracy,
                "se": trials.error(right[:, 0]),
                "balanced": float((right[:, 0] * counts).mean()),
                "best_by_chance": mean_best(trials.n, n_heads, chance),
                "p": p_best(int(accuracy * trials.n + 1e-9), trials.n, n_heads, chance),
                "control": others,
                "selectivity": accuracy - others,
                "n_train": len(own) - n,
                "n_test": n,
            }
        )
        along = _direction(how, x[torch.from_numpy(~held)], own[~held], Head(layer, head))
        if along is not None:
            directions[Head(layer, head)] = along
    frame = pd.DataFrame(found, columns=list(COLUMNS))
    frame.attrs |= {
        "measured_on": measured_on(snapshot),
        "how": how,
        "at": at,
        "labels": f"{int(own.sum())} true, {int((~own).sum())} false",
        "groups": int(numbers(grouped).max()) + 1,
        "seed": seed,
        "notes": [
            "what a probe can read, the model need not use: edit along it",
            *(["one token stands there in all prompts: no control"] * (not control.shape[1])),
        ],
    }
    return Probes(frame, directions)


class _Trials:
    """Held-out rows by group: rows of one group are right or wrong together, and count once.

    Parameters
    ----------
    groups : ndarray of int, [held-out row]
    """

    def __init__(self, groups: NDArray[np.int64]) -> None:
        _, self._of = np.unique(groups, return_inverse=True)
        self.n = int(self._of.max()) + 1

    def error(self, right: NDArray[np.bool_]) -> float:
        """Return the standard error of the share that is right."""
        counts = np.bincount(self._of)
        off = np.bincount(self._of, right - right.mean())  # of a ratio of means over groups
        spread = float(np.square(off).sum()) / max(self.n - 1, 1)
        return float(np.sqrt(spread / self.n) / counts.mean())


def read_labels(labels: Any, n: int) -> NDArray[np.bool_]:
    """Read one label for each prompt, of two values.

    Raises
    ------
    InputError
    """
    listed = list(labels) if isinstance(labels, Iterable) and not isinstance(labels, str) else []
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


def _first_nan(listed: Sequence[Any]) -> str:
    at = next(i for i, one in enumerate(listed) if one is None or bool(one != one))  # noqa: PLR0124
    return f"{listed[at]!r} for prompt {at}"


def _groups(groups: Any, rows: Sequence[Sequence[int]]) -> Sequence[object]:
    if groups is None:
        return [tuple(row) for row in rows]
    listed = list(groups) if isinstance(groups, Iterable) and not isinstance(groups, str) else []
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


def _share(test: Any) -> float:
    if isinstance(test, int | float) and 0.1 <= test <= 0.5:  # noqa: PLR2004 - said in the docs
        return float(test)
    message = f"expected test as a share from 0.1 to 0.5, got {test!r}"
    raise InputError(message)


def _seed(seed: Any) -> int:
    found = whole(seed)
    if found is None or not 0 <= found < 1 << 32:
        message = f"expected seed as a whole number from 0, got {seed!r:.40}"
        raise InputError(message)
    return found


def _held_out(
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


def _control(tokens: Sequence[int], random: np.random.Generator) -> NDArray[np.bool_]:
    """Give each token a label of no meaning, [row, time]; none where there is one token."""
    known = sorted(set(tokens))
    if len(known) < 2:  # noqa: PLR2004 - two labels
        return np.zeros((len(tokens), 0), bool)
    place = [known.index(token) for token in tokens]
    half = np.arange(len(known)) % 2 == 0
    columns = [random.permutation(half)[place] for _ in range(CONTROLS)]
    return np.stack(columns, axis=1)


def _direction(how: str, x: Tensor, labels: NDArray[np.bool_], head: Head) -> Direction | None:
    """Return the probe's direction, one standard deviation of the prompts along it long."""
    weights, _ = fit(how, x, torch.from_numpy(labels)[:, None])
    length = float(weights.norm())
    if not length > 0:
        return None
    unit = weights[:, 0] / length
    size = float((x.double() @ unit).std())
    if not size > 0:
        return None
    return Direction((size * unit).float().numpy(), str(head), f"{how} probe", _HOW[how])
