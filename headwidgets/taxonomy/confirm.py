"""Proof by another route: resample one head, on other prompts than those that it was chosen by.

The prompts are of another seed and of held-out templates. Where the kind's card says, at the last
token or everywhere, the head gets its output at the same place of another prompt of that length;
everything after it is recomputed. What that costs is compared with matched heads: those within one
layer that write about as much there (at the last token, if everywhere), within a factor of two.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headwidgets.errors import InputError, NotMeasurable
from headwidgets.heads import Head
from headwidgets.methods.metrics import LogitDiff
from headwidgets.methods.snapshot import Pair, Snapshot
from headwidgets.methods.sweep import changes
from headwidgets.tasks.make import read_number
from headwidgets.taxonomy.asked import END, ask, other_answers
from headwidgets.taxonomy.on_task import SURE
from headwidgets.taxonomy.output_norms import output_norms
from headwidgets.taxonomy.registry import FOIL, find
from headwidgets.taxonomy.verdict import P_MAX

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headwidgets.model.engine import Engine
    from headwidgets.taxonomy.asked import Asked
    from headwidgets.taxonomy.registry import Kind

SHARE = 0.1
"""Of the metric that the head must be worth."""
ALIKE = 2.0
"""Factor within which a matched head writes."""
NEAR = 1
"""Layers away that it stands, at most."""
LEAST_HEADS = 5
PROMPTS = 100
LEAST_PROMPTS = 10
"""Of fewer, a bootstrap is sure of itself by their number alone."""
DRAWS = 9999
SPLIT = "templates"
SEED = 1


@dataclass(frozen=True)
class Confirmed:
    """What removing a head does.

    Attributes
    ----------
    kind : str
    head : Head
    task : str
        What it was measured on, in words.
    effect, se : float
        Mean change of the logit difference, in logits: of the answer above what the card names.
    clean : float
        The logit difference with the head.
    share : float
        What is lost (for a kind that lowers the metric: gained), as a share of `clean`.
    p : float
        Share of bootstrap samples of the prompts in which the head costs no more than the
        matched heads do on average.
    matched : tuple of Head
    n : int
        Prompts.
    passed : bool
        ``share >= 0.1`` and ``p <= .01`` and, for a kind that raises the metric, `clean` three
        standard errors above 0: a model that does not do the task proves nothing.
    reason : str
    """

    kind: str
    head: Head
    task: str
    effect: float
    se: float
    clean: float
    share: float
    p: float
    matched: tuple[Head, ...]
    n: int
    passed: bool
    reason: str


def confirm(
    engine: Engine, kind: str | Kind, head: object, *, n: int = PROMPTS, seed: int = SEED
) -> Confirmed:
    """Resample a head on a task's held-out templates.

    Parameters
    ----------
    engine : Engine
    kind : str or Kind
        A kind whose card names a task for its proof.
    head : Head or what stands for one
    n, seed : int
        Prompts, and what draws them and who gives to whom. A prompt that no other has the
        length of can be given nothing: it is left out.

    Returns
    -------
    Confirmed

    Raises
    ------
    InputError
        If there is no such kind or head, no task proves the kind, or `n` or `seed` is out of
        range (at least ten prompts).
    NotMeasurable
        If the tokenizer cannot spell the task, or fewer than ten prompts have another of their
        length.
    """
    found = find(kind)
    if not found.proof_task:
        message = f"no task proves the kind {found.name!r}: its proof is to {found.proof}"
        raise InputError(message)
    n, seed = read_number("n", n), read_number("seed", seed)
    if n < LEAST_PROMPTS:
        message = f"expected at least {LEAST_PROMPTS} prompts for a proof, got n={n}"
        raise InputError(message)
    facts = engine.facts
    one = Head.parse(head).within(facts.n_layers, facts.n_heads)
    snapshot, words = _question(engine, found, n, seed)
    pairs, at = snapshot.pairs, found.proof_at or None
    if len(pairs) < LEAST_PROMPTS:
        message = (
            f"{len(pairs)} of {n} prompts have another of their length, {LEAST_PROMPTS} are "
            "needed: ask for a larger n"
        )
        raise NotMeasurable(message)
    places = [pair.roles.get(at or END, len(pair.clean) - 1) for pair in pairs]
    matched = alike(output_norms(engine, [pair.clean for pair in pairs], places), one)
    change, clean = changes(engine, snapshot, "resample", [one, *matched], at=at, seed=seed)
    cost = -found.proof_sign * change
    mean = float(clean.mean())
    share = float(cost[0].mean()) / abs(mean) if mean else float("nan")
    p = _p(cost[0] - (cost[1:].mean(0) if matched else 0), seed)
    off = float(clean.std(ddof=1) / np.sqrt(len(clean)))
    does = mean > SURE * off or found.proof_sign < 0
    passed = share >= SHARE and p <= P_MAX and does
    verb = "costs" if found.proof_sign > 0 else "frees"
    reason = f"resampled {where(found)} on {words}, {one} {verb} {share:.0%} of {mean:.2f} logits"
    reason += f", p = {p:.4f} against {_beside(matched, facts.n_layers * facts.n_heads)}"
    if not does:
        reason += f": the model does not do the task (± {off:.2f})"
    error = float(change[0].std(ddof=1) / np.sqrt(len(clean)))
    return Confirmed(
        *(found.name, one, words, float(change[0].mean()), error, mean, share, p),
        *(matched, len(clean), passed, reason),
    )


def _question(engine: Engine, kind: Kind, n: int, seed: int) -> tuple[Snapshot, str]:
    """Read the task; prompts that have no other of their length can be given nothing."""
    asked = ask(engine, kind.proof_task, seed=seed, split=SPLIT, n=n)
    lengths = Counter(len(ids) for ids in set(asked.rows))
    there = [i for i, ids in enumerate(asked.rows) if lengths[len(ids)] > 1]
    if not there:
        message = f"no two of {len(asked.rows)} prompts have one length: ask for a larger n"
        raise NotMeasurable(message)
    snapshot = Snapshot(
        pairs=tuple(Pair(asked.rows[i], roles=_place(asked, kind, i)) for i in there),
        answers=tuple(LogitDiff(asked.answer[i], _against(asked, kind, i)) for i in there),
    )
    return snapshot, f"{asked.prompts.name}, n = {len(there)}"


def _beside(matched: tuple[Head, ...], heads: int) -> str:
    """Say which heads it was held against."""
    if len(matched) == heads - 1:
        return f"all {len(matched)} other heads (fewer than {LEAST_HEADS} write as much near it)"
    return f"{len(matched)} matched heads"


def where(kind: Kind) -> str:
    """Say where a kind's proof resamples a head."""
    return {"": "everywhere", END: "at the last token"}.get(kind.proof_at, f"at {kind.proof_at}")


def _place(asked: Asked, kind: Kind, row: int) -> dict[str, int]:
    """Return the position of the role at which a head is resampled, by its name."""
    if kind.proof_at in ("", END):
        return {}
    span = asked.span(kind.proof_at, row)
    if span is None:
        message = f"a prompt of task {kind.proof_task!r} has no place called {kind.proof_at!r}"
        raise NotMeasurable(message)
    return {kind.proof_at: span[1] - 1}


def _against(asked: Asked, kind: Kind, row: int) -> int | tuple[int, ...]:
    """Return what the answer is held against."""
    return asked.foil[row] if kind.proof_against == FOIL else other_answers(asked, row)


def alike(norms: NDArray[np.float64], head: Head) -> tuple[Head, ...]:
    """Return the heads that a head is compared with.

    Parameters
    ----------
    norms : ndarray of float, [layer, head]
        How much each writes.
    head : Head

    Returns
    -------
    tuple of Head
        Within one layer and a factor of two; all others where these are fewer than five.
    """
    others = [Head(int(a), int(b)) for a, b in np.ndindex(norms.shape) if (a, b) != tuple(head)]
    own = norms[head.layer, head.head]

    def near(one: Head) -> bool:
        ratio = norms[one.layer, one.head] / max(own, 1e-30)
        return abs(one.layer - head.layer) <= NEAR and 1 / ALIKE <= ratio <= ALIKE

    some = [one for one in others if near(one)]
    return tuple(some if len(some) >= LEAST_HEADS else others)


def _p(beyond: NDArray[np.float64], seed: int) -> float:
    """Share of bootstrap means that are not above zero (NaN is not); the sample counts as one."""
    random = np.random.default_rng(seed)
    n = len(beyond)
    means = beyond[random.integers(n, size=(DRAWS, n))].mean(1)
    return float((1 + (~(means > 0)).sum()) / (1 + DRAWS))


def holm(ps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p-values corrected for their number (Holm 1979), in the order given; NaN stays."""
    out = np.full(len(ps), np.nan)
    known = np.flatnonzero(~np.isnan(ps))
    order = known[np.argsort(ps[known])]
    highest = 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * float(ps[i])))
        out[i] = highest
    return out
