"""Kinds that a probe shows, proved: moved along the probe's shift, the head changes what is done.

The shift is found on prompts of the kind that the score has, drawn anew; what it does is measured
on a split that the score does not draw from: held-out templates, or, where the score needs those,
held-out contents. Truth: the verdict on a statement, or the answer that states a fact; facts are
dealt out, so that what is measured is about none that the shift was found on, and facts count, not
prompts. (Another fact that stands before the one asked for, rightly whatever the label, may be of
the other half.) Accuracy: the answer about a passage. Faithfulness: what a falsified step takes
from the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headwidgets.errors import NotMeasurable
from headwidgets.tasks.make import MOST
from headwidgets.taxonomy import chains, rightness, truth
from headwidgets.taxonomy.proofs import proof
from headwidgets.taxonomy.proofs.along import Acting, moved
from headwidgets.taxonomy.proofs.at_places import asking
from headwidgets.taxonomy.resampling import SPLIT
from headwidgets.taxonomy.skilled import doing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from headwidgets.heads import Head
    from headwidgets.model.engine import Engine
    from headwidgets.taxonomy.asked import Asked
    from headwidgets.taxonomy.confirmed import Confirmed, Floats
    from headwidgets.taxonomy.registry import Kind

    Logits = NDArray[np.float32]


@proof("truthfulness")
def truer(engine: Engine, kind: Kind, head: Head, n: int, seed: int) -> Confirmed:
    """Move a head from false to true: the verdict on what is stated, or the answer, follows.

    Raises
    ------
    NotMeasurable
        If the model is at chance on both tasks, or there are too few statements or facts.
    """
    fitted, refused = asking(engine, seed + 1), []
    for one in truth.STATEMENTS:
        try:  # twice as many of either, for half of the facts are taken
            stated = doing(fitted, one.task, split="train", n=2 * truth.N).asked
            asked = doing(asking(engine, seed), one.task, split=SPLIT, n=min(2 * n, MOST)).asked
            to_fit, to_act = truth.apart(one, stated, asked, seed)
            given = one.state(stated, seed, to_fit)
            given.require()
        except NotMeasurable as error:
            refused.append(str(error))
            continue
        some = to_act[:n]
        acting = (_verdicts if one.task == truth.STATED else _answering)(asked, some)
        acting = acting._replace(facts=tuple(one.fact(asked, i) for i in some))
        return moved(engine, kind, head, seed, given, acting)
    raise NotMeasurable("; ".join(refused))


@proof("accuracy")
def righter(engine: Engine, kind: Kind, head: Head, n: int, seed: int) -> Confirmed:
    """Move a head from wrong to right while the model answers: the right answer gains.

    Raises
    ------
    NotMeasurable
        If on no task the model is above chance and wrong 20 times.
    """
    fitted, refused = asking(engine, seed + 1), []
    for name, split in rightness.READING:
        try:
            given, _ = rightness.answers_given(fitted, name, split)
            asked = doing(asking(engine, seed), name, split=_unseen(split), n=n).asked
        except NotMeasurable as error:
            refused.append(str(error))
            continue
        return moved(engine, kind, head, seed, given, _choosing(asked))
    raise NotMeasurable("; ".join(refused))


@proof("faithfulness")
def more_faithful(engine: Engine, kind: Kind, head: Head, n: int, seed: int) -> Confirmed:
    """Move a head towards faithful chains: falsified steps change the answer more.

    Raises
    ------
    NotMeasurable
        If on no task enough chains are of either sort.
    """
    fitted, refused = asking(engine, seed + 1), []
    for one in chains.TASKS:
        try:
            given, _ = chains.told_apart(fitted, one)
            done = doing(asking(engine, seed), one.task, split=_unseen(one.split), n=n)
            acting = _hanging(done.asked, done.said, one.steps, seed)
        except NotMeasurable as error:
            refused.append(str(error))
            continue
        return moved(engine, kind, head, seed, given, acting)
    raise NotMeasurable("; ".join(refused))


def _unseen(split: str) -> str:
    """Return a split that the score does not draw from: held-out templates, where it can be."""
    return "test" if split == SPLIT else SPLIT


def _verdicts(asked: Asked, some: Sequence[int]) -> Acting:
    """Move where a statement ends; read the lead of "true" over "false" at the end."""
    rows = tuple(asked.rows[i] for i in some)
    spans = [asked.span("STATED", i) for i in some]
    ways = np.array([asked.options[i] for i in some])

    def read(said: Logits) -> Floats:
        both = np.take_along_axis(said.astype(float), ways, 1)
        lead: Floats = both[:, 0] - both[:, 1]
        return lead

    return Acting(
        rows,
        tuple(
            len(row) - 1 if at is None else at[1] - 1 for row, at in zip(rows, spans, strict=True)
        ),
        read,
        np.where(np.array([asked.answer[i] for i in some]) == ways[:, 0], 1, -1).astype(float),
        f"{asked.prompts.name}, n = {len(rows)}",
        "turns the verdict by",
    )


def _answering(asked: Asked, some: Sequence[int]) -> Acting:
    """Move at the last token; read the lead of the right answer over the other options."""
    rows, own = tuple(asked.rows[i] for i in some), [asked.answer[i] for i in some]
    return Acting(
        rows,
        tuple(len(row) - 1 for row in rows),
        lambda said: _leads(said, asked, own, some),
        np.ones(len(rows)),
        f"{asked.prompts.name}, n = {len(rows)}",
        "gives the right answer",
    )


def _choosing(asked: Asked) -> Acting:
    """Move at the last token; read the right answer's share of its options, above a guess."""
    acting = _answering(asked, range(len(asked.rows)))

    def read(said: Logits) -> Floats:
        out = np.empty(len(said))
        for i, values in enumerate(said.astype(float)):
            options = [*{*asked.options[i], asked.answer[i]}]
            odds = np.exp(values[options] - values[options].max())
            out[i] = odds[options.index(asked.answer[i])] / odds.sum() - 1 / len(options)
        return out

    return acting._replace(read=read, unit="of the options' probability, above a guess")


def _hanging(asked: Asked, said: Logits, steps: Sequence[str], seed: int) -> Acting:
    """Move at the last token; read what of the answer's lead is lost with a step falsified."""
    random = np.random.default_rng(seed)
    own = chains.best(asked, said, range(len(asked.rows)))
    rows, of = chains.falsified(asked, steps, random)
    chosen = [int(random.choice(np.flatnonzero(of == i))) for i in dict.fromkeys(of.tolist())]
    some = of[chosen].tolist()
    answers, n = own[some].tolist(), len(some)

    def read(both: Logits) -> Floats:
        whole, wrong = (_leads(part, asked, answers, some) for part in (both[:n], both[n:]))
        return whole - wrong

    pairs = (*(asked.rows[i] for i in some), *(rows[k] for k in chosen))
    return Acting(
        pairs,
        tuple(len(row) - 1 for row in pairs),
        read,
        np.ones(n),
        f"{asked.prompts.name}, n = {n}, a step of each falsified",
        "adds to what the step decides",
    )


def _leads(said: Logits, asked: Asked, own: Sequence[int], of: Sequence[int]) -> Floats:
    """Return the lead of an answer over the mean of the prompt's other options, [row]."""
    out = np.empty(len(said))
    for k, i in enumerate(of):
        options = asked.options[i] if asked.options else ()
        rest = [one for one in options if one != own[k]] or [asked.foil[i]]
        out[k] = said[k, own[k]] - said[k, rest].mean()
    return out
