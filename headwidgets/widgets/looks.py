"""How a session's attention is painted: the selected head's map and all heads' thumbnails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headwidgets.errors import InputError
from headwidgets.widgets.painter import Product, View
from headwidgets.widgets.pictures import Picture, difference, pack_thumbs, pack_windows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from headwidgets.widgets.protocol import SessionLike

Span = tuple[int, int]


def _about(session: SessionLike, view: View) -> dict[str, Any]:
    """Say what the thumbnails belong to; the revision is read first, so it is never too new."""
    weighting = "no bos" if view.weighting == "no bos" else "raw"
    return {
        "revision": session.revision,
        "run": view.run,
        "weighting": weighting,
        "over": view.over,
    }


def _about_map(session: SessionLike, view: View) -> dict[str, Any]:
    about = {**_about(session, view), "head": shown_head(session)}
    return {**about, "weighting": view.weighting}


def _map(session: SessionLike, _view: View, about: dict[str, Any]) -> Picture:
    shown = Shown.of(session, about)
    return pack_windows(shown.read, shown.n, **about, **shown.more)


def _thumbs(session: SessionLike, _view: View, about: dict[str, Any]) -> Picture:
    run = about["run"]
    options = {"bos": about["weighting"] != "no bos", "over": about["over"]}
    if run != "difference":
        return pack_thumbs(session.thumbnails(run, **options), **about)
    after, before = (session.thumbnails(one, **options) for one in compared(session))
    return pack_thumbs(difference(after, before), signed=True, **about)


MAP = Product(_about_map, _map)
THUMBS = Product(_about, _thumbs)


def shown_head(session: SessionLike) -> str:
    """Return the selected head, or the first where none is selected."""
    return str(session.selection or "0.0")


def compared(session: SessionLike) -> tuple[str, str]:
    """Return the two runs whose difference is shown: (minuend, subtrahend)."""
    if session.edits:
        base = "corrupted" if any(edit.into == "corrupted" for edit in session.edits) else "clean"
        pair = "edited", base
    elif session.corrupted_prompt is not None:
        pair = "corrupted", "clean"
    else:
        message = "nothing to compare: there are no edits and there is no corrupted prompt"
        raise InputError(message)
    lengths = [len(session.tokens_of(run)) for run in pair]
    if lengths[0] != lengths[1]:
        message = f"cannot subtract {lengths[0]} and {lengths[1]} tokens"
        raise InputError(message)
    return pair


@dataclass(frozen=True)
class Shown:
    """One head's values as they are looked at, to be read window by window.

    Attributes
    ----------
    n : int
        Tokens along one axis.
    tokens : list of str
    more : dict
        What is to be said of the numbers: see `PictureTraits`.
    """

    session: SessionLike
    head: str
    runs: tuple[str, ...]
    weighting: str
    over: str
    n: int
    tokens: list[str]
    more: dict[str, Any]

    @classmethod
    def of(cls, session: SessionLike, about: dict[str, Any]) -> Shown:
        """Read head, run, weighting and over; a run may be "difference"."""
        run, over = about["run"], about["over"]
        runs = compared(session) if run == "difference" else (run,)
        more: dict[str, Any] = {"signed": run == "difference"}
        if len(runs) > 1:
            more["of"] = " − ".join(runs)
        tokens = list(session.tokens_of(runs[0]))
        no_mean, n_prompts = _set(session, runs)
        if over == "set":
            more["prompts"] = n_prompts
            tokens = tokens if no_mean else shared_tokens(session, runs[0])
        if no_mean:
            more["no_mean"] = no_mean
        if tokens != list(session.tokens):
            more["tokens"] = tokens
        return cls(
            session, about["head"], runs, about["weighting"], over, len(tokens), tokens, more
        )

    def read(self, queries: Span, keys: Span) -> NDArray[np.float32]:
        """Return a window, float32 [query, key]."""
        how: dict[str, Any] = {"weighting": self.weighting, "over": self.over}
        windows = [
            self.session.attention(self.head, run, queries=queries, keys=keys, **how)
            for run in self.runs
        ]
        return windows[0] if len(windows) == 1 else windows[0] - windows[1]

    def whole(self) -> NDArray[np.float32]:
        """Return every value, float32 [query, key]."""
        return self.read((0, self.n), (0, self.n))


def shared_tokens(session: SessionLike, run: str) -> list[str]:
    """Return a label a position of the set: the token, the role or the number that all share."""
    snapshot = session.snapshot()
    base = snapshot.base if run == "edited" else run
    rows = [pair.ids(base) for pair in snapshot.pairs]
    roles = [{place: role for role, place in pair.roles.items()} for pair in snapshot.pairs]
    out = []
    for i, token in enumerate(session.tokens_of(run)):
        if all(row[i] == rows[0][i] for row in rows):
            out.append(token)
        else:
            named = {role.get(i) for role in roles}
            name = named.pop() if len(named) == 1 else None
            out.append(f"[{i if name is None else name}]")
    return out


def _set(session: SessionLike, runs: tuple[str, ...]) -> tuple[str, int]:
    """Say why there is no mean of these runs over the set, if so, and how many prompts it has."""
    if len(session.prompts) == 1:
        return "the set has one prompt", 1
    from headwidgets.methods.averages import why_no_mean  # loads torch

    snapshot = session.snapshot()
    reasons = (why_no_mean(snapshot, run) for run in runs)
    return next(filter(None, reasons), ""), len(snapshot.pairs)
