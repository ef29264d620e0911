"""Mover heads: what a fact's answer loses when a head's own edge to the logits is cut.

Yao et al. 2024 (arXiv 2405.17969) cut edges by ACDC; here each head's output at the last token is
taken off the last residual stream, the norm behind it computed again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from headwidgets.errors import NotMeasurable
from headwidgets.methods.record import resid_name
from headwidgets.model.finish import Finish
from headwidgets.model.work import checkpoint
from headwidgets.taxonomy import broken
from headwidgets.taxonomy.last_token import at_end, written
from headwidgets.taxonomy.measure import Scores
from headwidgets.taxonomy.reduce import batches
from headwidgets.taxonomy.sources import RELATION, SUBJECT, groups_of, rivals
from headwidgets.taxonomy.verdict import CANDIDATE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.taxonomy.measure import Measure
    from headwidgets.taxonomy.on_task import OnTask
    from headwidgets.taxonomy.reduce import Floats

KNOWN = 10
"""Places among which the model must rank the answer."""
LEAST = 20
"""Facts that it knows, at least."""
OTHERS = 5
"""Times that every fact is given another one's output, for the null."""
_LOGITS = 1 << 26  # numbers that are held at once


def moving(measure: Measure) -> Scores:
    """Score the fall in the answer's log probability, in nats.

    What is cut off instead, for the null, is the head's output on another fact of the same
    relation: a head that says no more than the relation loses as much by it.

    Raises
    ------
    NotMeasurable
        If the model knows too few facts.
    """
    task = measure.task("lre", tokens=rivals)
    known = [row for row in range(len(task.seen)) if _rank(task, row) < KNOWN]
    if len(known) < LEAST:
        n = len(task.seen)
        message = f"the model ranks {len(known)} answers of {n} among the first {KNOWN}, of {LEAST}"
        raise NotMeasurable(message)
    ends = _ends(measure, [task.asked.rows[row] for row in known])
    answers = [task.asked.answer[row] for row in known]
    random = np.random.default_rng(measure.seed)
    rows = _falls(measure, ends, answers, range(len(known)))
    null = []
    for part in np.array_split(np.arange(measure.draws), OTHERS):
        others = _others(task, known, random)
        null.append(broken.resampled(_falls(measure, ends, answers, others), len(part), random))
    words = f"{task.asked.prompts.name}, {len(known)} facts that it knows"
    scores = Scores(rows, np.concatenate(null), task_accuracy=task.accuracy, words=words)
    looks = _looks(measure, task, known)
    for head in scores.reaching(measure.threshold):
        subject, relation = looks[head]
        said = f"looks at the subject with {subject:.2f}, at the relation with {relation:.2f}"
        scores.remark(head, said, at_most=None if subject > relation else CANDIDATE)
    return scores


def _rank(task: OnTask, row: int) -> int:
    """Return how many tokens the model finds likelier than the answer."""
    logits = task.seen[row].logits
    return int((logits > logits[task.asked.answer[row]]).sum())


def _others(task: OnTask, known: Sequence[int], random: np.random.Generator) -> list[int]:
    """Give each fact another one of its relation with another answer, as far as there is one."""
    asked, out = task.asked, []
    for i, row in enumerate(known):
        own = set(asked.options[row]) if asked.options else set(asked.answer)
        same = [j for j, at in enumerate(known) if asked.answer[at] in own - {asked.answer[row]}]
        out.append(int(random.choice(same)) if same else i)
    return out


class _Ends(NamedTuple):
    """What is at the last token of each fact.

    Attributes
    ----------
    stream : Tensor, [fact, d_model]
        The last residual stream.
    wrote : Tensor, [fact, layer, head, d_model]
        What the heads have written to it.
    """

    stream: Tensor
    wrote: Tensor


def _ends(measure: Measure, rows: Sequence[Sequence[int]]) -> _Ends:
    engine, facts = measure.engine, measure.engine.facts
    name = resid_name(facts.n_layers, facts.n_layers)
    stream, wrote = [torch.empty(0)] * len(rows), [torch.empty(0)] * len(rows)
    for batch in batches(engine, rows):
        checkpoint()
        seen = at_end(engine, [rows[i] for i in batch], [name], measure.hooks)
        layers = [written(engine, layer, seen) for layer in range(facts.n_layers)]
        for row, i in enumerate(batch):
            stream[i] = seen[name][row].float()
            wrote[i] = torch.stack([layer[row] for layer in layers])
    return _Ends(torch.stack(stream), torch.stack(wrote))


def _falls(measure: Measure, ends: _Ends, answers: Sequence[int], givers: Sequence[int]) -> Floats:
    """Cut what each head wrote on the givers' facts off the stream; return how far answers fall.

    Returns
    -------
    ndarray of float32, [fact, layer, head]
    """
    engine = measure.engine
    shape = ends.wrote.shape[:3]
    out = np.empty(shape, np.float32)
    right = torch.tensor(answers, device=ends.stream.device)
    step = max(1, _LOGITS // (engine.facts.d_vocab * shape[2]))
    with engine.exclusive(), torch.inference_mode():
        finish = Finish(engine)
        for start in range(0, shape[0], step):
            some = slice(start, start + step)
            stream, at = ends.stream[some], right[some, None]
            before = finish.log_probs(stream).gather(-1, at)  # [fact, 1]
            given = ends.wrote[list(givers[some])]
            for layer in range(shape[1]):
                checkpoint()
                after = finish.log_probs(stream[:, None] - given[:, layer])
                fall = before - after.gather(-1, at[:, None].expand(-1, shape[2], 1))[..., 0]
                out[some, layer] = fall.cpu().numpy()
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
