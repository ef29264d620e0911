"""The kinds of head and what was found of them, as traits of a session's state.

Synced to the browser only, empty until a view needs them, held once for all views: kinds (the
cards, with their formulas as MathML), roles and roles_data (see `roles_table`), together (walks
and who hands over to whom, see `together`), and what others published (see `published`).
"""

from __future__ import annotations

import json
import threading
from functools import cache
from importlib.resources import files
from typing import Any

import traitlets as t

from headwidgets.taxonomy.registry import all_kinds
from headwidgets.widgets import published
from headwidgets.widgets.roles import Roles
from headwidgets.widgets.together import pack_all

NAMES = ("kinds", "roles", "roles_data", "together", published.NAME)


class RolesTraits(published.PublishedTraits):
    """What a session's state needs for the views of the taxonomy."""

    kinds = t.List(t.Dict(), read_only=True).tag(sync=True, echo_update=False)
    roles = t.Dict(read_only=True).tag(sync=True, echo_update=False)
    roles_data = t.Bytes(b"", read_only=True).tag(sync=True, echo_update=False)
    together = t.Dict(read_only=True).tag(sync=True, echo_update=False)

    _session: Any
    _found: Roles | None = None
    _writing: Any = None

    def need_kinds(self) -> None:
        """Hold the cards and what was found from now on."""
        if self._found is None:
            self._writing = threading.RLock()
            self._found = Roles(self._session)
            self.set_trait("kinds", cards())
        self.follow_kinds()

    def follow_kinds(self) -> None:
        """Bring what was found up to date, if anybody has asked for it."""
        if self._found is None:
            return
        with self._writing:
            news = self._found.news()
            if news is not None:
                with self.hold_sync():  # type: ignore[attr-defined] # of the widget this is mixed into
                    self.set_trait("roles_data", news.data)
                    self.set_trait("roles", news.header)
            self.set_trait("together", pack_all(self._session))


def cards() -> list[dict[str, Any]]:
    """Return every kind's card as plain values, with its formula as MathML."""
    made = formulas()
    return [
        {**one.card(), "traps": list(one.traps), "math": made.get(one.name, "")}
        for one in all_kinds()
    ]


@cache
def formulas() -> dict[str, str]:
    """Read the formulas as MathML, by the kind's name; scripts/kinds_docs.py writes them."""
    path = files("headwidgets.taxonomy") / "formulas.json"
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return found
