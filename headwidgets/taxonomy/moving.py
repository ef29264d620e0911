"""Mover heads: what a fact's answer loses when a head's own edge to the logits is cut.

Yao et al. 2024 (arXiv 2405.17969) cut edges by ACDC; here each head's output at the last token is
taken off the last residual stream, the norm behind it computed again. What it costs to take off
the head's output on another fact of the same relation is taken away: a head that says no more than
the relation is then nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from headwidgets.errors import NotMeasurable
from headwidgets.methods.record import resid_name
from headwidgets.model.work import checkpoint
from headwidgets.taxonomy import broken
from headwidgets.taxonomy.asked import N
from headwidgets.taxonomy.last_token import Seen, at_end, written
from headwidgets.taxonomy.measure import Scores
from headwidgets.taxonomy.readout import Readout
from headwidgets.taxonomy.reduce import batches
from headwidgets.taxonomy.registry import Work
from headwidgets.taxonomy.sources import RELATION, SUBJECT, groups_of, rivals
from headwidgets.taxonomy.verdict import CANDIDATE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.model.facts import Facts
    from headwidgets.taxonomy.measure import Measure
    from headwidgets.taxonomy.on_task import OnTask
    from headwidgets.taxonomy.reduce import Floats

KNOWN = 10
"""Places among which the model must rank the answer."""
LEAST = 20
"""Facts that it knows, and that have another one of their relation, at least."""
LOOKS = 0.1
"""Attention on the subject, at least."""
OTHERS = 5
"""Other facts that each is set against, where there are so many."""
_LOGITS = 1 << 26  # numbers that are held at once


def work(facts: Facts) -> Work:
    """Say what it takes: the facts twice, and each head cut off by itself, of six facts."""
    heads = facts.n_layers * facts.n_heads
    return Work("lre", N, forwards=2, reads=(1 + OTHERS) * (1 + heads))


def moving(measure: Measure) -> Scores:
    """Score the fall in the answer's log probability, less that by another fact's output, in nats.

    Raises
    ------
    NotMeasurable
        If the model knows too few facts, or its end cannot be read in parts.
    """
    task = measure.task("lre", tokens=rivals)
    known, others = _facts(task)
    ends = _ends(measure, [task.asked.rows[row] for row in known])
    answers = [task.asked.answer[row] for row in known]
    read = Readout(measure.engine, task.asked.rows[0])
    cut = _falls(measure, read, ends, answers, list(range(len(known))))
    random = np.random.default_rng(measure.seed)
    drawn = [[int(random.choice(some)) for some in others] for _ in range(OTHERS)]
    rows = cut - np.mean([_falls(measure, read, ends, answers, one) for one in drawn], axis=0)
    words = f"{task.asked.prompts.name}, {len(known)} facts that it knows"
    null = broken.about_zero(rows, measure.draws, random)
    scores = Scores(rows, null, task_accuracy=task.accuracy, words=words)
    looks, whole = _looks(measure, task, known), cut.mean(0)
    for head in scores.reaching(measure.threshold):
        subject, relation = looks[head]
        said = (
            f"cutting it off costs {whole[head]:.3f} nats (asked: {measure.threshold:g}); looks at "
            f"the subject with {subject:.2f} (asked: {LOOKS:g}), the relation with {relation:.2f}"
        )
        good = whole[head] >= measure.threshold and subject >= max(LOOKS, relation)
        scores.remark(head, said, at_most=None if good else CANDIDATE)
    return scores


def _facts(task: OnTask) -> tuple[list[int], list[list[int]]]:
    """Return the prompts whose answer the model knows, and of each the others of its relation.

    The others are places among the first. A fact without any is left out.
    """
    asked = task.asked
    known = [row for row in range(len(task.seen)) if _rank(task, row) < KNOWN]

    def alike(row: int) -> list[int]:
        own = set(asked.options[row]) if asked.options else set(asked.answer)
        return [one for one in known if asked.answer[one] in own - {asked.answer[row]}]

    kept = [row for row in known if alike(row)]
    if len(kept) < LEAST:
        message = (
            f"the model ranks {len(known)} answers of {len(task.seen)} among the first {KNOWN}, "
            f"{len(kept)} with another one of their relation, of {LEAST}"
        )
        raise NotMeasurable(message)
    place = {row: i for i, row in enumerate(kept)}
    return kept, [[place[one] for one in alike(row) if one in place] for row in kept]


def _rank(task: OnTask, row: int) -> int:
    """Return how many tokens the model finds likelier than the answer."""
    logits = task.seen[row].logits
    return int((logits > logits[task.asked.answer[row]]).sum())


def _ends(measure: Measure, rows: Sequence[Sequence[int]]) -> Seen:
    """Return what is at the last token of each fact: the last stream, and what heads write."""
    engine = measure.engine
    name = resid_name(engine.facts.n_layers, engine.facts.n_layers)
    kept: dict[str, list[torch.Tensor]] = {}
    for batch in batches(engine, rows):
        checkpoint()
        seen = at_end(engine, [rows[i] for i in batch], [name], measure.hooks)
        for point, value in seen.items():
            into = kept.setdefault(point, [torch.empty(0)] * len(rows))
            for row, i in enumerate(batch):
                into[i] = value[row]
    return {point: torch.stack(values) for point, values in kept.items()}


def _falls(
    measure: Measure, read: Readout, ends: Seen, answers: Sequence[int], givers: Sequence[int]
) -> Floats:
    """Cut what each head wrote on the givers' facts off the stream; return how far answers fall.

    Returns
    -------
    ndarray of float32, [fact, layer, head]
    """
    engine, facts = measure.engine, measure.engine.facts
    streams = ends[resid_name(facts.n_layers, facts.n_layers)].float()
    out = np.empty((len(answers), facts.n_layers, facts.n_heads), np.float32)
    right = torch.tensor(answers, device=streams.device)
    step = max(1, _LOGITS // (facts.d_vocab * facts.n_heads))
    with torch.inference_mode():
        for start in range(0, len(answers), step):
            some = slice(start, start + step)
            stream, at = streams[some], right[some, None]
            before = read.log_probs(stream).gather(-1, at)  # [fact, 1]
            given = {name: value[list(givers[some])] for name, value in ends.items()}
            for layer in range(facts.n_layers):
                checkpoint()
                wrote = written(engine, layer, given).to(stream)
                after = read.log_probs(stream[:, None] - wrote)
                found = after.gather(-1, at[:, None].expand(-1, facts.n_heads, 1))[..., 0]
                out[some, layer] = (before - found).cpu().numpy()
    return broken.beyond_rounding(out)


def _looks(measure: Measure, task: OnTask, known: Sequence[int]) -> Floats:
    """Return the mean attention of the last token on subject and relation, [layer, head, 2]."""
    total = []
    for row in known:
        own = groups_of(measure, task.asked, row)
        attention = task.seen[row].attention[:, :, 0]
        total.append([attention[..., own == which].sum(-1) for which in (SUBJECT, RELATION)])
    found: Floats = np.moveaxis(np.mean(total, axis=0), 0, -1)
    return found
