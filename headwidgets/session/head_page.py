"""One page of a head: what it is, what its weights pair, where it looks, what its edits do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headwidgets.errors import InputError
from headwidgets.taxonomy.verdict import CANDIDATE, CONSISTENT

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from headwidgets.heads import Head

PARTS = ("roles", "ov", "qk", "offsets", "contexts", "effects")
_SHOWN = 3


@dataclass(frozen=True, eq=False, repr=False)
class HeadPage:
    """What is known of one head; made by `Session.head`, shown in a notebook as a page.

    Every part is a frame; an empty one has the reason in ``attrs["why"]``.

    Attributes
    ----------
    head : Head
    roles : DataFrame
        One row a kind that has a score: see `headwidgets.session.head_roles.roles`.
    ov : DataFrame
        Tokens seen and the outputs that they raise and lower: see
        `headwidgets.taxonomy.token_pairs.ov_pairs`.
    qk : DataFrame
        Query tokens and the keys that they prefer: see
        `headwidgets.taxonomy.token_pairs.qk_pairs`.
    offsets : DataFrame
        Mean attention to BOS and to the token 0, 1, 2 … back: see
        `headwidgets.methods.look_tables.offsets_table`.
    contexts : DataFrame
        The strongest looks with the words around them: see
        `headwidgets.methods.look_tables.contexts_table`.
    effects : DataFrame
        What zero, mean and resample of this head alone do to the metric: see
        `headwidgets.methods.head_edits.head_edits`.
    attrs : dict
        model, numerics and revision that it belongs to; measured_on, what offsets and contexts
        are of; notes, what would make the page say more. ``s.is_stale(page)`` asks whether it
        still holds.
    """

    head: Head
    roles: pd.DataFrame
    ov: pd.DataFrame
    qk: pd.DataFrame
    offsets: pd.DataFrame
    contexts: pd.DataFrame
    effects: pd.DataFrame
    attrs: dict[str, Any] = field(default_factory=dict)

    def to_frame(self, part: str = "roles") -> pd.DataFrame:
        """Return a copy of one part.

        Parameters
        ----------
        part : {"roles", "ov", "qk", "offsets", "contexts", "effects"}

        Raises
        ------
        InputError
            If there is no such part.
        """
        if part not in PARTS:
            message = f"expected a part {', '.join(map(repr, PARTS))}, got {part!r:.80}"
            raise InputError(message)
        found: pd.DataFrame = getattr(self, part).copy()
        return found

    def save(self, path: str | Path) -> Path:
        """Write the page as one ``.html`` file that needs no network.

        Raises
        ------
        InputError
            If the suffix is another, or there is no such folder.
        """
        from headwidgets.widgets.head_page import save

        return save(self, path)

    def _repr_html_(self) -> str:
        from headwidgets.widgets.head_page import html_of

        return html_of(self)

    def __repr__(self) -> str:
        """Say the page in a few lines."""
        said = {
            "roles": self._said_roles(),
            "OV": self._said_pairs(self.ov),
            "QK": self._said_pairs(self.qk),
            "looks": self._said_looks(),
            "edits": self._said_effects(),
        }
        lines = [f"  {name:6} {words}" for name, words in said.items()]
        return (
            "\n".join([f"<HeadPage {self.head} of {self.attrs.get('model', '?')!r}", *lines]) + ">"
        )

    def _said_roles(self) -> str:
        words = [
            f"{verdict}{'' if verdict == CONSISTENT else ':'} {', '.join(kinds[:_SHOWN])}"
            for verdict in (CONSISTENT, CANDIDATE)
            if (kinds := list(self.roles.loc[self.roles["verdict"] == verdict, "kind"]))
        ]
        return "; ".join(words) or f"none of {len(self.roles)} kinds"

    @staticmethod
    def _said_pairs(frame: pd.DataFrame) -> str:
        if not len(frame):
            return str(frame.attrs.get("why", "nothing"))
        first, second = frame.columns[1], frame.columns[3]
        top = frame.drop_duplicates(frame.columns[0])[:_SHOWN]
        return ", ".join(f"{row[first]!r} → {row[second]!r}" for _, row in top.iterrows())

    def _said_looks(self) -> str:
        if not len(self.offsets):
            return str(self.offsets.attrs.get("why", "nothing"))
        mass = self.offsets["attention"] * self.offsets["n"]
        top = self.offsets.loc[mass.sort_values(ascending=False).index[:_SHOWN]]
        return ", ".join(f"{row['to']} {row['attention']:.2f}" for _, row in top.iterrows())

    def _said_effects(self) -> str:
        there = self.effects[self.effects["n"] > 0]
        said = ", ".join(f"{row['edit']} {row['effect']:+.3g}" for _, row in there.iterrows())
        return f"{said} ({self.effects.attrs.get('metric', '')})" if said else "none could be made"
