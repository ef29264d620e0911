"""S-inhibition: what the name movers' queries lose when a head does not know the repeated name.

Path patching (Wang et al. 2022, arXiv 2211.00593, section 3.2): the head's output reaches the
queries from the prompt in which a third name stands in the place of the repeated one; all other
heads are held, and everything after the queries is recomputed. What the same patch takes from the
prompt that asks for another name is taken off: who is asked for is not who came twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headwidgets.errors import NotMeasurable
from headwidgets.methods.metrics import LogitDiff
from headwidgets.methods.path_jobs import Jobs
from headwidgets.methods.receivers import Receiver
from headwidgets.methods.snapshot import Pair, Snapshot
from headwidgets.methods.sweep_plan import Plan
from headwidgets.taxonomy import broken
from headwidgets.taxonomy.asked import N
from headwidgets.taxonomy.measure import Scores
from headwidgets.taxonomy.movers import TASK, every_head, name_movers, without_edits
from headwidgets.taxonomy.names import lead
from headwidgets.taxonomy.registry import Work
from headwidgets.taxonomy.verdict import CANDIDATE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.heads import Head
    from headwidgets.model.facts import Facts
    from headwidgets.taxonomy.asked import Asked, Ids
    from headwidgets.taxonomy.measure import Measure
    from headwidgets.taxonomy.reduce import Floats

MOVERS = 0.7
"""How far up the first name movers are, as a share of the layers, for an estimate."""
LOOKS = 0.3
"""Attention on the second mention, at least."""


def work(facts: Facts) -> Work:
    """Say what it takes: from each head below the movers, here at seven tenths, up to the end."""
    layers, first = facts.n_layers, round(MOVERS * facts.n_layers)
    above = sum(layers - layer for layer in range(first)) / layers
    return Work(TASK, N, forwards=8, replays=2 * facts.n_heads * above)


def inhibiting(measure: Measure) -> Scores:
    """Score how much of the logit difference each head carries to the name movers' queries.

    Raises
    ------
    NotMeasurable
        If there are no name movers, edits are in force, or blocks cannot be run one by one.
    """
    without_edits(measure)
    task = measure.task(TASK)
    movers = name_movers(measure)
    whole = lead(task)
    values = _falls(measure, task.asked, movers, task.asked.corrupted)
    values = (values - _falls(measure, task.asked, movers, _other_names(task.asked))) / whole
    null = broken.about_zero(values, measure.draws, np.random.default_rng(measure.seed))
    fed = ", ".join(map(str, movers))
    words = f"{task.words}, into the queries of {fed}"
    scores = Scores(values, null, task_accuracy=task.accuracy, words=words)
    looks = task.attention("S2").mean(0)[..., 0]
    for head in scores.reaching(measure.threshold):
        at = float(looks[head])
        said = f"looks at the repeated name with {at:.2f} (asked: {LOOKS:g}), feeds {fed}"
        scores.remark(head, said, at_most=None if at >= LOOKS else CANDIDATE)
    return scores


def _falls(measure: Measure, asked: Asked, movers: Sequence[Head], donors: Sequence[Ids]) -> Floats:
    """Return how far the logit difference falls, [prompt, layer, head], in logits."""
    facts = measure.engine.facts
    pairs = tuple(Pair(*both) for both in zip(asked.rows, donors, strict=True))
    answers = tuple(LogitDiff(*both) for both in zip(asked.answer, asked.foil, strict=True))
    ends = tuple(sorted(Receiver(head.layer, head.head, "q") for head in movers))
    jobs = [([head], ends) for head in every_head(measure)]
    paths = Jobs(
        measure.engine,
        Snapshot(pairs, answers=answers),
        Plan("patch", direction="noise", at="end"),
        jobs,
    )
    paths.measure()
    found = (paths.ends["clean"] - paths.edited).T.astype(np.float32)
    return broken.beyond_rounding(found.reshape(len(pairs), facts.n_layers, facts.n_heads))


def _other_names(asked: Asked) -> list[Ids]:
    """Return the prompts with another name in the place of the one that is asked for.

    The repeated name and its places stay, so that a head which reports these brings nothing new.

    Raises
    ------
    NotMeasurable
        If there is no third name, or a prompt lacks the place.
    """
    out, n = [], len(asked.rows)
    for i, row in enumerate(asked.rows):
        own = {row[_place(asked, i)], asked.answer[i], asked.foil[i]}
        others = (asked.rows[(i + step) % n] for step in range(1, n))
        names = (other[_place(asked, (i + step) % n)] for step, other in enumerate(others, start=1))
        name = next((one for one in names if one not in own), None)
        if name is None:
            message = f"{asked.prompts.name}: no prompt asks for a third name"
            raise NotMeasurable(message)
        place = _place(asked, i)
        out.append((*row[:place], name, *row[place + 1 :]))
    return out


def _place(asked: Asked, row: int) -> int:
    """Return where the name that is asked for stands."""
    span = asked.span("IO", row)
    if span is None:
        message = f"a prompt of {asked.prompts.name} has no place called 'IO'"
        raise NotMeasurable(message)
    return span[0]
