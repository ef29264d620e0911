"""The metric as plain code: the tokens it looks at, and a function of a run's logits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from headwidgets.methods.measuring import metric_tokens
from headwidgets.methods.metrics import KL, LogitDiff, LogProb, Prob, Rank
from headwidgets.session.as_python_words import literal

if TYPE_CHECKING:
    from headwidgets.methods.metric import Metric
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine

_MEASURE: dict[type[Metric], tuple[str, list[str]]] = {
    LogitDiff: (
        "Logit of the answer minus logit of the foil.",
        ["logits[answer[i]].mean() - logits[foil[i]].mean()"],
    ),
    Prob: (
        "Probability of the answer.",
        ["logits.softmax(-1)[answer[i]].sum()"],
    ),
    LogProb: (
        "Log-probability of the answer, in nats.",
        ["logits.log_softmax(-1)[answer[i]].logsumexp(0)"],
    ),
    Rank: (
        "How many tokens are likelier than the answer.",
        ["(logits > logits[answer[i]].max()).sum()"],
    ),
    KL: (
        "KL(clean ‖ run) of the next token, in nats.",
        [
            "p, q = clean_logits[i].log_softmax(-1), logits.log_softmax(-1)",
            "(p.exp() * (p - q)).sum().clamp(min=0)",
        ],
    ),
}


def metric_lines(engine: Engine, snapshot: Snapshot, *, number: bool = True) -> list[str]:
    """Write the metric: answers and foils of every prompt, and ``measure(i, logits)``.

    With `number` it is a float; else a tensor, which has a gradient.
    """
    words, (*before, value) = _MEASURE[type(snapshot.metric or LogitDiff())]
    body = [*before, f"return float({value})" if number else f"return {value}"]
    return [
        *answer_lines(engine, snapshot),
        "",
        "",
        "def measure(i, logits):",
        f'    """{words}"""',
        *(f"    {line}" for line in body),
    ]


def answer_lines(
    engine: Engine, snapshot: Snapshot, names: tuple[str, str] = ("answer", "foil")
) -> list[str]:
    """Write the token ids of every prompt's answer and foil, as far as the metric has them."""
    if snapshot.metric is None and snapshot.answers is None:
        first, second = names
        return [
            "# the clean run's first token against its second",
            f"{first} = [logits.topk(2).indices[:1].tolist() for logits in clean_logits]",
            f"{second} = [logits.topk(2).indices[1:].tolist() for logits in clean_logits]",
        ]
    metric = snapshot.metric or LogitDiff()
    sides: tuple[list[list[int]], list[list[int]]] = ([], [])
    for i in range(len(snapshot.pairs)):
        right, wrong = metric_tokens(engine, snapshot, i)
        once = right if isinstance(metric, LogitDiff) else list(dict.fromkeys(right))
        for side, ids in zip(sides, (once, wrong), strict=True):
            side.append(ids)
    out = []
    for name, rows in zip(names, sides, strict=True):
        if not any(rows):
            continue
        words = [literal(engine.text.decode(ids)) for ids in rows]
        if len({json.dumps(ids) for ids in rows}) == 1:
            many = f" * {len(rows)}" if len(rows) > 1 else ""
            out.append(f"{name} = [{rows[0]}]{many}  # {words[0]}")
        else:
            both = zip(rows, words, strict=True)
            out += [f"{name} = [", *(f"    {ids},  # {word}" for ids, word in both), "]"]
    return out
