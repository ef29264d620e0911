"""A store of results that is bounded in bytes: the least recently used goes first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable

MEGABYTE = 1 << 20


class ByteCache:
    """Results by key, at most `limit` bytes of them.

    Parameters
    ----------
    limit : int
        Bytes. What is larger than a half of it is not kept at all.
    """

    def __init__(self, limit: int = 256 * MEGABYTE) -> None:
        self.limit = limit
        self.held = 0
        self._items: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Any | None:
        """Return what is kept under `key`, or None."""
        with self._lock:
            if key not in self._items:
                return None
            self._items.move_to_end(key)
            return self._items[key][0]

    def put(self, key: Hashable, value: Any, size: int) -> None:
        """Keep `value`, which takes `size` bytes, and let the oldest go."""
        if 2 * size > self.limit:
            return
        with self._lock:
            self.held += size - (self._items.pop(key)[1] if key in self._items else 0)
            self._items[key] = (value, size)
            while self.held > self.limit:
                _, (_, freed) = self._items.popitem(last=False)
                self.held -= freed

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._items.clear()
            self.held = 0
