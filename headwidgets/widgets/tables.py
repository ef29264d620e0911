"""What a grid looks at where there is no session: how many heads, which one is selected."""

from __future__ import annotations

from typing import Any

import traitlets as t

from headwidgets.errors import HeadwidgetsError
from headwidgets.heads import Head
from headwidgets.widgets.envelope import reason
from headwidgets.widgets.looked_at import LookedAt
from headwidgets.widgets.published import PublishedTraits


class TableState(PublishedTraits, LookedAt):
    """The model of a grid over a frame; the traits are those of a session's that it reads."""

    selection = t.Unicode("").tag(sync=True)
    model = t.Dict(read_only=True).tag(sync=True, echo_update=False)
    edits = t.List(t.Dict(), read_only=True).tag(sync=True)
    tokens = t.List(t.Unicode(), read_only=True).tag(sync=True)
    status = t.Unicode("ready", read_only=True).tag(sync=True)
    message = t.Unicode("", read_only=True).tag(sync=True)
    progress = t.Float(0.0, read_only=True).tag(sync=True)
    index = t.Int(0, read_only=True).tag(sync=True)
    n_prompts = t.Int(0, read_only=True).tag(sync=True)
    revision = t.Int(1, read_only=True).tag(sync=True)

    def __init__(self, n_layers: int, n_heads: int, name: str = "table") -> None:
        self._shape = n_layers, n_heads
        self.set_trait("model", {"name": name, "n_layers": n_layers, "n_heads": n_heads})
        super().__init__()

    @t.validate("selection")
    def _check(self, proposal: t.Bunch) -> str:
        return self._read(proposal.value)

    def _read(self, head: object) -> str:
        return "" if head == "" else str(Head.parse(head).within(*self._shape))

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what came from the browser; put back what cannot be."""
        for name, value in sync_data.items():
            if name in ("selection", "layout"):
                try:
                    super().set_state({name: self._read(value) if name == "selection" else value})
                    continue
                except (HeadwidgetsError, t.TraitError) as error:
                    self.set_trait("message", reason(error))
            if name in self.keys:
                self.send_state([name])
