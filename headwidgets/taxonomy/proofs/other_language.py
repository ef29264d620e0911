"""Coherence heads, proved: with their output on the other language, the answer is in that one.

On held-out templates the head gets its output at the last token of a prompt that asks for the other
language, about another thing, everything after it recomputed. What the answer loses against the
same thing's word in the other language counts, less what the thing loses in both languages against
other things: the answer is to change its language and to keep its meaning. Of prompts that ask for
French, and of those that ask for English: either way the one is broken and the other restored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy.confirmed import Confirmed, Cost, Said, alike, judged, weakest
from headwidgets.taxonomy.languages import NAMES, both_ways
from headwidgets.taxonomy.output_norms import output_norms
from headwidgets.taxonomy.probing import ends, said_at_end
from headwidgets.taxonomy.proofs import proof
from headwidgets.taxonomy.proofs.at_places import changed
from headwidgets.taxonomy.resampling import SPLIT, asking, beside

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from headwidgets.heads import Head
    from headwidgets.model.engine import Engine
    from headwidgets.taxonomy.asked import Ids
    from headwidgets.taxonomy.confirmed import Floats
    from headwidgets.taxonomy.languages import Asking
    from headwidgets.taxonomy.registry import Kind


@proof("coherence")
def in_the_other_language(engine: Engine, kind: Kind, head: Head, n: int, seed: int) -> Confirmed:
    """Resample a head from prompts that ask for the other language, either way.

    Raises
    ------
    NotMeasurable
        If the model keeps to the language asked for in too few prompts, or they ask for one thing.
    """
    asked = asking(engine, kind.proof_task, seed=seed, split=SPLIT, n=n)
    found = both_ways(engine, asked, asked.prompts.name or kind.proof_task)
    given = _donors(found, np.random.default_rng(seed))
    both = found.english, found.french
    z = [ends(engine, rows) for rows in both]
    proofs = []
    for side, rows in enumerate(both):
        matched = alike(output_norms(engine, rows), head)
        clean, other = _leads(found, side, said_at_end(engine, rows)), z[1 - side][given]
        costs = np.array(
            [
                _beyond(clean - _leads(found, side, _resampled(engine, rows, one, other)))
                for one in (head, *matched)
            ]
        )
        words = f"{asked.prompts.name} that ask for {NAMES[side]}, n = {len(rows)}"
        did = f"resampled at the last token from {NAMES[1 - side]}"
        said = Said(words, did, beside(matched, engine))
        cost = Cost(costs[0], costs[1:], clean[0])
        proofs.append(judged(kind, head, cost, said, matched=matched, seed=seed))
    return weakest(*proofs)


def _resampled(engine: Engine, rows: list[Ids], head: Head, z: Tensor) -> NDArray[np.float32]:
    """Return the logits with a head's output given, z [prompt, layer, head, d_head]."""
    return changed(engine, rows, head, lambda _, some: z[some, head.layer, head.head])


def _beyond(lost: Floats) -> Floats:
    """Return what the language loses beyond the thing, [prompt]; `lost` is [2, prompt]."""
    found: Floats = lost[0] - np.maximum(lost[1], 0)
    return found


def _donors(found: Asking, random: np.random.Generator) -> list[int]:
    """Return for each prompt another that asks about another thing.

    Raises
    ------
    NotMeasurable
        If there is none.
    """
    out = []
    for thing in found.things:
        others = [i for i, other in enumerate(found.things) if other != thing]
        if not others:
            message = f"all {len(found.things)} prompts ask about one thing"
            raise NotMeasurable(message)
        out.append(int(random.choice(others)))
    return out


def _leads(found: Asking, side: int, said: NDArray[np.float32]) -> Floats:
    """Return the leads of the language asked for, and of the thing, [2, prompt].

    The answer less the same thing in the other language; both words of the thing less the mean of
    all others of either language.
    """
    things = sorted(set(found.things))
    out = np.empty((2, len(said)))
    for i, (values, thing) in enumerate(zip(said.astype(float), found.things, strict=True)):
        rest = [word for other in things if other != thing for word in other]
        right, wrong = values[thing[side]], values[thing[1 - side]]
        out[:, i] = right - wrong, right + wrong - 2 * values[rest].mean()
    return out
