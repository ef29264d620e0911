"""Summary readers: what a head's values at the neutral tokens of a review do for the verdict.

Tigges et al. 2023 (arXiv 2310.15154) find them by path patching: the head's values at the tokens
that sum the review up come from the opposite review, its attention stays, and what it then writes
goes to the logits alone, the last norm computed again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from headwidgets.errors import NotMeasurable
from headwidgets.methods.record import keep_into, resid_name
from headwidgets.methods.weighting import value_name
from headwidgets.model.work import checkpoint
from headwidgets.taxonomy import broken
from headwidgets.taxonomy.asked import N
from headwidgets.taxonomy.last_token import at_end, behind_norm
from headwidgets.taxonomy.measure import Scores
from headwidgets.taxonomy.readout import Readout
from headwidgets.taxonomy.reduce import batches
from headwidgets.taxonomy.registry import Work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.model.engine import Engine
    from headwidgets.model.facts import Facts
    from headwidgets.taxonomy.asked import Asked, Ids
    from headwidgets.taxonomy.measure import Measure
    from headwidgets.taxonomy.on_task import OnTask
    from headwidgets.taxonomy.reduce import Floats

TASK = "toy movie review"
CONTENT = ("ADJ", "VRB")
"""Roles of the words that bear the sentiment."""
OTHERS = 5
"""Times that every review is given the values of another one of its sentiment, for the null."""
LEAST = 20
"""Reviews that have another one of their sentiment and length, at least."""


def work(facts: Facts) -> Work:
    """Say what it takes: values of both reviews and a clean run, six times; each head put in."""
    heads = facts.n_layers * facts.n_heads
    return Work(TASK, N, forwards=2 + 3 * (1 + OTHERS), reads=(1 + OTHERS) * (1 + heads))


def reading(measure: Measure) -> Scores:
    """Score the fall of the logit difference, as a share of what the opposite review takes.

    Raises
    ------
    NotMeasurable
        If the model decides nothing by the review, or too few reviews are alike.
    """
    task = measure.task(TASK)
    asked = task.asked
    decides = _differences(task) - _opposite(measure, asked)
    if not decides.mean() > 0:
        message = f"the opposite review moves the verdict by {decides.mean():+.2f} logits"
        raise NotMeasurable(message)
    rows = _falls(measure, task, asked.corrupted) / decides.mean()
    random = np.random.default_rng(measure.seed)
    null = []
    for part in np.array_split(np.arange(measure.draws), OTHERS):
        donors, found = _alike(asked, random)
        if len(found) < LEAST:
            message = f"{len(found)} reviews have another of their sentiment and length, of {LEAST}"
            raise NotMeasurable(message)
        falls = _falls(measure, task, donors)[found] / decides.mean()
        null.append(broken.resampled(falls, len(part), random))
    return Scores(rows, np.concatenate(null), task_accuracy=task.accuracy, words=task.words)


def _differences(task: OnTask) -> Floats:
    both = zip(task.seen, task.asked.answer, task.asked.foil, strict=True)
    return np.array([one.logits[right] - one.logits[wrong] for one, right, wrong in both])


def _opposite(measure: Measure, asked: Asked) -> Floats:
    """Return the logit difference of the opposite review, asked for the same answer."""
    out = np.empty(len(asked.rows), np.float32)
    for batch in batches(measure.engine, asked.corrupted):
        ids = torch.tensor([asked.corrupted[i] for i in batch])
        logits = measure.engine.run(ids, measure.hooks).float().cpu().numpy()
        out[batch] = [
            one[asked.answer[i]] - one[asked.foil[i]] for i, one in zip(batch, logits, strict=True)
        ]
    return out


def _alike(asked: Asked, random: np.random.Generator) -> tuple[list[Ids], list[int]]:
    """Give each review another one of its verdict and length; return them, and which have one."""
    out, found = [], []
    for i, row in enumerate(asked.rows):
        some = [
            j
            for j, other in enumerate(asked.rows)
            if j != i and len(other) == len(row) and asked.answer[j] == asked.answer[i]
        ]
        out.append(asked.rows[int(random.choice(some))] if some else row)
        if some:
            found.append(i)
    return out, found


def neutral(asked: Asked, row: int) -> list[int]:
    """Return the neutral tokens: behind the first word with sentiment, before the last token."""
    spans = [asked.span(role, row) for role in CONTENT]
    content = {at for span in spans if span is not None for at in range(*span)}
    return [at for at in range(min(content), len(asked.rows[row]) - 1) if at not in content]


class _Batch(NamedTuple):
    """Reviews of one length, and the values that are put in: [row, position, head, d_head]."""

    rows: list[int]
    own: dict[str, Tensor]
    given: dict[str, Tensor]


def _falls(measure: Measure, task: OnTask, donors: Sequence[Ids]) -> Floats:
    """Put the donors' values in at the neutral tokens; return how far the difference falls.

    Returns
    -------
    ndarray of float32, [review, layer, head], in logits
    """
    engine, asked = measure.engine, task.asked
    facts = engine.facts
    out = np.empty((len(asked.rows), facts.n_layers, facts.n_heads), np.float32)
    last = resid_name(facts.n_layers, facts.n_layers)
    read = Readout(engine, asked.rows[0])
    with torch.inference_mode():
        for rows in batches(engine, asked.rows):
            checkpoint()
            some = [asked.rows[i] for i in rows]
            batch = _Batch(
                rows, _values(measure, some), _values(measure, [donors[i] for i in rows])
            )
            seen = at_end(engine, some, [last], measure.hooks)
            stream = seen[last].float()
            pairs = [(asked.answer[i], asked.foil[i]) for i in rows]
            before = _lead(read, stream[:, None], pairs)
            for layer in range(facts.n_layers):
                change = _change(task, batch, layer, facts.n_heads)
                wrote = torch.einsum(
                    "rhd,hdm->rhm", change, engine.weights.W_O(layer).to(change).float()
                )
                wrote = behind_norm(engine, layer, seen, wrote)
                after = _lead(read, stream[:, None] + wrote.to(stream), pairs)
                out[rows, layer] = (before - after).cpu().numpy()
    return broken.beyond_rounding(out)


def _change(task: OnTask, batch: _Batch, layer: int, n_heads: int) -> Tensor:
    """Return the change of each head's z at the last token, [row, head, d_head]."""
    name = value_name(layer)
    new = (batch.given[name] - batch.own[name]).repeat_interleave(
        n_heads // batch.own[name].shape[2], dim=2
    )
    out = []
    for at, row in enumerate(batch.rows):
        places = neutral(task.asked, row)
        looks = torch.from_numpy(task.seen[row].attention[layer, :, 0][:, places]).to(new)
        out.append(torch.einsum("hk,khd->hd", looks, new[at, places]))
    return torch.stack(out)


def _lead(read: Readout, stream: Tensor, pairs: Sequence[tuple[int, int]]) -> Tensor:
    """Return the lead of each row's answer over its foil, [row, copy], from a last stream."""
    logits = read.logits(stream)
    at = torch.tensor(pairs, device=logits.device)[:, None].expand(-1, logits.shape[1], -1)
    both = logits.gather(-1, at)
    return both[..., 0] - both[..., 1]


def _values(measure: Measure, rows: Sequence[Ids]) -> dict[str, Tensor]:
    """Return the values of every layer, float32 [row, position, key/value head, d_head]."""
    engine = measure.engine
    parts: dict[str, list[Tensor]] = {}
    names = [value_name(layer) for layer in range(engine.facts.n_layers)]
    watching = [(name, keep_into(parts.setdefault(name, []))) for name in names]
    engine.run(torch.tensor([list(row) for row in rows]), [*measure.hooks, *watching])
    return {name: _by_head(engine, torch.cat(some, 1).float()) for name, some in parts.items()}


def _by_head(engine: Engine, values: Tensor) -> Tensor:
    d_head = engine.weights.W_O(0).shape[1]
    return values.reshape(*values.shape[:2], -1, d_head)
