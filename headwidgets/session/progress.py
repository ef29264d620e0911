"""A progress bar for whoever calls from code: it appears only when a wait gets long."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType

_PATIENCE = 0.7  # seconds before a bar appears


class Bar:
    """Called as ``bar(done, total, label)``; a tqdm bar from the first long wait on."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._began = time.monotonic()
        self._bar: Any = None

    def __enter__(self) -> Self:
        """Start counting time."""
        return self

    def __call__(self, done: int, total: int, label: str) -> None:
        """Show how far it is."""
        if self._bar is None:
            if time.monotonic() - self._began < _PATIENCE:
                return
            from tqdm.auto import tqdm

            self._bar = tqdm(total=total, bar_format="{desc} {bar} {n}/{total}", leave=False)
        self._bar.set_description_str(label or self._label, refresh=False)
        self._bar.total, self._bar.n = total, done
        self._bar.refresh()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        if self._bar is not None:
            if kind is None:
                self._bar.n = self._bar.total  # a notebook's bar turns red and stays otherwise
            self._bar.close()
