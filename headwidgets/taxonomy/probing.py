"""Kinds that a probe shows: what a head's z at the last token tells, on rows not fitted on.

The null is the same probe fitted on labels that are permuted, of all heads in each draw. Rows of
one group (what is said about one fact) stand on one side of the split and count once. What the
words of the rows alone tell, each word by itself, is no head's merit: a head must tell more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from headwidgets.errors import NotMeasurable
from headwidgets.methods.held_out import LOGISTIC, folds, numbers, permuted, right, weights_of
from headwidgets.model.work import checkpoint
from headwidgets.taxonomy.last_token import at_end, heads_z
from headwidgets.taxonomy.measure import Scores
from headwidgets.taxonomy.reduce import batches
from headwidgets.taxonomy.verdict import CANDIDATE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from headwidgets.model.engine import Engine, Hooks
    from headwidgets.taxonomy.asked import Ids
    from headwidgets.taxonomy.measure import Measure

LEAST = 20
"""Rows with each label, at least."""
PARTS = 2
"""Parts of the rows: a probe is fitted on one and judged on the other (Li et al. 2023)."""
BEYOND = 0.1
"""Balanced accuracy that a head must have above that of the words alone."""
_ROUNDING = 1e-3


@dataclass(frozen=True)
class Labelled:
    """Rows with labels.

    Attributes
    ----------
    rows : tuple of token ids
    labels : ndarray of bool, [row]
    groups : tuple
        Rows of one group never stand on both sides of a split.
    blocks : tuple
        Labels are permuted within these, for the null.
    names : (str, str)
        What rows with the label, and those without, are.
    words : str
        What they are of; begins with the task's name.
    units : tuple
        Rows of one unit have one label, also where labels are permuted: statements of one fact
        that are all true, or all false. Default: each row is its own.
    """

    rows: tuple[Ids, ...]
    labels: NDArray[np.bool_]
    groups: tuple[object, ...]
    blocks: tuple[object, ...]
    names: tuple[str, str]
    words: str
    units: tuple[object, ...] = ()

    def require(self) -> None:
        """Refuse too few rows.

        Raises
        ------
        NotMeasurable
            If fewer than 20 rows have either label.
        """
        ones = int(self.labels.sum())
        for name, n in zip(self.names, (ones, len(self.rows) - ones), strict=True):
            if n < LEAST:
                message = f"{self.words}: {n} {name}, a probe needs {LEAST}"
                raise NotMeasurable(message)

    def take(self, some: Sequence[int] | NDArray[np.int64]) -> Labelled:
        """Return some of the rows."""
        return Labelled(
            tuple(self.rows[i] for i in some),
            self.labels[list(some)],
            tuple(self.groups[i] for i in some),
            tuple(self.blocks[i] for i in some),
            *(self.names, self.words),
            tuple(self.units[i] for i in some) if self.units else (),
        )

    def relabelled(self, draws: int, random: np.random.Generator) -> NDArray[np.bool_]:
        """Permute labels within blocks, each unit as a whole, [row, draw]."""
        number = numbers(self.units or range(len(self.rows)))
        _, first = np.unique(number, return_index=True)
        blocks = [self.blocks[i] for i in first]
        drawn: NDArray[np.bool_] = permuted(self.labels[first], blocks, draws, random)[number]
        return drawn


def matched(given: Labelled, random: np.random.Generator) -> Labelled:
    """Keep, of each block, as many rows with the label as without: the block then tells nothing."""
    number = {block: i for i, block in enumerate(dict.fromkeys(given.blocks))}
    block = np.array([number[one] for one in given.blocks])
    kept: list[int] = []
    for one in range(len(number)):
        sides = [np.flatnonzero((block == one) & (given.labels == side)) for side in (True, False)]
        most = min(map(len, sides))
        kept += [int(i) for side in sides for i in random.permutation(side)[:most]]
    return given.take(sorted(kept))


def probing(measure: Measure, given: Labelled, task_accuracy: float = float("nan")) -> Scores:
    """Score the balanced accuracy of a logistic probe on each head's z at the last token.

    The standard error is that over groups, not over rows: rows of one group are right together.

    Raises
    ------
    NotMeasurable
        If fewer than 20 rows have either label.
    """
    given.require()
    random = np.random.default_rng(measure.seed)
    labels = np.concatenate([given.labels[:, None], given.relabelled(measure.draws, random)], 1)
    part = folds(given.groups, PARTS, random)
    counts = weights_of(labels)
    z = ends(measure.engine, given.rows, measure.hooks)  # [row, layer, head, d_head]
    shape = z.shape[1:3]
    of = numbers(given.groups)
    rows = np.empty((int(of.max()) + 1, *shape), np.float32)
    null = np.empty((measure.draws, *shape), np.float32)
    for layer, head in np.ndindex(*shape):
        checkpoint(layer * shape[1] + head, shape[0] * shape[1], "probes")
        found = right(LOGISTIC, _varying(z[:, layer, head]), labels, part) * counts
        rows[:, layer, head] = np.bincount(of, found[:, 0]) * (len(rows) / len(of))
        null[:, layer, head] = found[:, 1:].mean(0)
    ones = int(given.labels.sum())
    said = f"{given.words}, {ones} {given.names[0]} and {len(z) - ones} {given.names[1]}"
    counted = "a row" if len(rows) == len(z) else "a fact"
    scores = Scores(rows, null, task_accuracy=task_accuracy, words=said, counted=counted)
    _beyond_words(measure, scores, given, part)
    return scores


def _beyond_words(
    measure: Measure, scores: Scores, given: Labelled, part: NDArray[np.int64]
) -> None:
    """Say what the words alone tell; who tells little more may have read a word."""
    alone = words_alone(given, part)
    for head in scores.reaching(measure.threshold):
        enough = scores.mean[head] >= alone + BEYOND
        said = f"words alone, each by itself or all added up, tell it with {alone:.2f}"
        scores.remark(head, said, at_most=None if enough else CANDIDATE)


def words_alone(given: Labelled, part: NDArray[np.int64]) -> float:
    """Return the balanced accuracy of the rows' words: the best of three readers.

    A probe on how often each token stands in the row, one on which token stands how far from the
    end, and the one word, or word at its place, that tells most on all rows.
    """
    own = given.labels[:, None]
    counts = weights_of(own)
    kinds = (_told(given.rows, lambda _, token: token), _told(given.rows, lambda *at: at))
    found = [float((right(LOGISTIC, features, own, part) * counts).mean()) for features in kinds]
    there = torch.cat(kinds, 1).numpy() > 0
    single = ((there == own) * counts).mean(0)
    return max(*found, float(np.maximum(single, 1 - single).max()))


def _told(rows: Sequence[Ids], what: Callable[[int, int], object]) -> Tensor:
    """Return how often each thing stands in each row, [row, thing]; `what` names them."""
    known: dict[object, int] = {}
    places = [
        [known.setdefault(what(len(row) - i, token), len(known)) for i, token in enumerate(row)]
        for row in rows
    ]
    out = torch.zeros(len(rows), len(known))
    for i, some in enumerate(places):
        for at in some:
            out[i, at] += 1
    return out


def _varying(z: Tensor) -> Tensor:
    """Return a head's z less its mean, zero where it varies by no more than rounding does."""
    centred = z - z.mean(0)
    small = float(centred.abs().max()) <= _ROUNDING * float(z.abs().max())
    return torch.zeros_like(z) if small else centred


def ends(engine: Engine, rows: Sequence[Ids], hooks: Hooks = ()) -> Tensor:
    """Return every head's z at the last token, float32 [row, layer, head, d_head]."""
    layers = range(engine.facts.n_layers)
    parts: dict[int, Tensor] = {}
    for batch in batches(engine, rows):
        checkpoint()
        seen = at_end(engine, [rows[i] for i in batch], hooks=hooks)
        z = torch.stack([heads_z(engine, layer, seen).cpu() for layer in layers], 1)
        parts |= dict(zip(batch, z, strict=True))
    return torch.stack([parts[i] for i in range(len(rows))])


def said_at_end(engine: Engine, rows: Sequence[Ids], hooks: Hooks = ()) -> NDArray[np.float32]:
    """Return the logits at the last token, [row, vocabulary]."""
    out = np.empty((len(rows), engine.facts.d_vocab), np.float32)
    for batch in batches(engine, rows):
        checkpoint()
        ids = torch.tensor([list(rows[i]) for i in batch])
        out[batch] = engine.run(ids, hooks).float().cpu().numpy()
    return out
