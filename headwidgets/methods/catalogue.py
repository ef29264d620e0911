"""How heads are discovered: the rows of the survey's Tables 1 and 2, and what runs each here.

Zheng et al. 2024, "Attention Heads of Large Language Models: A Survey" (arXiv 2409.03752),
section 4; the published version (Patterns, 2025) counts its tables on, 4 and 5, and names the
last row "others". Path patching is in neither table; it is the tenth row here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headwidgets.model.facts import Facts

MODIFY = "modeling-free: modification"
REPLACE = "modeling-free: replacement"
TRAIN = "modeling-required: training-required"
SCORE = "modeling-required: training-free"
ABSENT = "not in headwidgets yet"
LEGEND = {
    "N": "prompts",
    "R": "reference prompts",
    "A": "strengths",
    "D": "random directions at each strength",
    "T": "neutral texts",
    "W": "rows of random tokens",
    "L": "layers",
    "H": "heads a layer",
}
"""What the letters of a cost mean."""


class Method(NamedTuple):
    """One way of finding what heads do.

    Attributes
    ----------
    name, table, kind : str
        As the survey calls it, the table that it stands in, and its class.
    changes : str
        What it does to the model, or makes of it.
    needs : str
        What must be given.
    forwards : tuple of tuple of str
        The cost: a sum of products of the letters of `LEGEND` and numbers.
    works : str
        Those that the table names, for path patching those that brought it.
    call : str
        Python that runs it on a session ``s``, as ``import headwidgets as hw`` sees it.
    """

    name: str
    table: str
    kind: str
    changes: str
    needs: str
    forwards: tuple[tuple[str, ...], ...] | None
    works: str
    call: str


_ROWS = (
    Method(
        "directional addition",
        "1",
        MODIFY,
        "adds a direction to an activation: a + α v",
        "a direction; pairs of prompts or labels to find one",
        (("3", "N"), ("A", "N"), ("A", "D", "N"), ("T",), ("A", "T")),
        "Tigges et al. 2023; Yu et al. 2024; Turner et al. 2023",
        's.strengths(s.direction("1.0"))',
    ),
    Method(
        "directional subtraction",
        "1",
        MODIFY,
        "takes out what lies along a direction: a + ((t − a) · v̂) v̂ with t zero, mean or patched",
        "a direction; pairs of prompts or labels to find one",
        (("5", "N"),),
        "Tigges et al. 2023; Geiger et al.",
        's.edits = [hw.subtract("1.0", s.direction("1.0"))]; s.effect()',
    ),
    Method(
        "zero ablation",
        "1",
        REPLACE,
        "sets a head's z to zero",
        "prompts",
        (("N",), ("L", "H", "N")),
        "Wang et al. 2022; Yu & Ananiadou 2024; Jin et al. 2024; Yao et al. 2024; Mohebbi et al.",
        's.sweep("zero")',
    ),
    Method(
        "mean ablation",
        "1",
        REPLACE,
        "sets a head's z to its mean over reference prompts",
        "prompts; reference prompts (s.reference)",
        (("N",), ("R",), ("L", "H", "N")),
        "McDougall et al. 2023; Wang et al. 2022; Kim et al.; Hanna et al.",
        's.sweep("mean")',
    ),
    Method(
        "naive activation patching",
        "1",
        REPLACE,
        "sets a head's z to that of the other run, all after it recomputed",
        "clean and corrupted prompts of one length",
        (("2", "N"), ("L", "H", "N")),
        "Merullo et al. 2023; Todd et al. 2023; Wang et al. 2022; Lieberum et al. 2023; "
        "Wiegreffe et al. 2024",
        's.sweep("patch")',
    ),
    Method(
        "probing",
        "2",
        TRAIN,
        "trains a classifier on a head's activations",
        "prompts with labels",
        (("N",),),
        "Li et al. 2023; Hoscilowicz et al. 2024; Gould et al. 2023; Guo et al. 2024; "
        "Yang et al. 2024; Jin et al.",
        "s.probe().frame",
    ),
    Method(
        "simplified model training",
        "2",
        TRAIN,
        "trains a small model of the task, and looks for the heads there",
        "a task that makes its own training data",
        None,
        "Edelman et al. 2024; Cabannes et al. 2024; Reddy 2023; Elhage et al. 2021",
        ABSENT,
    ),
    Method(
        "scoring",
        "2",
        SCORE,
        "computes a number of a head's attention or weights; changes nothing",
        "prompts, or for weights nothing",
        (("N",), ("W",)),
        "Jin et al. 2024; Wu et al. 2024; Crosbie & Shutova 2024; Yu et al. 2024; "
        "Ji-An et al. 2024",
        's.score("previous token")',
    ),
    Method(
        "information flow graph",
        "2",
        SCORE,
        "splits what each position writes by source, and keeps the edges that matter",
        "a prompt",
        (("N",),),
        "Ferrando & Voita 2024; Conmy et al. 2023",
        ABSENT,
    ),
    Method(
        "path patching",
        "",
        REPLACE,
        "carries what a head writes in the other run to chosen readers alone",
        "clean and corrupted prompts of one length",
        (("2", "N"), ("2", "L", "H", "N")),
        "Wang et al. 2022; Goldowsky-Dill et al. 2023",
        's.paths("1.0.k")',
    ),
)


def methods() -> pd.DataFrame:
    """List the methods of discovery: the survey's nine, and path patching.

    Returns
    -------
    DataFrame
        method; table ("1" or "2" of the survey, "" in neither); class; changes; needs;
        forwards, the cost as a formula in whole forwards of one prompt, run one after another
        (``attrs["legend"]`` says the letters; sweeps and paths here start at the edited layer
        and do less; the first edit of a layer's heads adds two runs of 8 tokens, which see
        whether it arrives); works; call, Python that runs it on a session ``s``, or that it is
        not in headwidgets yet.

    References
    ----------
    Zheng et al. 2024, arXiv 2409.03752, Tables 1 and 2.
    """
    frame = pd.DataFrame(
        {
            "method": [row.name for row in _ROWS],
            "table": [row.table for row in _ROWS],
            "class": [row.kind for row in _ROWS],
            "changes": [row.changes for row in _ROWS],
            "needs": [row.needs for row in _ROWS],
            "forwards": [_formula(row) for row in _ROWS],
            "works": [row.works for row in _ROWS],
            "call": [row.call for row in _ROWS],
        }
    )
    frame.attrs["legend"] = dict(LEGEND)
    return frame


def methods_of(facts: Facts, given: Mapping[str, int]) -> pd.DataFrame:
    """List the methods with what each costs on a model and a set of prompts.

    Parameters
    ----------
    given : mapping of str to int
        How many there are of what the letters of `LEGEND` mean, but for layers and heads.

    Returns
    -------
    DataFrame
        As `methods`, and cost: whole forwards of one prompt, NaN where another model is
        trained; ``attrs["counts"]`` says what stands behind the letters.
    """
    counts = {**given, "L": facts.n_layers, "H": facts.n_heads}
    frame = methods()
    costs = [_cost(row, counts) for row in _ROWS]
    frame.insert(frame.columns.get_loc("forwards") + 1, "cost", costs)
    frame.attrs["counts"] = counts
    return frame


def _formula(row: Method) -> str:
    if row.forwards is None:
        return "none: another model is trained"
    return " + ".join("·".join(product) for product in row.forwards)


def _cost(row: Method, counts: dict[str, int]) -> float:
    if row.forwards is None:
        return math.nan
    return float(
        sum(
            math.prod(counts[f] if f in counts else int(f) for f in product)
            for product in row.forwards
        )
    )
