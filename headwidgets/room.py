"""A room that can be called: where a public function has the name of the room it lives in."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


def answers(room: str, home: str) -> None:
    """Let a module be called, as the function of its name in `home`.

    ``headwidgets.methods`` is a package, and ``headwidgets.methods()`` lists the methods: once
    the package is imported its name is taken, so that the package answers itself.

    Parameters
    ----------
    room : str
        The module's full name; its last part is the function's.
    home : str
        The module that holds the function, imported when it is called.
    """
    name = room.rpartition(".")[2]

    class Room(ModuleType):
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return getattr(import_module(home), name)(*args, **kwargs)

    sys.modules[room].__class__ = Room
