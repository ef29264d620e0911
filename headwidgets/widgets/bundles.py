"""The code of the views, as a model of theirs carries it.

Synced to the browser only: tools, taxonomy, succession and emergence, the further bundles, each
empty until a view needs it. The first one, with the attention view, is the model's own ``_esm``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import traitlets as t

STATIC = Path(__file__).parent.parent / "static"
FURTHER = ("tools", "taxonomy", "succession", "emergence")
"""The further bundles: each is a trait of this name."""


@cache
def bundle(name: str) -> str:
    """Return the text of a bundle.

    The text, not the path: a path makes anywidget keep every instance alive for reloads.
    """
    return (STATIC / f"{name}.js").read_text(encoding="utf-8")


class BundleTraits(t.HasTraits):
    """The further bundles, in a model whose views may come from there."""

    tools = t.Unicode("", read_only=True).tag(sync=True, echo_update=False)
    taxonomy = t.Unicode("", read_only=True).tag(sync=True, echo_update=False)
    succession = t.Unicode("", read_only=True).tag(sync=True, echo_update=False)
    emergence = t.Unicode("", read_only=True).tag(sync=True, echo_update=False)
