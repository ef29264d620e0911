"""Every run of the study: what it is trained on, under which clamps, for how long.

At a rate of 1e-4 all happens ten times as early as at the paper's 1e-5, in the same order.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from headwidgets.labs.emergence.clamps import only
from headwidgets.labs.emergence.made import gauss, low16
from headwidgets.labs.emergence.prepare import run
from headwidgets.labs.emergence.presets import preset

if TYPE_CHECKING:
    from headwidgets.labs.emergence.clamping import Clamps
    from headwidgets.labs.emergence.runs import Run

CLAMPS = ("none", "previous token", "layer 1", "match", "copy", "layer 1 + copy")
_Z = "blocks.1.attn.hook_z"
_HEADS = 8


@dataclass(frozen=True)
class Setting:
    """One run.

    Attributes
    ----------
    data : str
        "low16" or "gauss".
    conditions : dict of str to clamps
    sequences : int
    rate : float
    options : dict
        Of the data: classes, n_labels, held.
    weights : int
        Checkpoints whose weights are shipped.
    kept : int
        Checkpoints whose patterns are shipped.
    long : bool
        At the paper's rate: minutes to a quarter of an hour.
    """

    data: str
    conditions: dict[str, Clamps | None]
    sequences: int
    rate: float = 1e-4
    options: dict[str, Any] = field(default_factory=dict)
    weights: int = 0
    kept: int = 2
    long: bool = False
    progress: bool = False
    parts: tuple[str, ...] = ("train", "new classes")

    def prepare(self, sequences: int | None = None) -> Run:
        """Return the run, or a shorter one, with nothing trained yet."""
        made = {"low16": low16, "gauss": gauss}[self.data](**self.options)
        asked = self.sequences if sequences is None else min(sequences, self.sequences)
        return run(
            made,
            self.conditions,
            sequences=asked,
            rate=self.rate,
            kept=self.kept,
            every=max(32, asked // 32 // 100),
            progress=self.progress,
            parts=None if self.progress else self.parts,
        )


def clamped(head: int = 0) -> dict[str, Clamps | None]:
    """Return the six conditions of figure 5b, with one head of layer 2."""
    return {name: preset(name, head=head) for name in CLAMPS}


def one_head() -> dict[str, Clamps | None]:
    """Return the nine conditions of figure 4b: all heads, and each one alone throughout."""
    alone: dict[str, Clamps | None] = {f"head {h}": {_Z: only([h])} for h in range(_HEADS)}
    return {"all": None, **alone}


def _slow(one: Setting, sequences: int) -> Setting:
    """Return a setting at the paper's rate."""
    return replace(one, sequences=sequences, rate=1e-5, long=True)


def _settings() -> dict[str, Setting]:
    six = Setting("gauss", clamped(), 50_000)
    many = {"classes": 200}
    ten, fifteen = {"n_labels": 10, "held": 9}, {"n_labels": 15, "held": 21}
    main = Setting("gauss", {"none": None}, 100_000, weights=4, kept=60, progress=True)
    return {
        "low16": replace(main, data="low16", sequences=60_000),
        "gauss": main,
        "gauss clamps": replace(six, kept=60),
        "low16 clamps": replace(six, data="low16", kept=60),
        "gauss heads": Setting("gauss", one_head(), 100_000),
        "gauss classes 200": replace(six, options=many, sequences=100_000),
        "gauss labels 10": replace(six, options=ten, sequences=120_000),
        "gauss labels 15": replace(six, options=fifteen, sequences=150_000),
        "paper": _slow(main, 1_000_000),
        "paper clamps": _slow(six, 400_000),
        "paper heads": _slow(Setting("gauss", one_head(), 0), 1_000_000),
        "paper classes 200": _slow(replace(six, options=many), 600_000),
        "paper labels 10": _slow(replace(six, options=ten), 1_000_000),
        "paper labels 15": _slow(replace(six, options=fifteen), 1_500_000),
    }


SETTINGS = _settings()
"""Name -> run."""
