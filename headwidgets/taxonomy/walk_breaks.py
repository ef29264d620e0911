"""What breaks a step of a walk, as edits, and what they cost the answer."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from headwidgets.methods.edits import mean, patch, path, resample, zero
from headwidgets.methods.measuring import reading
from headwidgets.methods.receivers import Receiver, has_path
from headwidgets.methods.runs import batches, logits
from headwidgets.methods.snapshot import unaligned
from headwidgets.methods.summary import means

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from headwidgets.heads import Head
    from headwidgets.methods.edits import Edit
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine
    from headwidgets.taxonomy.carriers import Carriers
    from headwidgets.taxonomy.walk_plans import Step


def receivers_of(step: Step, found: Mapping[str, Carriers]) -> list[Receiver]:
    """Return the queries, keys and values that a step hands over to."""
    return [
        Receiver(one.head.layer, one.head.head, part)
        for name, part in step.hands_to
        for one in (found[name].heads if name in found else ())
    ]


def breaking(
    step: Step, heads: Sequence[Head], receivers: Sequence[Receiver], snapshot: Snapshot
) -> tuple[list[Edit], str]:
    """Return the edits that break a step, and what they do in words.

    The path to those that it hands over to, where there is one; to the logits, where it hands over
    to nobody; else all that its heads write at the query. Without an aligned corrupted prompt
    their output there is zero.
    """
    names = ", ".join(map(str, heads))
    lone = Counter(len(pair.clean) for pair in snapshot.pairs)
    alone = any(lone[len(pair.clean)] < 2 for pair in snapshot.pairs)  # noqa: PLR2004 - a giver
    if step.breaks == "mean":
        return [mean(one, step.query) for one in heads], f"mean output of {names} at {step.query}"
    if step.breaks == "resample" and not alone:
        words = f"{names} at {step.query} as on another prompt"
        return [resample(one, step.query) for one in heads], words
    if step.breaks == "resample" or any(unaligned(pair) for pair in snapshot.pairs):
        return [zero(one, step.query) for one in heads], f"{names} zero at {step.query}"
    if not step.hands_to:
        return [path(heads)], f"path {names} → logits, as on the corrupted prompt"
    if receivers and has_path(heads, receivers):
        ends = ", ".join(map(str, receivers))
        words = f"path {names} → {ends}, as on the corrupted prompt"
        return [path(heads, to=[str(one) for one in receivers])], words
    words = f"{names} at {step.query} as on the corrupted prompt"
    return [patch(one, step.query) for one in heads], words


def leads(engine: Engine, snapshot: Snapshot, edits: Sequence[Edit] = ()) -> NDArray[np.float64]:
    """Return the answer's lead over the foil on each prompt, under edits, in logits."""
    out = np.full(len(snapshot.pairs), np.nan)
    edited = replace(snapshot, edits=tuple(edits))
    for batch in batches(engine, snapshot):
        read = reading(engine, snapshot, batch, logits(engine, snapshot, "clean", batch).values)
        out[batch] = read(logits(engine, edited, "edited", batch).values).double().cpu().numpy()
    return out


def cost(before: NDArray[np.float64], after: NDArray[np.float64], index: int) -> dict[str, float]:
    """Return what changed of the answer's lead, [prompt] each.

    Returns
    -------
    dict
        before and after, the means; cost = before - after, its se, its share of before, n;
        before_here and after_here, on the prompt that is shown.
    """
    lost, error = (float(one) for one in means(before - after))
    mean = float(before.mean())
    return {
        "before": mean,
        "after": float(after.mean()),
        "cost": lost,
        "se": error,
        "share": lost / mean if mean > 0 else float("nan"),
        "n": len(before),
        "before_here": float(before[index]),
        "after_here": float(after[index]),
    }
