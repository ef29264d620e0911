"""When what changed: values that are replaced as a whole, and those who are told of it.

Any thread may change them, also while numbers are being computed: whoever computes works on
a `Snapshot`.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headwidgets.errors import InputError
from headwidgets.session.values import ASPECTS, SEEN_ONLY

if TYPE_CHECKING:
    from headwidgets.session.values import Values

Listener = Callable[[frozenset[str]], None]


class Changes:
    """Values under a lock, a revision that counts their changes, and listeners.

    Parameters
    ----------
    values : Values
    """

    def __init__(self, values: Values) -> None:
        self._guard = threading.RLock()
        self._listeners: list[Listener] = []
        self._untold: list[frozenset[str]] = []
        self.revision = 1
        self._changed_at = dict.fromkeys(ASPECTS, 1)
        self._values = values

    def subscribe(self, callback: Listener) -> Callable[[], None]:
        """Call `callback` with the names of what changed, after each change.

        It runs on the thread that made the change. Returns a function that ends it.
        """
        if not callable(callback):
            message = f"expected a function of the names that changed, got {callback!r:.80}"
            raise InputError(message)
        self._listeners.append(callback)

        def end() -> None:
            if callback in self._listeners:
                self._listeners.remove(callback)

        return end

    def changed_since(self, revision: int, aspects: Iterable[str]) -> list[str]:
        """Return which of `aspects` changed after `revision`."""
        return [name for name in aspects if self._changed_at[name] > revision]

    @contextlib.contextmanager
    def _changing(self) -> Iterator[Values]:
        """Hold the state; those who listen are told when it is let go, for they may be slow."""
        with self._guard:
            yield self._values
            told, self._untold = self._untold, []
            listeners = list(self._listeners)
        failed: Exception | None = None
        for aspects in told:
            for listener in listeners:
                try:
                    listener(aspects)
                except Exception as error:  # noqa: BLE001 - the others are told all the same
                    failed = failed or error
        if failed is not None:
            raise failed

    def _tell(self, *aspects: str) -> None:
        """Tell those who listen of what is no state: the revision stays."""
        with self._changing():
            self._untold.append(frozenset(aspects))

    def _set(self, *aspects: str, **values: Any) -> None:
        """Change the state inside of `_changing`, if it differs."""
        same = all(getattr(self._values, name) == value for name, value in values.items())
        if same and "weights" not in aspects:
            return
        self._values = replace(self._values, **values)
        if set(aspects) - SEEN_ONLY:
            self.revision += 1
        self._changed_at |= dict.fromkeys(aspects, self.revision)
        self._untold.append(frozenset(aspects))
