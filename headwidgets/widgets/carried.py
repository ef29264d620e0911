"""A trait that carries the buffers of an answer, for hosts whose custom messages have none.

Synced to the browser only: carried, ``{"id": request, "buffers": [bytes, ...]}``, the last
answer that was asked for by this way (see `envelope`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import traitlets as t

if TYPE_CHECKING:
    from collections.abc import Sequence


class CarriedTraits(t.HasTraits):
    """What a widget needs whose comm takes requests."""

    carried = t.Dict(read_only=True).tag(sync=True, echo_update=False)

    def _carry(self, request: str, buffers: Sequence[bytes]) -> None:
        """Hold the buffers that answer `request`."""
        self.set_trait("carried", {"id": request, "buffers": list(buffers)})
