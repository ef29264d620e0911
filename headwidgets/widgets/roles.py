"""What a session has measured of its heads: of each kind the latest score, and the proofs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from headwidgets.taxonomy.frame import COLUMNS
from headwidgets.taxonomy.registry import all_kinds
from headwidgets.widgets.roles_table import pack, plain

if TYPE_CHECKING:
    from headwidgets.widgets.pictures import Picture


@dataclass(frozen=True)
class Role:
    """One kind's score of every head.

    Attributes
    ----------
    frame : DataFrame
        One row a head, in the order of layers.
    attrs : dict
        What it was measured on.
    stale : bool
        Whether something that it depends on has changed since.
    """

    frame: pd.DataFrame
    attrs: dict[str, Any]
    stale: bool


class Roles:
    """The latest scores of a session, whoever asked for them: a cell, a grid, this view.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        self._seen: dict[str, pd.DataFrame] = {}
        self._latest: dict[str, tuple[str, pd.DataFrame]] = {}  # kind -> name, its rows
        self._shown: object = None

    def news(self) -> Picture | None:
        """Return what is known by now, if it is another than at the last call."""
        frames = dict(self._session.frames)
        for name in sorted(frames, key=lambda name: int(frames[name].attrs.get("revision", 0))):
            if self._seen.get(name) is not frames[name]:
                self._take(name, frames[name])
        stale = {name: bool(self._session.is_stale(frame)) for name, frame in self._seen.items()}
        shown = {name: (id(frame), stale[name]) for name, frame in self._seen.items()}
        if shown == self._shown:
            return None
        self._shown = shown
        facts = self._session.facts
        return pack(self._roles(stale), (facts.n_layers, facts.n_heads), self._proofs(stale))

    def to_frame(self) -> pd.DataFrame:
        """Return every row that was measured, kind by kind."""
        self.news()
        tables = [role.frame for role in self._roles({}).values()]
        if not tables:
            return pd.DataFrame(columns=list(COLUMNS))
        return pd.concat(tables, ignore_index=True)

    def _take(self, name: str, frame: pd.DataFrame) -> None:
        if "consistent" not in frame.attrs and "proof" not in frame.attrs:
            return
        self._seen[name] = frame
        if "proof" in frame.attrs:
            return
        for kind, rows in frame.groupby("kind", sort=False):
            bare = rows.reset_index(drop=True)
            bare.attrs = {}
            self._latest[str(kind)] = name, bare

    def _roles(self, stale: dict[str, bool]) -> dict[str, Role]:
        """Return the latest of each kind, in the order of the taxonomy."""
        out = {}
        for one in all_kinds():
            if one.name in self._latest:
                name, frame = self._latest[one.name]
                attrs = self._seen[name].attrs
                attrs = attrs.get("kinds", {}).get(one.name, attrs)
                out[one.name] = Role(frame, attrs, stale.get(name, False))
        return out

    def _proofs(self, stale: dict[str, bool]) -> list[dict[str, Any]]:
        """Return what was tried to be confirmed, as plain values."""
        out = []
        for name, frame in self._seen.items():
            if "proof" not in frame.attrs:
                continue
            kind, head, passed = frame.attrs["proof"]
            row = frame.iloc[0]
            numbers = {"share": plain(row["share"]), "p": plain(row["p"]), "n": int(row["n"])}
            words = {"kind": str(kind), "head": str(head), "reason": str(row["reason"])}
            out.append({**words, **numbers, "passed": bool(passed), "stale": stale[name]})
        return out
