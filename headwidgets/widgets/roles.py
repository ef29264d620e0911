"""What a session has measured of its heads: of each kind the latest score, and the proofs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from headwidgets.heads import Head
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
        self._known: dict[str, dict[str, pd.DataFrame]] = {}  # kind -> name -> its rows
        self._shown: object = None

    def news(self) -> Picture | None:
        """Return what is known by now, if it is another than at the last call."""
        frames = dict(self._session.frames)
        for name in sorted(frames, key=lambda name: int(frames[name].attrs.get("revision", 0))):
            if self._seen.get(name) is not frames[name]:
                self._take(name, frames[name])
        stale = self._stale()
        shown = {name: (id(frame), stale[name]) for name, frame in self._seen.items()}
        if shown == self._shown:
            return None
        self._shown = shown
        facts = self._session.facts
        return pack(self._roles(stale), (facts.n_layers, facts.n_heads), self._proofs(stale))

    def to_frame(self) -> pd.DataFrame:
        """Return every row that was measured, kind by kind."""
        self.news()
        tables = [role.frame for role in self._roles(self._stale()).values()]
        if not tables:
            return pd.DataFrame(columns=list(COLUMNS))
        return pd.concat(tables, ignore_index=True)

    def _stale(self) -> dict[str, bool]:
        """Return of each frame whether it no longer holds."""
        return {name: bool(self._session.is_stale(frame)) for name, frame in self._seen.items()}

    def _take(self, name: str, frame: pd.DataFrame) -> None:
        if "consistent" not in frame.attrs and "proof" not in frame.attrs:
            return
        self._seen[name] = frame
        if "proof" in frame.attrs:
            return
        for kind, rows in frame.groupby("kind", sort=False):
            bare = rows.reset_index(drop=True)
            bare.attrs = {}
            known = self._known.setdefault(str(kind), {})
            known.pop(name, None)  # so that the latest is last
            known[name] = bare

    def _roles(self, stale: dict[str, bool]) -> dict[str, Role]:
        """Return of each kind the latest that holds, else the latest; as the taxonomy has them."""
        out = {}
        for one in all_kinds():
            known = self._known.get(one.name)
            if not known:
                continue
            name = [*known][-1]
            name = next((held for held in reversed(known) if not stale[held]), name)
            attrs = self._seen[name].attrs
            attrs = attrs.get("kinds", {}).get(one.name, attrs)
            out[one.name] = Role(known[name], attrs, stale[name])
        return out

    def _proofs(self, stale: dict[str, bool]) -> list[dict[str, Any]]:
        """Return what was tried to be confirmed, as plain values.

        Of several tries of one head the weakest that still holds. p of those is corrected for
        how many there are; a proof that no longer holds has the p that it had alone.
        """
        tried, passed = self._session.proofs_tried()["p_corrected"], self._session.proofs()
        out: dict[tuple[str, Head], dict[str, Any]] = {}
        for name, frame in self._seen.items():
            if "proof" not in frame.attrs:
                continue
            row = frame.iloc[0]
            key = str(row["kind"]), Head(int(row["layer"]), int(row["head"]))
            holds = name in tried.index
            proof = {
                "kind": key[0],
                "head": str(key[1]),
                "reason": str(row["reason"]),
                "share": plain(row["share"]),
                "n": int(row["n"]),
                "stale": stale[name],
                "p": plain(tried[name] if holds else row["p"]),
                "passed": bool(passed[key] if holds else row["passed"]),
            }
            if key not in out or _strength(proof) < _strength(out[key]):
                out[key] = proof
        return list(out.values())


def _strength(proof: dict[str, Any]) -> tuple[bool, bool, float]:
    """Order the tries of one proof: those that hold first, then the weakest."""
    p = proof["p"]
    return proof["stale"], proof["passed"], -1.0 if p is None else -p
