"""One head described: everything that the session can say of it, on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from headwidgets.errors import InputError, ModelError, NotMeasurable
from headwidgets.heads import Head
from headwidgets.methods.head_edits import head_edits
from headwidgets.methods.look_tables import CONTEXTS, OFFSETS, contexts_table, offsets_table
from headwidgets.methods.looks import look
from headwidgets.methods.options import read_seed, refuse_unknown
from headwidgets.methods.tiles import tiles
from headwidgets.session.featured import Featured
from headwidgets.session.head_page import HeadPage
from headwidgets.session.head_roles import roles
from headwidgets.session.reading import read_texts
from headwidgets.taxonomy import token_pairs as pairs
from headwidgets.whole import whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headwidgets.methods.snapshot import Ids, Snapshot

LISTED, TOKENS = 10, 5000
_OF_EFFECTS = ("prompts", "metric", "reference", "weights")


class Describing(Featured):
    """A page of a head."""

    def head(
        self,
        head: object,
        text: object = None,
        *,
        k: int = LISTED,
        tokens: int | None = TOKENS,
        seed: int = 0,
        **unknown: Any,
    ) -> HeadPage:
        """Describe one head on a page: its roles, its circuits, where it looks, what its edits do.

        The session's own edits are put aside, and its state stays as it is. Where it has no
        scores of every kind that still hold, they are measured first, as by ``s.scores()``.

        Parameters
        ----------
        head : str, tuple or Head
            ``"4.11"``, ``(4, 11)``, ``"L4H11"``.
        text : str, token ids, list of them, or prompts, optional
            What its attention is read on; default: the session's clean prompts. A text longer
            than the model's context is read in parts that overlap by half.
        k : int
            How many tokens of each circuit, and how many contexts, to list.
        tokens : int or None
            How many tokens the circuits are asked about, whole words first; None: all.
        seed : int
            Of the resample edit.

        Returns
        -------
        HeadPage
            Frames roles, ov, qk, offsets, contexts, effects; where one is empty,
            ``attrs["why"]`` says why.

        Raises
        ------
        InputError
            If there is no such head or option, or the text cannot be read.
        """
        which = Head.parse(head).within(self.facts.n_layers, self.facts.n_heads)
        refuse_unknown("head", unknown, "text, k, tokens, seed")
        k, seed = _count("k", k), read_seed(seed)
        most = None if tokens is None else _count("tokens", tokens)
        texts = None if text is None else read_texts(self.engine, text)
        with self._asking(f"head {which}") as snapshot:
            rows = [pair.clean for pair in snapshot.pairs] if texts is None else texts
            own = ("prompts",) * (texts is None)
            parts = self._looks(which, rows, k) | self._circuits(which, k, most)
            for name, frame in parts.items():
                read = own if name in ("offsets", "contexts") else ()
                self._sign(frame.attrs, snapshot, (*read, "weights"))
            effects = self._effects(snapshot, which, seed)
            found = roles(self, which)
            self._sign(found.attrs, snapshot, ("weights",))
            about: dict[str, Any] = {"measured_on": _words(rows, own=texts is None)}
            about["edits"] = [str(edit) for edit in snapshot.edits]
            self._sign(about, snapshot, _OF_EFFECTS)
            return HeadPage(which, roles=found, **parts, effects=effects, attrs=about)

    def _looks(self, head: Head, texts: Sequence[Ids], k: int) -> dict[str, pd.DataFrame]:
        """Return where it looks, by offset and look by look."""
        room, bos = self.facts.n_ctx, self.engine.text.bos_id
        rows = [tile for i, ids in enumerate(texts) for tile in tiles(ids, room, bos, i)]
        try:
            seen = look(self.engine, head, rows, k)
        except (ModelError, NotMeasurable) as error:
            return {"offsets": _nothing(OFFSETS, error), "contexts": _nothing(CONTEXTS, error)}
        found = contexts_table(self.engine.text, seen.looks)
        found.attrs["parts"] = len(rows)
        return {"offsets": offsets_table(seen), "contexts": found}

    def _circuits(self, head: Head, k: int, most: int | None) -> dict[str, pd.DataFrame]:
        """Return the pairs of its OV and of its QK circuit."""
        ids = pairs.common_tokens(self.engine, most)
        ov = _or_why(pairs.OV_COLUMNS, lambda: pairs.ov_pairs(self.engine, head, ids, k))
        qk = _or_why(pairs.QK_COLUMNS, lambda: pairs.qk_pairs(self.engine, head, ids, k))
        return {"ov": ov, "qk": qk}

    def _effects(self, snapshot: Snapshot, head: Head, seed: int) -> pd.DataFrame:
        """Return what its edits do, and what is missing to know it better."""
        frame = head_edits(self.engine, snapshot, head, seed=seed)
        notes = []
        if snapshot.metric is None and snapshot.answers is None:
            notes.append(
                "no metric is set, so it is the clean run's first token against its second: set "
                "s.metric, or prompts with answers"
            )
        if len(snapshot.pairs) == 1:
            notes.append("one prompt gives no interval: set s.prompts, such as hw.task('ioi')")
        frame.attrs["notes"] = notes
        self._sign(frame.attrs, snapshot, _OF_EFFECTS)
        return frame


def _or_why(columns: tuple[str, ...], find: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """Return a table, or an empty one that says why there is none."""
    try:
        return find()
    except NotMeasurable as error:
        return _nothing(columns, error)


def _nothing(columns: tuple[str, ...], why: Exception) -> pd.DataFrame:
    frame = pd.DataFrame(columns=list(columns))
    frame.attrs["why"] = str(why)
    return frame


def _count(name: str, value: object) -> int:
    found = whole(value)
    if found is None or found < 1:
        message = f"expected {name}= as a whole number from 1, got {value!r:.80}"
        raise InputError(message)
    return found


def _words(rows: Sequence[Ids], *, own: bool) -> str:
    """Say what attention was read on."""
    n = sum(map(len, rows))
    several = f"{len(rows)} {'prompts' if own else 'texts'}" if len(rows) > 1 else ""
    one = "prompt" if own else "text"
    return f"your {several or one}, {n:,} tokens"
