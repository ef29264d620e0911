"""What the copied code of several methods has in common: where, what is put in, summaries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.methods.apply import sites
from headwidgets.methods.donors import donors
from headwidgets.methods.edit import Edit
from headwidgets.methods.metrics import LogitDiff
from headwidgets.methods.snapshot import position
from headwidgets.session.as_python_words import literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.methods.places import At
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine

RUNS = [
    "",
    "clean_logits = [run(ids) for ids in clean]",
    "corrupted_logits = [None if ids is None else run(ids) for ids in corrupted]",
]

ERROR = '''

def error(values):
    """Standard error of a mean, NaN of a single value."""
    if len(values) < 2:
        return float("nan")
    return float(torch.tensor(values, dtype=torch.float64).std()) / len(values) ** 0.5'''

_PUT_IN = '''

@functools.cache
def put_in(i, name):
    """What takes the place of an activation of prompt i, [position, ...]."""
    return {}'''

_EFFECT = '''

before = [measure(i, x) for i, x in enumerate({})]
paired = [i for i, ids in enumerate(corrupted) if ids is not None]
low = [measure(i, corrupted_logits[i]) for i in paired]
high = [measure(i, clean_logits[i]) for i in paired]


def effect(values):
    """Mean change of the metric, the normalised metric, and the error of the change."""
    change = [value - old for value, old in zip(values, before)]
    edited = [values[i] for i in paired]
    ratio = normalised(low, edited, high) if paired else float("nan")
    ratio_se = float("nan")
    if ratio == ratio:  # by the delta method
        rest = [y - x - ratio * (z - x) for x, y, z in zip(low, edited, high)]
        ratio_se = error(rest) / abs(mean(high) - mean(low))
    row = {{"effect": mean(change), "normalised": ratio, "se": error(change), "n": len(change)}}
    return {{**row, "normalised_se": ratio_se}}'''


def base_of(kind: str, direction: str) -> tuple[str, str]:
    """Return the run that is edited, and the one that a patch takes from."""
    denoise = kind == "patch" and direction == "denoise"
    return ("corrupted", "clean") if denoise else ("clean", "corrupted")


def put_in_lines(snapshot: Snapshot, kind: str, direction: str, seed: int = 0) -> list[str]:
    """Write the function ``put_in(i, name)``."""
    _, giving = base_of(kind, direction)
    value = {
        "patch": f"activation({giving}[i], name)",
        "zero": "torch.zeros_like(activation(clean[i], name))",
        "mean": "average(clean[i], name, roles[i])",
        "resample": "activation(clean[giver[i]], name)",
    }[kind]
    out = ["import functools"]
    if kind == "resample":
        rows, giver = [pair.clean for pair in snapshot.pairs], donors(snapshot, seed)
        out.append(f"giver = {[rows.index(giver[row]) for row in rows]}  # which prompt gives")
    return [*out, _PUT_IN.format(value)]


def effect_lines(base: str) -> list[str]:
    """Write the function ``effect(values)``, of the metric of every prompt with an edit."""
    return [ERROR, _EFFECT.format(f"{base}_logits")]


def where(at: At, snapshot: Snapshot) -> str:
    """Write the positions of every prompt as a list of indices."""
    if at is None:
        return "[slice(None)] * len(clean)"
    rows = [position(at, pair, one_length=snapshot.one_length) for pair in snapshot.pairs]
    return listed([list(dict.fromkeys(row)) for row in rows], at)


def listed(rows: Sequence[object], name: object) -> str:
    """Write a value of every prompt, and where it is told by a role, the role."""
    parts = name if isinstance(name, tuple) else (name,)
    roles = [part for part in parts if isinstance(part, str)]
    said = f"  # {', '.join(map(literal, roles))}" if roles else ""
    if len(rows) > 1 and all(row == rows[0] for row in rows):
        return f"[{rows[0]}] * len(clean){said}"
    return f"{list(rows)}{said}"


def place_name(engine: Engine, target: str) -> tuple[str, str]:
    """Return where a target is read and edited, and the end of an index that picks its head."""
    ((name, heads),) = sites(engine.facts, Edit("zero", target))
    return name, "" if heads is None else f", {heads[0]}"


def heads_text(engine: Engine, heads: Sequence[tuple[int, int]] | None) -> str:
    """Write heads, (layer, head); None is every head of the model."""
    if heads is not None:
        return str(list(heads))
    n_layers, n_heads = engine.facts.n_layers, engine.facts.n_heads
    return f"[(layer, head) for layer in range({n_layers}) for head in range({n_heads})]"


def is_difference(snapshot: Snapshot) -> bool:
    """Whether the metric is a logit difference, which is told before a soft cap."""
    return snapshot.metric is None or isinstance(snapshot.metric, LogitDiff)
