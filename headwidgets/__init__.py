"""headwidgets: what does this attention head do, and how do I know.

One `Session` wraps one model; every widget in every cell looks at that session. Names are
imported when they are first touched, so that ``import headwidgets`` is quick.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headwidgets.errors import (
        Cancelled,
        EditDropped,
        HeadwidgetsError,
        InputError,
        ModelError,
        NotMeasurable,
    )
    from headwidgets.heads import Head
    from headwidgets.methods.edits import mean, patch, scale, zero
    from headwidgets.methods.metrics import LogitDiff
    from headwidgets.prompts import Prompts
    from headwidgets.session import Session, load
    from headwidgets.taxonomy import kinds
    from headwidgets.widgets.attention import AttentionView
    from headwidgets.widgets.explore import explore
    from headwidgets.widgets.grid import HeadGrid
    from headwidgets.widgets.panel import PatchPanel

__version__ = "0.1.0"

__all__ = [
    "AttentionView",
    "Cancelled",
    "EditDropped",
    "Head",
    "HeadGrid",
    "HeadwidgetsError",
    "InputError",
    "LogitDiff",
    "ModelError",
    "NotMeasurable",
    "PatchPanel",
    "Prompts",
    "Session",
    "__version__",
    "explore",
    "kinds",
    "load",
    "mean",
    "patch",
    "scale",
    "zero",
]

_HOMES = {
    "errors": (
        "Cancelled",
        "EditDropped",
        "HeadwidgetsError",
        "InputError",
        "ModelError",
        "NotMeasurable",
    ),
    "heads": ("Head",),
    "methods.edits": ("mean", "patch", "scale", "zero"),
    "methods.metrics": ("LogitDiff",),
    "prompts": ("Prompts",),
    "session": ("Session", "load"),
    "taxonomy": ("kinds",),
    "widgets.attention": ("AttentionView",),
    "widgets.explore": ("explore",),
    "widgets.grid": ("HeadGrid",),
    "widgets.panel": ("PatchPanel",),
}
_HOME_OF = {name: f"{__name__}.{home}" for home, names in _HOMES.items() for name in names}
_HEAVY = {"Session", "load"}


def __getattr__(name: str) -> object:
    """Import the public name `name` from its module, once."""
    home = _HOME_OF.get(name)
    if home is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message, name=name, obj=sys.modules[__name__])
    if name in _HEAVY and "transformer_lens" not in sys.modules:
        sign = "headwidgets: loading PyTorch and TransformerLens (a few seconds, once) …"
        # A notebook paints stderr as an error; a script's stdout is its own.
        shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
        out = sys.stdout if hasattr(shell, "kernel") else sys.stderr
        print(sign, file=out, flush=True)
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted({*globals(), *__all__})
