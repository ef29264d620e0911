"""Edits as toggles, and what they do: clean, corrupted and edited side by side.

Synced: what `Sweeper` says; off (edits that are switched off, each with its place in the
list) and continued (the last continuation), both set by the browser. Numbers belong to the
session's model: its traits panel and effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import traitlets as t

from headwidgets.errors import InputError
from headwidgets.widgets import panel_face
from headwidgets.widgets.base import refuse_unknown
from headwidgets.widgets.sweeper import Sweeper

if TYPE_CHECKING:
    from pandas import DataFrame


class PatchPanel(Sweeper):
    """The prompts, the edits as toggles, and the three runs side by side.

    Parameters
    ----------
    session : Session
        Edits that are switched on are the session's; prompts typed here are its prompts.

    Attributes
    ----------
    off : list of dict
        Edits that are switched off: ``{"at": place in the list, "edit": {...}}``.
    continued : dict
        The last continuation: ``revision``, ``clean`` and ``edited`` texts.
    swept : DataFrame or None
        The last sweep that was run here.

    Raises
    ------
    InputError
        If `session` is none.

    Examples
    --------
    >>> import headwidgets as hw
    >>> s = hw.Session()
    >>> hw.PatchPanel(s).to_frame().columns[:5].tolist()
    ['token', 'clean', 'corrupted', 'edited', 'change']
    """

    view = t.Unicode("panel", read_only=True).tag(sync=True)
    off = t.List(t.Dict()).tag(sync=True)
    continued = t.Dict().tag(sync=True)
    BUNDLES: ClassVar[tuple[str, ...]] = ("tools",)
    BROWSER_S: ClassVar[tuple[str, ...]] = ("off", "continued")
    MIRRORED: ClassVar[tuple[str, ...]] = (
        *("panel", "effect", "prompt", "corrupted_prompt", "index", "n_prompts"),
        *("edits", "edit_kind", "selection", "tokens", "metric"),
        *("model", "status", "message", "progress", "revision"),
    )

    def __init__(self, session: Any = None, **options: Any) -> None:
        refuse_unknown(type(self).__name__, options, ("session",))
        if not hasattr(session, "compare"):
            message = f"expected a session: hw.PatchPanel(s), got {type(session).__name__}"
            raise InputError(message)
        self._of = session
        super().__init__(session=session.state, **options)
        session.state.want(self, "panel", "effect")

    def __repr__(self) -> str:
        """Say what is shown, in a line."""
        return f"<{type(self).__name__}: {panel_face.words(self.session)}>"

    def to_frame(self) -> DataFrame:
        """Return the top tokens of the three runs; see `Session.compare`."""
        frame: DataFrame = self._of.compare()
        return frame

    def _png(self) -> bytes:
        return panel_face.draw(self.session)
