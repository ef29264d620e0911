"""One head's attention, and all heads as thumbnails.

Synced: what `HeadWidget` says; the pictures belong to the session's model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import traitlets as t

from headwidgets.errors import InputError
from headwidgets.widgets import face, vector
from headwidgets.widgets.arrays import ArrayState
from headwidgets.widgets.base import HeadWidget, refuse_unknown

if TYPE_CHECKING:
    from pandas import DataFrame

_KEYWORDS = ("session", "tokens", "names", "attention", "attention_head_names")


class AttentionView(HeadWidget):
    """The selected head's attention map, and all heads as thumbnails.

    Parameters
    ----------
    session : Session or array
        A session: the view follows its prompt, its edits and its selection. Or attention
        itself, [query, key], [head, query, key] or [layer, head, query, key]: NumPy,
        a tensor of any float dtype, or lists; then there is no model.
    tokens : list of str
        With an array: the token at each position, beginning-of-sequence included.
    names : list of str, optional
        With an array: what to call the heads, layer by layer.
    attention, attention_head_names
        The same as the first and third, by the names that CircuitsVis gives them.

    Raises
    ------
    InputError
        If pattern and tokens do not fit, or neither a session nor a pattern is given.

    Examples
    --------
    >>> import headwidgets as hw
    >>> view = hw.AttentionView([[[1.0, 0.0], [0.3, 0.7]]], ["<bos>", " hi"])
    >>> view.to_frame().shape
    (4, 5)
    """

    view = t.Unicode("attention", read_only=True).tag(sync=True)
    _of: Any = None  # the session, if there is one
    MIRRORED: ClassVar[tuple[str, ...]] = (
        *("thumbs_data", "thumbs", "map_data", "map", "run", "weighting", "over"),
        *("selection", "tokens", "n_prompts"),
        *("model", "names", "corrupted_prompt", "edits", "status", "message", "revision"),
    )

    def __init__(
        self,
        session: Any = None,
        tokens: Any = None,
        names: Any = None,
        *,
        attention: Any = None,
        attention_head_names: Any = None,
        **options: Any,
    ) -> None:
        refuse_unknown(type(self).__name__, options, _KEYWORDS)
        given = session if session is not None else attention
        names = names if names is not None else attention_head_names
        if given is None or (session is not None and attention is not None):
            message = "expected a session, or a pattern and its tokens: hw.AttentionView(s)"
            raise InputError(message)
        self._of = given if hasattr(given, "thumbnails") else None
        if self._of is not None and (tokens is not None or names is not None):
            message = "tokens and names go with an array; a session has its own"
            raise InputError(message)
        state = given.state if self._of is not None else ArrayState(given, tokens, names)
        super().__init__(session=state, **options)
        state.want(self, "map", "thumbs")

    def __repr__(self) -> str:
        """Say what is shown, in a line."""
        return f"<{type(self).__name__}: {face.words(self.session)}>"

    def to_frame(self) -> DataFrame:
        """Return the numbers of the map on screen, exact.

        Returns
        -------
        DataFrame
            One row a pair of positions: query, key, query_token, key_token, weight.
            ``attrs`` name model, head, run, weighting, over and revision. Where the
            first token is left out ("no bos"), so are its rows.
        """
        import pandas as pd

        from headwidgets.widgets.looks import Shown

        state = self.session
        about = {"head": state.selection or "0.0", "run": state.run}
        about |= {"weighting": state.weighting, "over": state.over}
        revision = state.revision
        shown = Shown.of(state if self._of is None else self._of, about)
        values, left_out = shown.whole(), int(state.weighting == "no bos")
        kept = np.arange(left_out, shown.n)
        query, key = np.repeat(np.arange(shown.n), len(kept)), np.tile(kept, shown.n)
        texts = np.asarray(shown.tokens, dtype=object)
        frame = pd.DataFrame({"query": query, "key": key})
        for name, at in {"query_token": query, "key_token": key}.items():
            frame[name] = pd.Series(texts[at], dtype=object)  # half a character is no pandas text
        frame["weight"] = values[:, left_out:].reshape(-1)
        frame.attrs = {"model": state.model.get("name"), **about, "revision": revision}
        return frame

    def _png(self) -> bytes:
        return face.draw(self.session)

    def _picture(self) -> bytes:
        return face.draw(self.session, most=None)

    def _svg(self) -> str:
        return vector.attention(self.session)
