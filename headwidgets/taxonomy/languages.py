"""Coherence: does moving a head's z along the language that it tells change the answer's language.

A probe reads the language in most heads, so what it reads is no score. Prompts ask for French and,
with all words and the two languages' names exchanged, for English. The probe's direction is found
on half of them; on the other half the z at the last token is moved along it towards the other
language, and what probability then falls on that language's words is the score.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from headwidgets.errors import NotMeasurable
from headwidgets.methods.held_out import LOGISTIC, fit
from headwidgets.model.work import checkpoint
from headwidgets.taxonomy import broken
from headwidgets.taxonomy.asked import N
from headwidgets.taxonomy.last_token import setting
from headwidgets.taxonomy.measure import Scores
from headwidgets.taxonomy.movers import without_edits
from headwidgets.taxonomy.probing import ends, said_at_end
from headwidgets.taxonomy.reduce import batches
from headwidgets.taxonomy.registry import Work

if TYPE_CHECKING:
    from torch import Tensor

    from headwidgets.model.engine import Engine
    from headwidgets.model.facts import Facts
    from headwidgets.taxonomy.asked import Asked, Ids
    from headwidgets.taxonomy.measure import Measure
    from headwidgets.taxonomy.reduce import Floats

TASK = "bilingual pairs"
NAMES = ("English", "French")
WORDS = (("E1", "E2", "ASKED"), ("F1", "F2"))
"""Roles of English and of French words; the answer is French."""
STRENGTH = 3.0
"""Standard deviations that z is moved: a little more than from one language to the other."""
KEEPS = 0.5
"""Probability on words of the language asked for, at least, either way."""
MOST, LEAST = 20, 10
"""Prompts that are steered, and pairs of prompts without which there is nothing to ask."""
OTHERS = 8
"""Random directions of the same length, for the null."""


def work(facts: Facts) -> Work:
    """Say what it takes: each head moved along its direction and eight others, either way."""
    heads = facts.n_layers * facts.n_heads
    return Work(TASK, MOST, forwards=2 * heads * (1 + OTHERS) + 5 * N / MOST)


class Asking(NamedTuple):
    """Prompts that ask for French, and the same turned round.

    Attributes
    ----------
    french, english : list of token ids
    words : (list of int, list of int)
        All words of English, and of French.
    things : list of (int, int)
        What each prompt asks about, in English and in French.
    """

    french: list[Ids]
    english: list[Ids]
    words: tuple[list[int], list[int]]
    things: list[tuple[int, int]]


def coherent(measure: Measure) -> Scores:
    """Score how much probability goes over to the other language, either way.

    Raises
    ------
    NotMeasurable
        If the model keeps to the language asked for in too few prompts, or edits are in force.
    """
    without_edits(measure)
    task = measure.task(TASK)
    engine = measure.engine
    asking = both_ways(engine, task.asked, task.words)
    n = len(asking.french)
    half = min(n // 2, MOST)
    random = np.random.default_rng(measure.seed)
    order = random.permutation(n)
    steered, fitted = order[:half], order[half:]
    z = [ends(engine, rows) for rows in (asking.english, asking.french)]
    pooled = torch.cat([some[fitted] for some in z])
    labels = np.arange(len(pooled)) >= len(fitted)
    facts = engine.facts
    shape = (half, facts.n_layers, facts.n_heads)
    rows, null = np.zeros(shape, np.float32), np.zeros((OTHERS, *shape), np.float32)
    base = [_mass(engine, asking, side, steered) for side in (0, 1)]
    for layer, head in np.ndindex(*shape[1:]):
        checkpoint(layer * facts.n_heads + head, facts.n_layers * facts.n_heads, "steering")
        some = pooled[:, layer, head]
        moves = [_along(some, labels)]
        moves += _others(moves[0], random)
        for which, move in enumerate(moves):
            gains = [
                _mass(engine, asking, side, steered, (layer, head), z[side][:, layer, head] + by)
                - base[side]
                for side, by in ((0, move), (1, -move))
            ]
            into = rows if which == 0 else null[which - 1]
            into[:, layer, head] = (gains[0] + gains[1]) / 2
    rows, null = broken.beyond_rounding(rows), broken.beyond_rounding(null)
    parts = np.array_split(np.arange(measure.draws), len(null))
    draws = [
        broken.resampled(some, len(part), random) for some, part in zip(null, parts, strict=True)
    ]
    said = f"{task.words}, {half} prompts of {n} steered by {STRENGTH:g} sd, either way"
    scores = Scores(rows, np.concatenate(draws), task_accuracy=task.accuracy, words=said)
    scores.least_p = 1 / (1 + OTHERS)  # the draws are of so many directions, prompts drawn again
    for at in scores.reaching(measure.threshold):
        scores.remark(at, f"steered by {STRENGTH:g} standard deviations, found on other prompts")
    return scores


def both_ways(engine: Engine, asked: Asked, words: str) -> Asking:
    """Return the prompts on which the model keeps to the language, asked either way.

    Raises
    ------
    NotMeasurable
        If there are fewer than ten.
    """
    asking = _kept(engine, _asking(engine, asked))
    n = len(asking.french)
    if n < LEAST:
        message = (
            f"{words}: the model keeps to the language asked for, French as well as English, "
            f"on {n} prompts and their reverse, of {LEAST}"
        )
        raise NotMeasurable(message)
    return asking


def _asking(engine: Engine, asked: Asked) -> Asking:
    """Turn prompts round: each word for its partner, each language's name for the other's."""
    names = _names(engine, asked)
    french, english, things = [], [], []
    one: dict[int, None] = {}
    two: dict[int, None] = {}
    for i, row in enumerate(asked.rows):
        places = [[asked.span(role, i) for role in roles] for roles in WORDS]
        spans = [span for some in places for span in some]
        if any(span is None or span[1] - span[0] != 1 for span in spans):
            continue
        e1, e2, q, f1, f2 = (span[0] for span in spans if span is not None)
        new = [names.get(token, token) for token in row]
        for here, there in ((e1, f1), (e2, f2)):
            new[here], new[there] = row[there], row[here]
        new[q] = asked.answer[i]
        one |= dict.fromkeys((row[e1], row[e2], row[q]))
        two |= dict.fromkeys((row[f1], row[f2], asked.answer[i]))
        french.append(row)
        english.append(tuple(new))
        things.append((row[q], asked.answer[i]))
    alone = [
        [token for token in some if token not in rest] for some, rest in ((one, two), (two, one))
    ]
    return Asking(french, english, (alone[0], alone[1]), things)


def _names(engine: Engine, asked: Asked) -> dict[int, int]:
    """Return the tokens of the languages' names, each to the other's written the same way."""
    used = sorted({token for row in asked.rows for token in row})
    pieces = dict(zip(used, engine.text.pieces(used), strict=True))
    found: dict[str, int] = {piece: token for token, piece in pieces.items()}
    out = {}
    for token, piece in pieces.items():
        for own, other in (NAMES, NAMES[::-1]):
            if piece.strip() == own and piece.replace(own, other) in found:
                out[token] = found[piece.replace(own, other)]
    return out


def _kept(engine: Engine, asking: Asking) -> Asking:
    """Keep prompts on which the model keeps to the language, asked either way."""
    if not asking.french:
        return asking
    there = np.ones(len(asking.french), bool)
    for side, rows in ((1, asking.french), (0, asking.english)):
        there &= _share(said_at_end(engine, rows), asking.words[side]) >= KEEPS
    kept = np.flatnonzero(there)
    french, english = ([rows[i] for i in kept] for rows in (asking.french, asking.english))
    return Asking(french, english, asking.words, [asking.things[i] for i in kept])


def _share(said: Floats, tokens: list[int]) -> Floats:
    """Return the probability that falls on some tokens, [row]."""
    found = torch.from_numpy(said).double().softmax(-1)[:, tokens].sum(-1)
    share: Floats = found.float().numpy()
    return share


def _mass(
    engine: Engine,
    asking: Asking,
    side: int,
    some: np.ndarray,
    head: tuple[int, int] | None = None,
    z: Tensor | None = None,
) -> Floats:
    """Return the probability of the other language's words, a head's z set where one is given.

    Of side 0 the prompts ask for English, and French words are counted.
    """
    rows = [(asking.english, asking.french)[side][i] for i in some]
    if head is None or z is None:
        return _share(said_at_end(engine, rows), asking.words[1 - side])
    out = np.empty(len(rows), np.float32)
    for batch in batches(engine, rows):
        given = z[[int(some[i]) for i in batch]]
        ids = torch.tensor([list(rows[i]) for i in batch])
        said = engine.run(ids, setting([head], [given], ids.shape[1] - 1)).float().cpu().numpy()
        out[batch] = _share(said, asking.words[1 - side])
    return out


def _along(z: Tensor, labels: np.ndarray) -> Tensor:
    """Return the step towards French: the probe's direction, some standard deviations long."""
    weights, _ = fit(LOGISTIC, z, torch.from_numpy(labels)[:, None])
    unit = (weights[:, 0] / weights[:, 0].norm().clamp(min=1e-30)).float()
    step: Tensor = STRENGTH * float((z @ unit).std()) * unit
    return step


def _others(move: Tensor, random: np.random.Generator) -> list[Tensor]:
    """Return steps of the same length along random directions."""
    drawn = torch.from_numpy(random.standard_normal((OTHERS, len(move)))).float()
    return [float(move.norm()) * one / one.norm() for one in drawn]
