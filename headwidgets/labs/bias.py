"""The greater-than bias: whether a head prefers what is above the member that it looks at.

Gould et al. 2023 (arXiv 2312.09230, section 4) find the logits of greater members higher than those
of lesser ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from headwidgets.labs.sets import asked, members
from headwidgets.taxonomy.successors import brought

if TYPE_CHECKING:
    from numpy.typing import NDArray


def greater_than(session: Any, head: object, name: str, variant: str = "normed") -> pd.DataFrame:
    """Compare what a head brings to members above the one that it looks at, and below.

    The next member is left out of both: a head that raises it alone, and counts on without any
    bias, would else seem to prefer what is greater.

    Returns
    -------
    DataFrame
        One row a member with both: member, above, below (mean logits, a row's mean taken off) and
        difference. The paper finds the greater ones preferred.
    """
    engine, which, known = asked(session, head, name, variant)
    found = brought(engine, which.layer, known)[which.head].numpy()
    found = found - found.mean(1, keepdims=True)
    rows = []
    for at, (word, after) in enumerate(
        zip(members(known.series), known.series.following, strict=True)
    ):
        others = np.arange(len(found)) != after
        above, below = (found[at][others & side] for side in _sides(at, len(found)))
        if len(above) and len(below):
            rows.append((word, float(above.mean()), float(below.mean())))
    frame = pd.DataFrame(rows, columns=["member", "above", "below"])
    frame["difference"] = frame["above"] - frame["below"]
    return frame


def _sides(at: int, n: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which of `n` members are above one, and which below."""
    place = np.arange(n)
    return place > at, place < at
