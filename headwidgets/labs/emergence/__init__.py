"""The emergence lab: watch induction heads form, and clamp what you doubt.

Singh, Moskovitz, Hill, Chan and Saxe 2024 (*What needs to go right for an induction head?*, arXiv
2404.07129), as plain functions over torch::

    from headwidgets.labs import emergence as lab

    made = lab.run(lab.low16()).train()
    made.curves(), made.heads(), made.patterns(), made.trained()
"""

from __future__ import annotations

from headwidgets.labs.emergence.beside import beside_paper
from headwidgets.labs.emergence.chains import Chains, stages
from headwidgets.labs.emergence.clamping import activations
from headwidgets.labs.emergence.clamps import (
    Clamp,
    copied,
    correct_label,
    graft,
    label_scores,
    only,
    previous_token,
    shifted,
    value,
    zero,
)
from headwidgets.labs.emergence.convert import bridge
from headwidgets.labs.emergence.data import Exemplars
from headwidgets.labs.emergence.figures import adding, heads, pairs, properties, times, wiring
from headwidgets.labs.emergence.finished import (
    FOLDER,
    Finished,
    finished,
    finished_runs,
    ship,
)
from headwidgets.labs.emergence.history import History, threshold
from headwidgets.labs.emergence.made import exemplars, gauss, low16
from headwidgets.labs.emergence.on_module import OnModule, clamp
from headwidgets.labs.emergence.plan import Plan
from headwidgets.labs.emergence.prepare import run
from headwidgets.labs.emergence.presets import grafted, preset, presets
from headwidgets.labs.emergence.runs import Run
from headwidgets.labs.emergence.shape import Shape
from headwidgets.labs.emergence.small import attn_only, compare, icl_mc, iteration
from headwidgets.labs.emergence.steps import Steps, iterating
from headwidgets.labs.emergence.storage import load_run, save_run
from headwidgets.labs.emergence.sweeps import (
    grafts,
    one_head_each,
    over_seeds,
    six_clamps,
    strengths,
)
from headwidgets.labs.emergence.tokens import Repeats, repeats
from headwidgets.labs.emergence.toy import toy
from headwidgets.labs.emergence.trained import Trained

__all__ = [
    "FOLDER",
    "Chains",
    "Clamp",
    "Exemplars",
    "Finished",
    "History",
    "OnModule",
    "Plan",
    "Repeats",
    "Run",
    "Shape",
    "Steps",
    "Trained",
    "activations",
    "adding",
    "attn_only",
    "beside_paper",
    "bridge",
    "clamp",
    "compare",
    "copied",
    "correct_label",
    "exemplars",
    "finished",
    "finished_runs",
    "gauss",
    "graft",
    "grafted",
    "grafts",
    "heads",
    "icl_mc",
    "iterating",
    "iteration",
    "label_scores",
    "load_run",
    "low16",
    "one_head_each",
    "only",
    "over_seeds",
    "pairs",
    "preset",
    "presets",
    "previous_token",
    "properties",
    "repeats",
    "run",
    "save_run",
    "shifted",
    "ship",
    "six_clamps",
    "stages",
    "strengths",
    "threshold",
    "times",
    "toy",
    "value",
    "wiring",
    "zero",
]
