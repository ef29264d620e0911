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
    from headwidgets.taxonomy.measure import Measure, Scores
    from headwidgets.taxonomy.on_task import Asked, OnTask

LOOKS = 0.2
"""Attention on the subject (or on the context's answer) that goes with the name, at least."""
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
    values = sign * (whole[..., _ANSWER] - whole[..., _MEMORY]) / np.mean(sizes)
    scores = measure.signed(task, values)
    scores.words = f"{asked.prompts.name}, facts that the model knows, n = {len(known)}"
    _ask(measure, task, scores, sign, known)
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


def _ask(measure: Measure, task: OnTask, scores: Scores, sign: int, known: np.ndarray) -> None:
    """Mark heads that look elsewhere, or that only suppress the other answer."""
    role, what = (("CONTEXT",), "the context's answer") if sign > 0 else (_SUBJECTS, "the subject")
    looks = task.attention(*role)[known].sum(-1).mean(0)
    whole = task.whole()[known].mean(0)
    own = _ANSWER if sign > 0 else _MEMORY
    raised = whole[..., own] - whole[..., _OTHER]
    for head in scores.reaching(measure.threshold):
        at, up = float(looks[head]), float(raised[head])
        scores.remark(
            head,
            f"looks at {what} with {at:.2f}, raises that answer by {up:+.2f} logits",
            at_most=CANDIDATE if at < LOOKS or up <= 0 else None,
        )


_SUBJECTS = ("SUBJECT", "ASKED")


def _known(measure: Measure, task: OnTask) -> list[bool]:
    """Whether the model gives the remembered answer to the question alone, without context."""
    engine, asked = measure.engine, task.asked
    questions = []
    for row, ids in enumerate(asked.rows):
        start = (asked.prompts.roles["CONTEXT"][row] or 0) + 1
        while engine.text.label(ids[start]).strip() in _BETWEEN:
            start += 1
        questions.append(ids[: measure.rows.first[0]] + ids[start:])
    out = [False] * len(questions)
    for length in {len(one) for one in questions}:
        some = [i for i, one in enumerate(questions) if len(one) == length]
        logits = engine.run(torch.tensor([questions[i] for i in some]), measure.hooks).cpu()
        for row, i in enumerate(some):
            out[i] = bool(logits[row, asked.foil[i]] > logits[row, asked.answer[i]])
    return out
