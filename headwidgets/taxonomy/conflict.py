"""Memory against context: what heads bring where a prompt says other than what is known.

One signed number: the head's direct attribution to the context's answer less the remembered one,
as a share of the model's own difference. Above 0 it is a context head's, below 0 a memory
head's (Yu et al. 2023, arXiv 2310.15910; Jin et al. 2024, arXiv 2402.18154).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy.verdict import CANDIDATE

if TYPE_CHECKING:
    from headwidgets.taxonomy.asked import Asked
    from headwidgets.taxonomy.measure import Measure, Scores
    from headwidgets.taxonomy.on_task import OnTask
    from headwidgets.taxonomy.reduce import Floats

LOOKS = 0.2
"""Attention on the subject (or on the context's answer) that goes with the name, at least."""
LOOKED_AT = {1: ("CONTEXT",), -1: ("SUBJECT", "ASKED")}
"""Where context heads look, and memory heads."""
LEAST = 20
"""Facts that the model must know."""
_BETWEEN = (".", ",", "so")
_ANSWER, _MEMORY, _OTHER = range(3)


def conflict(measure: Measure, sign: int) -> Scores:
    """Score context heads (sign 1) or memory heads (-1)."""
    task = measure.task("memory context", tokens=_tokens)
    known = np.flatnonzero(_known(measure, task))
    if len(known) < LEAST:
        message = (
            f"the model knows {len(known)} of {len(task.seen)} facts without the context: of at "
            f"least {LEAST} there is no memory to measure"
        )
        raise NotMeasurable(message)
    whole = task.whole()[known]
    asked = task.asked
    sizes = [
        abs(task.seen[i].logits[asked.answer[i]] - task.seen[i].logits[asked.foil[i]])
        for i in known
    ]
    whole = whole / np.mean(sizes)
    values = sign * (whole[..., _ANSWER] - whole[..., _MEMORY])
    scores = measure.signed(task, values)
    scores.words = f"{asked.prompts.name}, facts that the model knows, n = {len(known)}"
    _ask(measure, scores, task.attention(*LOOKED_AT[sign])[known], whole, sign)
    return scores


def _tokens(asked: Asked, row: int) -> tuple[int, int, int]:
    """Ask about both answers and one that neither memory nor context holds."""
    taken = {asked.answer[row], asked.foil[row]}
    others = (asked.foil[(row + step) % len(asked.foil)] for step in range(1, len(asked.foil)))
    return (
        asked.answer[row],
        asked.foil[row],
        next((one for one in others if one not in taken), asked.foil[row]),
    )


def _ask(measure: Measure, scores: Scores, attention: Floats, whole: Floats, sign: int) -> None:
    """Mark heads that look elsewhere, or that only suppress the other answer."""
    what, own = ("the context's answer", _ANSWER) if sign > 0 else ("the subject", _MEMORY)
    looks = attention.sum(-1).mean(0)
    raised = (whole[..., own] - whole[..., _OTHER]).mean(0)
    for head in scores.reaching(measure.threshold):
        at, up = float(looks[head]), float(raised[head])
        scores.remark(
            head,
            f"looks at {what} with {at:.2f}, raises its own answer above a third by {up:+.2f}",
            at_most=None if at >= LOOKS and up >= measure.threshold else CANDIDATE,
        )


def _known(measure: Measure, task: OnTask) -> list[bool]:
    """Whether the model gives the remembered answer to the question alone, without context.

    It must be likelier than every other answer of the set.
    """
    engine, asked = measure.engine, task.asked
    questions = []
    for row, ids in enumerate(asked.rows):
        start = (asked.prompts.roles["CONTEXT"][row] or 0) + 1
        while engine.text.label(ids[start]).strip() in _BETWEEN:
            start += 1
        questions.append(ids[: measure.rows.first[0]] + ids[start:])
    rivals = sorted({*asked.answer, *asked.foil})
    out = [False] * len(questions)
    for length in {len(one) for one in questions}:
        group = [i for i, one in enumerate(questions) if len(one) == length]
        step = engine.rows_at_once(length)
        for some in (group[start : start + step] for start in range(0, len(group), step)):
            logits = engine.run(torch.tensor([questions[i] for i in some]), measure.hooks).cpu()
            for i, best in zip(some, logits[:, rivals].argmax(-1).tolist(), strict=True):
                out[i] = rivals[best] == asked.foil[i]
    return out
