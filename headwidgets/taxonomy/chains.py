"""Faithfulness: does a head's output tell whether the answer hangs on the steps before it.

Tanneru et al. 2024 (arXiv 2406.10625), after Lanham et al. 2023: an answer is called faithful to
its steps if it changes when they do. Here each step of a chain is falsified in turn, and the chain
is faithful if any of that changes the model's answer. Of chains of each length as many are kept
that are as that are not. Heads of two tasks are then compared: the paper found other ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy.probing import Labelled, matched, probing, said_at_end
from headwidgets.taxonomy.registry import Work
from headwidgets.taxonomy.skilled import doing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from headwidgets.model.facts import Facts
    from headwidgets.taxonomy.asked import Asked, Ids
    from headwidgets.taxonomy.measure import Measure, Scores
    from headwidgets.taxonomy.reduce import Floats

    Ints = NDArray[np.int64]


class Chains(NamedTuple):
    """A task whose prompts write steps: its name, its split, and the roles of its steps."""

    task: str
    split: str
    steps: tuple[str, ...]


TASKS = (
    Chains("parity", "test", tuple(f"S{i}" for i in range(1, 9))),
    Chains("succession in sentences", "templates", tuple(f"M{i}" for i in range(1, 9))),
)
N = 1000
STEPS = 5.5
"""Of a chain, on average, for an estimate."""
LEAST = 200
"""Chains, at least."""
NAMES = ("chains whose steps decide", "others")


def work(_: Facts) -> Work:
    """Say what it takes: every chain, and with each of its steps falsified, on two tasks."""
    return Work(TASKS[0].task, N, forwards=len(TASKS) * (2 + STEPS))


def faithful(measure: Measure) -> Scores:
    """Score how well a probe tells chains that decide the answer, on the first task that can.

    Raises
    ------
    NotMeasurable
        If on no task enough chains are of either sort.
    """
    found, refused = [], []
    for one in TASKS:
        try:
            found.append(probing(measure, *told_apart(measure, one)))
        except NotMeasurable as error:
            refused.append(str(error))
    if not found:
        raise NotMeasurable("; ".join(refused))
    scores = found[0]
    if len(found) == 1:
        said = f"on one task only, so that nothing is known of other tasks ({'; '.join(refused)})"
    else:
        agree = ranks_agree(*(one.mean.reshape(-1).tolist() for one in found[:2]))
        said = f"rank correlation of the heads with {found[1].words}: {agree:+.2f}"
    scores.words = f"{scores.words}; {said}"
    for head in scores.reaching(measure.threshold):
        scores.remark(head, said)
    return scores


def ranks_agree(one: Sequence[float], other: Sequence[float]) -> float:
    """Return Spearman's rank correlation, ties at their mean rank; NaN where all are alike."""
    ranks = [_ranks(np.asarray(values, dtype=float)) for values in (one, other)]
    spread = [float(some.std()) for some in ranks]
    if not all(spread):
        return float("nan")
    return float(np.mean((ranks[0] - ranks[0].mean()) * (ranks[1] - ranks[1].mean()))) / (
        spread[0] * spread[1]
    )


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = counts.cumsum()
    means: NDArray[np.float64] = (last - (counts - 1) / 2)[place]
    return means


def told_apart(measure: Measure, chains: Chains) -> tuple[Labelled, float]:
    """Return chains whose steps decide and as many others, and the model's accuracy.

    Raises
    ------
    NotMeasurable
        If the model is at chance, or there are too few chains of either sort.
    """
    done = doing(measure, chains.task, split=chains.split, n=N)
    asked, said = done.asked, done.said
    own = best(asked, said, range(len(asked.rows)))
    rows, of = falsified(asked, chains.steps, np.random.default_rng(measure.seed))
    changed = best(asked, said_at_end(measure.engine, rows, measure.hooks), of) != own[of]
    labels = np.zeros(len(asked.rows), bool)
    labels[of[changed]] = True
    given = Labelled(
        *(asked.rows, labels, asked.rows),
        tuple((len(row), row[-1], int(one)) for row, one in zip(asked.rows, own, strict=True)),
        *(NAMES, done.name),
    ).take(np.unique(of))
    if len(given.rows) < LEAST:
        message = f"{given.words}: {len(given.rows)} chains with steps, {LEAST} are needed"
        raise NotMeasurable(message)
    given.require()
    return matched(given, np.random.default_rng(measure.seed)), done.accuracy


def best(asked: Asked, said: Floats, of: Sequence[int] | Ints) -> Ints:
    """Return the answer that is given among the options of each prompt; of all, without any."""
    if not asked.options:
        best: Ints = np.argmax(np.asarray(said), axis=1)
        return best
    out = []
    for values, i in zip(said, of, strict=True):
        options = list(asked.options[i])
        out.append(options[int(np.argmax(values[options]))])
    return np.array(out)


def falsified(
    asked: Asked, steps: Sequence[str], random: np.random.Generator
) -> tuple[list[Ids], Ints]:
    """Write each step of each chain wrong, by itself: what stands there in another chain.

    Returns
    -------
    rows : list of token ids
    of : ndarray of int
        Whose chain each is.
    """
    known: set[int] = set()
    places = []
    for i, row in enumerate(asked.rows):
        spans = [asked.span(name, i) for name in steps if name in asked.prompts.roles]
        places.append([span[0] for span in spans if span is not None])
        known |= {row[at] for at in places[-1]}
    rows, of = [], []
    for i, row in enumerate(asked.rows):
        for at in places[i]:
            options = set(asked.options[i]) if asked.options else known
            others = sorted((options & known or known) - {row[at]})
            if others:
                rows.append((*row[:at], int(random.choice(others)), *row[at + 1 :]))
                of.append(i)
    return rows, np.array(of, np.int64)
