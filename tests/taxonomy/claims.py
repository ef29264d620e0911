"""How often a kind is claimed of models in which it cannot be: who claims what, and counts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib import import_module
from unittest.mock import patch

import numpy as np
from gates import gates_off
from permuted import KINDS as BY_ANSWER
from permuted import permuted
from planted_kinds import PLANTS
from shaped import reading

from headwidgets.errors import NotMeasurable
from headwidgets.heads import Head
from headwidgets.model.engine import Engine
from headwidgets.taxonomy import all_kinds, scores
from headwidgets.taxonomy.confirm import confirm
from headwidgets.taxonomy.confirmed import holm
from headwidgets.taxonomy.verdict import CONSISTENT, NOT_MEASURABLE, P_MAX
from headwidgets.zoo.bundled import bundled
from headwidgets.zoo.planted import planted

SHAPES = ("gpt2", "neox", "llama")
SEEDS = 20
SIZES = (2.0, 1.0)
"""Of random weights, from seed to seed: sharp attention, and soft."""
MODELS, HEADS = 0.05, 0.01
"""The bars: share of models with any claim, share of heads claimed."""
_SEEN_BY_SCORE = ("attention", "weights")
_SCORE = import_module("headwidgets.taxonomy.score")


# ---------------------------------------------------------------------- one model


def judged(engine, kinds=tuple(PLANTS), **options):
    """Score every head as some kinds, gates off, and prove whatever waits for a proof.

    Returns the rows of `scores`, and: open, whether the gate of its task lets the kind through;
    unproved, whether nothing but a proof was lacking and it failed; claimed.
    """
    facts, wanted = engine.facts, [kind for kind in all_kinds() if kind.name in kinds]
    heads = [Head(a, b) for a in range(facts.n_layers) for b in range(facts.n_heads)]
    every = {(kind.name, head): True for kind in wanted for head in heads}
    with gates_off() as refused, patch.object(_SCORE, "all_kinds", lambda: wanted):
        frame = scores(engine, proved=every, causal=True, **options)
    on = {kind: attrs["measured_on"] for kind, attrs in frame.attrs.pop("kinds").items()}
    shut = {kind for kind, words in on.items() if words.startswith(tuple(refused))}
    frame["open"] = ~frame["kind"].isin(shut)
    reached = frame["verdict"] == CONSISTENT
    waiting = frame[reached & ~frame["evidence"].isin(_SEEN_BY_SCORE)]
    frame["unproved"] = False
    frame.loc[waiting.index, "unproved"] = [not one for one in _proofs(engine, waiting)]
    frame["claimed"] = reached & ~frame["unproved"]
    return frame


def _proofs(engine, waiting):
    """Whether each proof passes, corrected for their number as a session does."""
    tried = []
    for kind, layer, head in waiting[["kind", "layer", "head"]].itertuples(index=False):
        try:
            found = confirm(engine, kind, Head(layer, head))
            tried.append((found.passed, found.p))
        except NotMeasurable:
            tried.append((False, np.nan))
    corrected = holm(np.array([p for _, p in tried], dtype=float))
    return [bool(passed and p <= P_MAX) for (passed, _), p in zip(tried, corrected, strict=True)]


# ---------------------------------------------------------------------- many models


def random_models(shape, seeds=range(SEEDS)):
    """Judge models of random weights, with the bundled model's tokenizer."""
    text = None
    for seed in seeds:
        engine = Engine(reading(shape, seed=seed, size=SIZES[seed % len(SIZES)]), name=shape)
        text = engine.text = text or engine.text  # tasks are spelled once
        yield judged(engine)


def nothing_planted(seeds=range(SEEDS)):
    """Judge the planted model without what is planted: exact, then with noise on all weights."""
    for seed in seeds:
        bridge = planted(beta=0.0, noise=0.05 if seed else 0.0, seed=seed)
        yield judged(Engine(bridge, name="nothing planted"), seed=seed)


def permuted_answers(seeds=range(SEEDS)):
    """Judge the bundled model on tasks whose answers are not the right ones."""
    engine = Engine(bundled(), name="bundled")
    for seed in seeds:
        with permuted(seed):
            yield judged(engine, BY_ANSWER)


@dataclass(frozen=True)
class Count:
    """One kind over some models.

    Attributes
    ----------
    kind : str
    models : int
    open : int
        In how many of them the gate of the kind's task lets it through.
    asked : int
        In how many the kind could be measured with the gate off.
    some : int
        In how many any head is claimed.
    claimed, heads : int
        Heads that are claimed, of so many that were measured.
    unproved : int
        Heads that lacked nothing but their proof, and failed it.
    """

    kind: str
    models: int
    open: int
    asked: int
    some: int
    claimed: int
    heads: int
    unproved: int

    @property
    def kept(self):
        """Whether both bars hold."""
        return self.some <= MODELS * self.models and self.claimed <= HEADS * self.heads

    def plain(self):
        """Return it as values that JSON can hold."""
        return asdict(self)


def counts(frames, kinds=tuple(PLANTS)):
    """Count over models, kind by kind, in the order of the taxonomy."""
    frames = list(frames)
    wanted = [kind.name for kind in all_kinds() if kind.name in kinds]
    return [_count(kind, [frame[frame["kind"] == kind] for frame in frames]) for kind in wanted]


def _count(kind, frames):
    known = [frame[frame["verdict"] != NOT_MEASURABLE] for frame in frames]
    known = [frame for frame in known if len(frame)]
    return Count(
        kind,
        models=len(frames),
        open=sum(bool(frame["open"].all()) for frame in known),
        asked=len(known),
        some=sum(bool(frame["claimed"].any()) for frame in known),
        claimed=sum(int(frame["claimed"].sum()) for frame in known),
        heads=sum(map(len, known)),
        unproved=sum(int(frame["unproved"].sum()) for frame in known),
    )


def added(parts):
    """Add counts of several populations, kind by kind."""
    out = []
    for same in zip(*parts, strict=True):
        numbers = [asdict(one) for one in same]
        kind = numbers[0].pop("kind")
        names = list(numbers[0])
        out.append(Count(kind, **{name: sum(one[name] for one in numbers) for name in names}))
    return out
