"""Semantic induction: where a head looks at one end of a stated relation, what it raises.

Ren et al. 2024, arXiv 2402.13055, as an independent replication computes it. A query *j* counts
if the token *s* that it attends to most, 2.2 times as much as any other, is the head of a
relation that the prompt has stated by then. Of what the OV circuit raises, from the bare
embedding of *j*, above the mean of the tokens in sight, the share on the relation's tail is the
event's value. The null keeps every event and draws which of the prompt's tails belongs to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from headwidgets.errors import NotMeasurable
from headwidgets.heads import Head
from headwidgets.taxonomy.asked import Asked, ask
from headwidgets.taxonomy.measure import Scores
from headwidgets.taxonomy.seen import Look, see
from headwidgets.taxonomy.verdict import NOT_MEASURABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from headwidgets.model.engine import Engine
    from headwidgets.taxonomy.measure import Measure

STATED = {"agenda": ("HEAD", "TAIL"), "key value": ("KEY", "VALUE")}
"""Tasks that state relations, the first that can be spelled is used: their heads and tails."""
STRONGER = 2.2
LEAST = 20
N = 60
_BYTES = 128 << 20
_NUMBERS = ("", "2", "3", "4")


class Relation(NamedTuple):
    """A relation that a prompt states: its two tokens, and the position that completes it."""

    head: int
    tail: int
    complete: int


@dataclass
class Events:
    """Queries at which one head looks at the head of a relation.

    Attributes
    ----------
    prompt : list of int
    shares : list of ndarray of float32, [tail]
        Of what is raised, the share on each tail of the prompt that is in sight.
    right : list of int
        Which of these is the relation's own.
    """

    prompt: list[int] = field(default_factory=list)
    shares: list[NDArray[np.float32]] = field(default_factory=list)
    right: list[int] = field(default_factory=list)


def semantic(measure: Measure) -> Scores:
    """Score the share of what is raised that falls on the other end of the relation."""
    engine = measure.engine
    asked = told(measure)
    facts = engine.facts
    found = [[Events() for _ in range(facts.n_heads)] for _ in range(facts.n_layers)]
    for row, attention in attending(measure, asked):
        _collect(engine, asked, row, attention, found)
    n = len(asked.rows)
    shape = (facts.n_layers, facts.n_heads)
    per_row = np.full((n, *shape), np.nan, dtype=np.float32)
    null = np.full((measure.draws, *shape), np.nan, dtype=np.float32)
    scores = Scores(per_row, null, words=f"{asked.prompts.name}, n = {n}")
    random = np.random.default_rng(measure.seed)
    for layer, heads in enumerate(found):
        for number, events in enumerate(heads):
            if len(events.right) < LEAST:
                words = f"{len(events.right)} queries look at one end of a relation, of {LEAST}"
                scores.remark(Head(layer, number), words, at_most=NOT_MEASURABLE)
                continue
            per_row[:, layer, number] = _by_prompt(events, n)
            null[:, layer, number] = _relabelled(events, measure.draws, random)
            scores.remark(Head(layer, number), f"{len(events.right)} queries")
    return scores


def told(measure: Measure, split: str = "test", n: int = N) -> Asked:
    """Return the first task of `STATED` that the tokenizer spells.

    Raises
    ------
    NotMeasurable
        If it spells none, or rows are given.
    """
    if measure.rows.period is None:
        message = f"it is measured on its own task, {next(iter(STATED))!r}, not on given rows"
        raise NotMeasurable(message)
    reasons = []
    for name in STATED:
        try:
            return ask(measure.engine, name, seed=measure.seed, split=split, n=n)
        except NotMeasurable as error:
            reasons.append(f"{name}: {error}")
    raise NotMeasurable("; ".join(reasons))


def attending(measure: Measure, asked: Asked) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield every prompt's attention, [layer, head, query, key], a few prompts at a time."""
    facts = measure.engine.facts
    longest = max(map(len, asked.rows))
    step = max(1, _BYTES // (4 * facts.n_layers * facts.n_heads * longest**2))
    for start in range(0, len(asked.rows), step):
        looks = [Look(ids, tuple(range(len(ids)))) for ids in asked.rows[start : start + step]]
        for row, seen in enumerate(see(measure.engine, looks, hooks=measure.hooks), start):
            yield row, seen.attention


def stated(asked: Asked, row: int) -> list[Relation]:
    """Return the relations of a prompt whose two ends are one token each."""
    ids, found = asked.rows[row], []
    for head, tail in STATED.values():
        for number in _NUMBERS:
            spans = [asked.span(f"{end}{number}", row) for end in (head, tail)]
            known = [span for span in spans if span is not None and span[1] == span[0] + 1]
            if len(known) == len(spans):
                (one, _), (other, _) = known
                found.append(Relation(ids[one], ids[other], max(one, other)))
    return found


def at_an_end(
    ids: NDArray[np.int64], relations: Sequence[Relation], attention: NDArray[np.float32]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Say which queries look at the head of a relation, much more than at anything else.

    Parameters
    ----------
    ids : ndarray of int64, [position]
        Two at least.
    relations : sequence of Relation
    attention : ndarray of float32, [..., query, key]

    Returns
    -------
    counts : ndarray of bool, [..., query]
    looked : ndarray of int64, [..., query]
        The token that is looked at most.
    """
    second, first = np.moveaxis(np.sort(attention, axis=-1)[..., -2:], -1, 0)
    looked = ids[attention.argmax(-1)]
    counts = (first > STRONGER * second) & np.isin(looked, [one.head for one in relations])
    return counts, looked


def _collect(
    engine: Engine,
    asked: Asked,
    row: int,
    attention: NDArray[np.float32],
    found: list[list[Events]],
) -> None:
    """Add the events of one prompt."""
    ids, relations = np.array(asked.rows[row]), stated(asked, row)
    if len(ids) == 1 or not relations:
        return
    counts, looked = at_an_end(ids, relations, attention)
    for layer in np.flatnonzero(counts.any((1, 2))).tolist():
        shares = raised(engine, layer, ids)
        for number, query in np.argwhere(counts[layer]):
            seen = [one for one in relations if one.complete <= query]
            heads = [one.head for one in seen]
            if looked[layer, number, query] in heads:
                events = found[layer][number]
                events.prompt.append(row)
                tails = [int(np.flatnonzero(ids == one.tail)[0]) for one in seen]
                events.shares.append(shares[number, query, tails])
                events.right.append(heads.index(looked[layer, number, query]))


def raised(engine: Engine, layer: int, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return which share of what a query's OV circuit raises falls on each token in sight.

    Parameters
    ----------
    engine : Engine
    layer : int
    ids : ndarray of int64, [position]

    Returns
    -------
    ndarray of float32, [head, query, key]
        Of the token at each key; a token that stands twice has its share at both. 0 where
        nothing is raised, and out of sight.

    Raises
    ------
    NotMeasurable
        If the layer has no weights of its own, or they do not multiply.
    """
    weights = engine.weights
    try:
        W_V, W_O = weights.W_V(layer).float().cpu(), weights.W_O(layer).float().cpu()
        stream = weights.W_E[torch.from_numpy(ids).to(weights.W_E.device)].float().cpu()
        read = weights.W_U[:, torch.from_numpy(ids).to(weights.W_U.device)].float().cpu()
        logits = ((stream @ W_V) @ (W_O @ read)).double()
    except (AttributeError, RuntimeError) as error:
        message = f"layer {layer}: attention weights do not multiply with the embeddings"
        raise NotMeasurable(message) from error
    sight = torch.ones(len(ids), len(ids), dtype=torch.bool).tril()
    again = np.array([t in ids[:i] for i, t in enumerate(ids)])
    once = sight & ~torch.from_numpy(again)  # each distinct token counts once in the softmax
    low = logits.masked_fill(~once, -torch.inf)
    p = (logits - low.logsumexp(-1, keepdim=True)).exp()
    mean = 1 / once.sum(-1)[:, None].double()
    q = (p - mean).clamp(min=0) * sight
    whole = q.sum(-1, keepdim=True)
    return (q / whole.where(whole > 0, torch.ones(()).double())).float().numpy()


def _by_prompt(events: Events, n: int) -> NDArray[np.float32]:
    """Return a number for each prompt, their mean the mean over events, their spread its error.

    The residual of a ratio estimator: prompts differ in how many events they have.
    """
    values = np.array([s[r] for s, r in zip(events.shares, events.right, strict=True)])
    mean = values.mean()
    counts = np.bincount(events.prompt, minlength=n)
    sums = np.bincount(events.prompt, weights=values, minlength=n)
    return np.asarray(mean + (sums - mean * counts) * n / len(values), dtype=np.float32)


def _relabelled(events: Events, draws: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Return the mean over events of a random tail's share, [draw]."""
    out = np.zeros(draws, dtype=np.float32)
    for shares in events.shares:
        out += shares[random.integers(len(shares), size=draws)]
    out /= len(events.shares)
    return out
