"""What heads add to the right letter's lead, and the letter for which they add the least."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headwidgets.errors import NotMeasurable
from headwidgets.taxonomy.matched import contrast

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headwidgets.taxonomy.on_task import OnTask

    Floats = NDArray[np.float32]
    Ints = NDArray[np.int64]


def of_right(table: Floats, right: Ints) -> Floats:
    """Return the right letter's value in each prompt: [prompt, layer, head]."""
    found: Floats = np.take_along_axis(table, right[:, None, None, None], axis=-1)[..., 0]
    return found


def raised_by(task: OnTask, right: Ints) -> Floats:
    """Direct attribution to each letter above the others, in shares of the model's own lead.

    Raises
    ------
    NotMeasurable
        If the right letter has no lead.
    """
    logits = [one.logits[list(ids)] for one, ids in zip(task.seen, task.asked.options, strict=True)]
    lead = float(contrast(np.array(logits))[np.arange(len(right)), right].mean())
    if not lead > 0:
        message = f"the right letter's logit is {lead:+.2f} from the others': it has no lead"
        raise NotMeasurable(message)
    found: Floats = contrast(task.whole()[..., 2:]) / lead
    return found


def lowest(table: Floats, right: Ints) -> Floats:
    """Mean where each letter is right, of the letter with the least: [layer, head]."""
    values = of_right(table, right)
    means = [values[right == letter].mean(0) for letter in np.unique(right)]
    found: Floats = np.min(means, axis=0)
    return found


def least(values: Floats, right: Ints) -> Floats:
    """Rows where that letter is right that has the least mean: [row, layer, head].

    As many as the rarest letter has; rows of the others are added up to so many, mean kept.
    """
    groups = [values[right == letter] for letter in np.unique(right)]
    n = min(map(len, groups))
    rows = np.stack(
        [
            np.stack([part.sum(0) for part in np.array_split(group, n)]) * (n / len(group))
            for group in groups
        ]
    )
    found: Floats = np.take_along_axis(rows, rows.mean(1).argmin(0)[None, None], axis=0)[0]
    return found
