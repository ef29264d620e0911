"""What heads are known to be, from the scores that a session has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.taxonomy.verdict import CONSISTENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


def badges(scores: Sequence[pd.DataFrame]) -> dict[str, tuple[str, ...]]:
    """Return the kinds that each head is consistent with.

    Parameters
    ----------
    scores : sequence of DataFrame
        Columns layer, head, kind, verdict; of two of one kind the later one counts.

    Returns
    -------
    dict of str to tuple of str
        Of a head such as ``"9.6"`` its kinds, in the order of the scores; a head that is
        consistent with none is left out.
    """
    latest: dict[str, pd.DataFrame] = {}
    for frame in sorted(scores, key=lambda frame: int(frame.attrs.get("revision", 0))):
        latest |= {str(kind): rows for kind, rows in frame.groupby("kind", sort=False)}
    found: dict[str, tuple[str, ...]] = {}
    for kind, rows in latest.items():
        those = rows.loc[rows["verdict"] == CONSISTENT, ["layer", "head"]]
        for layer, head in those.itertuples(index=False):
            name = f"{layer}.{head}"
            found[name] = (*found.get(name, ()), kind)
    return found
