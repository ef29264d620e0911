"""A head resampled: its output comes from another prompt, where a kind's card says.

At the last token, at a role or everywhere the head gets its output at the same place of another
prompt of that length; everything after it is recomputed. What that costs is compared with matched
heads: those within one layer that write about as much there (at the last token, if everywhere),
within a factor of two.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from headwidgets.errors import NotMeasurable
from headwidgets.methods.metrics import LogitDiff
from headwidgets.methods.snapshot import Pair, Snapshot
from headwidgets.methods.sweep import changes
from headwidgets.taxonomy.asked import END, ask, other_answers
from headwidgets.taxonomy.confirmed import LEAST_HEADS, Confirmed, Cost, Said, alike, judged
from headwidgets.taxonomy.output_norms import output_norms
from headwidgets.taxonomy.registry import FOIL

if TYPE_CHECKING:
    from collections.abc import Collection

    from headwidgets.heads import Head
    from headwidgets.model.engine import Engine
    from headwidgets.taxonomy.asked import Asked
    from headwidgets.taxonomy.registry import Kind

LEAST_PROMPTS = 10
"""Of fewer, a bootstrap is sure of itself by their number alone."""
SPLIT = "templates"


def resampled(engine: Engine, kind: Kind, head: Head, n: int, seed: int) -> Confirmed:
    """Resample a head on held-out templates of the task that its kind's card names.

    Raises
    ------
    NotMeasurable
        If the tokenizer cannot spell the task, or fewer than ten prompts have another of their
        length.
    """
    snapshot, words = question(engine, kind, n, seed)
    enough(snapshot, n)
    matched, at = matched_heads(engine, kind, snapshot, head), kind.proof_at or None
    change, clean = changes(engine, snapshot, "resample", [head, *matched], at=at, seed=seed)
    cost = -kind.proof_sign * change
    said = Said(words, f"resampled {where(kind)}", beside(matched, engine))
    costs = Cost(cost[0], cost[1:], clean)
    return judged(kind, head, costs, said, matched=matched, seed=seed)


def asking(engine: Engine, task: str, *, seed: int, split: str, n: int) -> Asked:
    """Return a task's prompts; see `ask`."""
    return ask(engine, task, seed=seed, split=split, n=n)


def question(engine: Engine, kind: Kind, n: int, seed: int) -> tuple[Snapshot, str]:
    """Read the task that a card names; prompts that no other has the length of are left out.

    Returns
    -------
    snapshot : Snapshot
        With the role that the card names, and what the answer is held against.
    words : str

    Raises
    ------
    NotMeasurable
        If the tokenizer cannot spell the task, or no prompt has another of its length.
    """
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


def enough(snapshot: Snapshot, n: int) -> None:
    """Refuse a proof by too few prompts.

    Raises
    ------
    NotMeasurable
        If there are fewer than ten of `n`.
    """
    if len(snapshot.pairs) < LEAST_PROMPTS:
        message = (
            f"{len(snapshot.pairs)} of {n} prompts have another of their length, {LEAST_PROMPTS} "
            "are needed: ask for a larger n"
        )
        raise NotMeasurable(message)


def matched_heads(
    engine: Engine, kind: Kind, snapshot: Snapshot, head: Head, without: Collection[Head] = ()
) -> tuple[Head, ...]:
    """Return the heads that write about as much where the card says, near a head.

    See `alike` for `without`.
    """
    at = kind.proof_at or END
    places = [pair.roles.get(at, len(pair.clean) - 1) for pair in snapshot.pairs]
    rows = [pair.clean for pair in snapshot.pairs]
    return alike(output_norms(engine, rows, places), head, without)


def beside(matched: tuple[Head, ...], engine: Engine, without: Collection[Head] = ()) -> str:
    """Say which heads one was held against."""
    facts = engine.facts
    if len(matched) == facts.n_layers * facts.n_heads - 1 - len(without):
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
