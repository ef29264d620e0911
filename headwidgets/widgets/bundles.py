"""The code of the views, as a model of theirs carries it.

Synced to the browser only: tools, the second bundle, empty until a view needs it. The
first one, with the attention view, is the model's own ``_esm``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import traitlets as t

STATIC = Path(__file__).parent.parent / "static"


@cache
def bundle(name: str) -> str:
    """Return the text of a bundle.

    The text, not the path: a path makes anywidget keep every instance alive for reloads.
    """
    return (STATIC / f"{name}.js").read_text(encoding="utf-8")


class BundleTraits(t.HasTraits):
    """What a model needs whose views may come from the second bundle."""

    tools = t.Unicode("", read_only=True).tag(sync=True, echo_update=False)

    def need_tools(self) -> None:
        """Hold the second bundle from now on."""
        if not self.tools:
            self.set_trait("tools", bundle("tools"))
