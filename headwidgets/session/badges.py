"""What heads are known to be, from the scores that a session has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.taxonomy.verdict import CONSISTENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd


def consistent(scores: pd.DataFrame) -> dict[str, list[str]]:
    """Return of each kind that was scored the heads that are consistent with it.

    Parameters
    ----------
    scores : DataFrame
        Columns layer, head, kind, verdict.
    """
    found: dict[str, list[str]] = {str(kind): [] for kind in scores["kind"].unique()}
    those = scores.loc[scores["verdict"] == CONSISTENT, ["kind", "layer", "head"]]
    for kind, layer, head in those.itertuples(index=False):
        found[str(kind)].append(f"{layer}.{head}")
    return found


def badges(scores: Sequence[Mapping[str, Sequence[str]]]) -> dict[str, tuple[str, ...]]:
    """Return the kinds that each head is consistent with.

    Parameters
    ----------
    scores : sequence of mapping of str to sequence of str
        As `consistent` returns them, in the order in which they were measured: of two of one
        kind the later one counts.

    Returns
    -------
    dict of str to tuple of str
        Of a head such as ``"9.6"`` its kinds, in the order of the scores; a head that is
        consistent with none is left out.
    """
    latest: dict[str, Sequence[str]] = {}
    for one in scores:
        latest |= one
    found: dict[str, tuple[str, ...]] = {}
    for kind, heads in latest.items():
        for head in heads:
            found[head] = (*found.get(head, ()), kind)
    return found
