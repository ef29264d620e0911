"""What views look at: a model in the browser that they share, with the code that draws them.

Synced to the browser only: what `bundles` and `carried` say. Requests come
over its comm, and for a view that cannot reach it over the view's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import anywidget

from headwidgets.home import HomeLoop
from headwidgets.widgets.bundles import BundleTraits, bundle
from headwidgets.widgets.carried import CarriedTraits
from headwidgets.widgets.dispatch import Dispatcher

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headwidgets.widgets.dispatch import Carry, Handler, Send


class LookedAt(BundleTraits, CarriedTraits, anywidget.AnyWidget):
    """A model that a `HeadWidget` looks at: a session's, or one of arrays or of a table."""

    _esm = bundle("session")
    OF_ONE_VIEW: ClassVar[bool] = True  # made for it, and closed with it

    def __init__(self) -> None:
        self._requests = self.dispatcher(self.send, self._carry)
        super().__init__()
        self.on_msg(lambda _widget, content, _buffers: self._requests.receive(content))

    def dispatcher(self, send: Send, carry: Carry | None = None) -> Dispatcher:
        """Return who answers the requests that come over a comm, by `send` on that comm."""
        return Dispatcher(self._serving(), send, HomeLoop(), carry=carry)

    def _serving(self) -> Mapping[str, Handler]:
        """Return the requests that can be answered."""
        return {}

    def need_code(self, *names: str) -> None:
        """Hold these of the further `bundles` from now on."""
        for name in names:
            if not getattr(self, name):
                self.set_trait(name, bundle(name))

    def met(self, view: Any) -> None:
        """Note a view that looks here."""

    def want(self, viewer: object, *names: str) -> None:
        """Hold the pictures that `viewer` shows; nothing to do where all are held anyway."""

    def leave(self, viewer: object) -> frozenset[str]:  # noqa: ARG002 - for those who hold some
        """Hold them for the others only; return those that `viewer` wanted."""
        return frozenset()
