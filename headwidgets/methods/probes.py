"""Probes: what each head's z tells of a label, and the direction along which it tells it.

A logistic probe or a mass-mean one is fitted on most of the prompts of each head and judged on the
others; prompts of one group never stand on both sides. Beside it stand what the best of so many
heads reaches by chance, in closed form, and what the same probe makes of labels that only say which
token it looks at (Hewitt & Liang 2019, arXiv 1909.03368).
"""

from __future__ import annotations

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
from headwidgets.methods.options import read_seed, refuse_unknown
from headwidgets.methods.places import read_at
from headwidgets.methods.probed import hold_out, read_groups, read_labels, read_share
from headwidgets.methods.summary import measured_on
from headwidgets.methods.vector import Direction
from headwidgets.model.work import checkpoint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from headwidgets.methods.edit import Edit
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine

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
    grouped = read_groups(groups, rows)
    held = hold_out(own, grouped, read_share(test), read_seed(seed))
    place = read_at(at)
    z, tokens = heads_z_at(engine, snapshot, place)  # [row, layer, head, d_head]
    random = np.random.default_rng(read_seed(seed) + 1)
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
