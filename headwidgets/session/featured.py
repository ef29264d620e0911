"""Every head in numbers that mean the same in all models, and what each was found to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from headwidgets.heads import Head
from headwidgets.methods.options import read_seed
from headwidgets.session.surveying import Surveying
from headwidgets.taxonomy.head_features import head_features
from headwidgets.taxonomy.registry import all_kinds, find_several
from headwidgets.taxonomy.score import intervenes
from headwidgets.taxonomy.verdict import CONSISTENT, NOT_MEASURABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FEATURES = "head features"


class Featured(Surveying):
    """What tells heads apart, and what they are."""

    def head_features(self, seed: int = 0) -> pd.DataFrame:
        """Describe every head by its attention, its z and its weights.

        Parameters
        ----------
        seed : int
            Of the random tokens.

        Returns
        -------
        DataFrame
            One row a head; see `headwidgets.taxonomy.head_features.head_features`. It is kept in
            ``s.frames["head features"]``, and taken from there while the weights stay.

        Raises
        ------
        InputError
            If `seed` is no whole number from 0.

        Examples
        --------
        >>> import headwidgets as hw
        >>> s = hw.Session("planted")
        >>> s.head_features()[["layer", "head", "previous", "after_copy"]].round(2).head(1)
           layer  head  previous  after_copy
        0      0     0       1.0         0.0
        """
        drawn = read_seed(seed)
        kept = self.frames.get(FEATURES)
        if kept is not None and kept.attrs["seed"] == drawn and not self.is_stale(kept):
            return kept.copy()
        return self._find(FEATURES, lambda _: head_features(self.engine, drawn), weights=True)

    def confirmed_heads(self, kinds: str | Iterable[str] | None = None) -> pd.DataFrame:
        """Say of every head and kind whether it is one, as far as that is known by now.

        Parameters
        ----------
        kinds : str or iterable of str, optional
            Of `hw.kinds`; default: all but those that intervene on every head and have no scores
            yet. Kinds without scores that still hold are scored now.

        Returns
        -------
        DataFrame
            One row a kind and head that could be measured: kind, layer, head, verdict, confirmed:
            whether the verdict is "consistent with", or a proof of this session that still holds
            passed. A candidate is not confirmed.

        Raises
        ------
        InputError
            If a kind is unknown.
        """
        with self._asking("confirmed heads") as snapshot:
            names = self._to_score(kinds)
            scored = pd.concat([_bare(self._scores_of(name)) for name in names])
            seen = ~scored["verdict"].astype(str).str.startswith(NOT_MEASURABLE)
            frame = scored.loc[seen & scored["score"].notna()].reset_index(drop=True)
            proved = {key for key, passed in self.proofs().items() if passed}
            consistent = frame["verdict"].astype(str).str.startswith(CONSISTENT).to_numpy(bool)
            rows = zip(frame["kind"], frame["layer"], frame["head"], strict=True)
            proofs = [(kind, Head(int(a), int(b))) in proved for kind, a, b in rows]
            frame["confirmed"] = consistent | np.array(proofs, bool)
            return self._signed(frame, "confirmed heads", snapshot, ("weights",))

    def _to_score(self, kinds: str | Iterable[str] | None) -> Sequence[str]:
        """Name the kinds that are asked for; score what is lacking together, where it is much."""
        held = {name for frame in self.scores_held().values() for name in set(frame["kind"])}
        if kinds is not None:
            return [kind.name for kind in find_several(kinds)]
        wanted = [one for one in all_kinds() if one.name in held or not intervenes(one)]
        if any(one.name not in held for one in wanted):
            self.scores()
        return [one.name for one in wanted]


def _bare(scores: pd.DataFrame) -> pd.DataFrame:
    """Return what says what a head is, without attributes, which pandas would compare."""
    out = scores[["kind", "layer", "head", "score", "verdict"]].copy()
    out.attrs = {}
    return out
