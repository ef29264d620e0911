"""How heads are discovered: edits, metrics, effects, sweeps, paths, circuits.

Called, as ``headwidgets.methods()``, this room lists them: see `catalogue.methods`.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


class _Room(ModuleType):
    """A module that may be called: the public function has the name of the room."""

    def __call__(self) -> pd.DataFrame:
        """List the methods of discovery; see `headwidgets.methods.catalogue.methods`."""
        from headwidgets.methods import catalogue

        return catalogue.methods()


sys.modules[__name__].__class__ = _Room
