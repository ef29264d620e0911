"""Subject, relation and mixed heads: from which tokens a head brings the answer to a fact.

The head's direct attribution at the last token, to the answer less the mean answer of other
relations, is split by the tokens that it comes from: the subject's S, the relation's R, all
others (Chughtai et al. 2024, arXiv 2402.07321). A share is signed, in the sizes of the three.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy.asked import other_answers
from headwidgets.taxonomy.measure import Scores
from headwidgets.taxonomy.verdict import CANDIDATE, NO

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from headwidgets.taxonomy.asked import Asked
    from headwidgets.taxonomy.measure import Measure
    from headwidgets.taxonomy.on_task import OnTask

LEAST = 0.05
"""Of the answer's lead that a head must bring in all, for its shares to mean anything."""
OTHER_AT_MOST = 0.15
"""Share from the relation, of a subject head, and the other way round."""
SUBJECT, RELATION, _REST = range(3)


class Split(NamedTuple):
    """What heads bring of the answers, token by token.

    Attributes
    ----------
    task : OnTask
    groups : list of ndarray of int64, [key]
        Of each prompt, whose each token is: 0 subject, 1 relation, 2 neither.
    brought : list of ndarray of float32, [layer, head, key]
        Logits, the answer less the mean of other relations' answers.
    lead : float
        The model's own mean difference.
    """

    task: OnTask
    groups: list[NDArray[np.int64]]
    brought: list[NDArray[np.float32]]
    lead: float


def by_source(measure: Measure, which: str) -> Scores:
    """Score heads as "subject", "relation" or "mixed"."""
    split = _split(measure)
    pick = {"subject": _first, "relation": _second, "mixed": _lesser}[which]
    sums = np.stack([_sums(g, b) for g, b in zip(split.groups, split.brought, strict=True)])
    mean = sums.mean(0)  # [layer, head, group]
    size = np.abs(mean).sum(-1) + 1e-30
    if which == "mixed":
        lesser = np.argmin(mean[..., :2], axis=-1)
        rows = np.take_along_axis(sums, lesser[None, ..., None], axis=-1)[..., 0] / size
    else:
        rows = sums[..., {"subject": SUBJECT, "relation": RELATION}[which]] / size
    scores = Scores(
        rows.astype(np.float32),
        _null(measure, split, pick),
        task_accuracy=split.task.accuracy,
        words=split.task.words,
    )
    _ask(split, scores, mean / size[..., None], which)
    return scores


def _first(share: NDArray[np.float32]) -> NDArray[np.float32]:
    return share[..., SUBJECT]


def _second(share: NDArray[np.float32]) -> NDArray[np.float32]:
    return share[..., RELATION]


def _lesser(share: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = share[..., :2].min(-1)
    return found


def _split(measure: Measure) -> Split:
    task = measure.task("lre", tokens=rivals)
    brought, leads = [], []
    for row, seen in enumerate(task.seen):
        values = seen.brought[:, :, 0]
        brought.append(values[..., 0] - values[..., 1:].mean(-1))
        logits = seen.logits[list(rivals(task.asked, row))]
        leads.append(logits[0] - logits[1:].mean())
    if not np.mean(leads) > 0:
        message = f"the answer's logit is {np.mean(leads):+.2f} from other relations': no lead"
        raise NotMeasurable(message)
    groups = [groups_of(measure, task.asked, row) for row in range(len(task.seen))]
    return Split(task, groups, brought, float(np.mean(leads)))


def rivals(asked: Asked, row: int) -> tuple[int, ...]:
    """Ask about the answer, and answers of prompts of other relations."""
    return (asked.answer[row], *other_answers(asked, row))


def groups_of(measure: Measure, asked: Asked, row: int) -> NDArray[np.int64]:
    """Whose each token is; the last token and the examples in front are nobody's."""
    ids, span = asked.rows[row], asked.span("S", row)
    out = np.full(len(ids), _REST)
    if span is None:
        return out
    start = span[0]
    while start > measure.rows.first[0] and _within(measure, ids[start - 1]):
        start -= 1
    out[start:-1] = RELATION
    out[slice(*span)] = SUBJECT
    return out


def _within(measure: Measure, token: int) -> bool:
    """Whether a token does not end a sentence."""
    return measure.engine.text.label(token).strip() not in (".", ":", "\\n", "")


def _sums(groups: NDArray[np.int64], brought: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = brought @ np.eye(3, dtype=np.float32)[groups]
    return found


def _null(
    measure: Measure, split: Split, pick: Callable[[NDArray[np.float32]], NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Give the groups of every prompt to its tokens at random, BOS left out; share as before.

    A head that brings next to nothing has any share by chance, and is of no kind whatever its
    share: in the draws it counts as nothing.
    """
    random = np.random.default_rng(measure.seed)
    shape = split.brought[0].shape[:2]
    total = np.zeros((measure.draws, *shape, 3), dtype=np.float32)
    first = measure.rows.first[0]
    for groups, brought in zip(split.groups, split.brought, strict=True):
        keys = random.permuted(np.tile(groups[first:], (measure.draws, 1)), axis=1)
        for group in range(3):
            chosen = (keys == group).astype(np.float32)
            total[..., group] += np.moveaxis(brought[..., first:] @ chosen.T, -1, 0)
        total[..., _REST] += brought[..., :first].sum(-1)
    share = total / (np.abs(total).sum(-1, keepdims=True) + 1e-30)
    null = pick(share)
    null[:, _whole(split) < LEAST] = 0
    return null


def _whole(split: Split) -> NDArray[np.float32]:
    """Return what each head brings in all, as a share of the answer's lead, [layer, head]."""
    found: NDArray[np.float32] = np.mean([b.sum(-1) for b in split.brought], axis=0) / split.lead
    return found


def _ask(split: Split, scores: Scores, shares: NDArray[np.float32], which: str) -> None:
    whole = _whole(split)
    other = {"subject": RELATION, "relation": SUBJECT}.get(which)
    for head in scores.reaching(-np.inf):
        subject, relation, _ = (float(x) for x in shares[head])
        brings = float(whole[head])
        words = f"{subject:+.2f} from the subject, {relation:+.2f} from the relation; "
        words += f"in all {brings:.0%} of the answer's lead"
        at_most = NO if brings < LEAST else None
        if at_most is None and other is not None and float(shares[head][other]) > OTHER_AT_MOST:
            at_most = CANDIDATE
        scores.remark(head, words, at_most=at_most)
