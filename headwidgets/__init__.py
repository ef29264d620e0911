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
    from headwidgets.labs.emergence.on_module import clamp
    from headwidgets.methods.beside_exact import compare_with_exact
    from headwidgets.methods.catalogue import methods
    from headwidgets.methods.edits import (
        add,
        keep,
        mean,
        patch,
        path,
        resample,
        scale,
        subtract,
        zero,
    )
    from headwidgets.methods.metrics import KL, LogitDiff, LogProb, Prob, Rank
    from headwidgets.methods.survey_scores import negative_attention_score, retrieval_score
    from headwidgets.methods.vector import Direction
    from headwidgets.prompts import Prompts
    from headwidgets.session import Session, load
    from headwidgets.session.classified import HeadClassifier
    from headwidgets.session.classifying import classify_heads
    from headwidgets.tasks import TaskSet, task
    from headwidgets.tasks.listing import tasks
    from headwidgets.tasks.load import load_task
    from headwidgets.taxonomy import kinds
    from headwidgets.taxonomy.atlas import atlas
    from headwidgets.widgets.attention import AttentionView
    from headwidgets.widgets.crossing import Crossing, crossing
    from headwidgets.widgets.curves import Curves, curves
    from headwidgets.widgets.emergence_lab import EmergenceLab
    from headwidgets.widgets.explore import explore
    from headwidgets.widgets.grid import HeadGrid
    from headwidgets.widgets.panel import PatchPanel
    from headwidgets.widgets.report_card import ReportCard, report_card
    from headwidgets.widgets.succession_lab import SuccessionLab
    from headwidgets.widgets.taxonomy_view import TaxonomyView
    from headwidgets.zoo.checkpoints import checkpoints

__version__ = "0.1.0"

__all__ = [
    "KL",
    "AttentionView",
    "Cancelled",
    "Crossing",
    "Curves",
    "Direction",
    "EditDropped",
    "EmergenceLab",
    "Head",
    "HeadClassifier",
    "HeadGrid",
    "HeadwidgetsError",
    "InputError",
    "LogProb",
    "LogitDiff",
    "ModelError",
    "NotMeasurable",
    "PatchPanel",
    "Prob",
    "Prompts",
    "Rank",
    "ReportCard",
    "Session",
    "SuccessionLab",
    "TaskSet",
    "TaxonomyView",
    "__version__",
    "add",
    "atlas",
    "checkpoints",
    "clamp",
    "classify_heads",
    "compare_with_exact",
    "crossing",
    "curves",
    "explore",
    "keep",
    "kinds",
    "load",
    "load_task",
    "mean",
    "methods",
    "negative_attention_score",
    "patch",
    "path",
    "report_card",
    "resample",
    "retrieval_score",
    "scale",
    "subtract",
    "task",
    "tasks",
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
    "labs.emergence.on_module": ("clamp",),
    "methods.beside_exact": ("compare_with_exact",),
    "methods.catalogue": ("methods",),
    "methods.edits": (
        "add",
        "keep",
        "mean",
        "patch",
        "path",
        "resample",
        "scale",
        "subtract",
        "zero",
    ),
    "methods.metrics": ("KL", "LogProb", "LogitDiff", "Prob", "Rank"),
    "methods.survey_scores": ("negative_attention_score", "retrieval_score"),
    "methods.vector": ("Direction",),
    "prompts": ("Prompts",),
    "session": ("Session", "load"),
    "session.classified": ("HeadClassifier",),
    "session.classifying": ("classify_heads",),
    "tasks": ("TaskSet", "task"),
    "tasks.listing": ("tasks",),
    "tasks.load": ("load_task",),
    "taxonomy": ("kinds",),
    "taxonomy.atlas": ("atlas",),
    "widgets.attention": ("AttentionView",),
    "widgets.crossing": ("Crossing", "crossing"),
    "widgets.curves": ("Curves", "curves"),
    "widgets.emergence_lab": ("EmergenceLab",),
    "widgets.explore": ("explore",),
    "widgets.grid": ("HeadGrid",),
    "widgets.panel": ("PatchPanel",),
    "widgets.report_card": ("ReportCard", "report_card"),
    "widgets.succession_lab": ("SuccessionLab",),
    "widgets.taxonomy_view": ("TaxonomyView",),
    "zoo.checkpoints": ("checkpoints",),
}
_HOME_OF = {name: f"{__name__}.{home}" for home, names in _HOMES.items() for name in names}
_HEAVY = {"Session", "classify_heads", "load"}


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
    return globals().setdefault(name, value)  # `methods` is a room by now: one that can be called


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted({*globals(), *__all__})
