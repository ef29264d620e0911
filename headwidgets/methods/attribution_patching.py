"""Attribution patching: every patch at once, to first order.

    M(patched) − M(base) ≈ (z̃ − z) · ∂M/∂z     at the base run

one forward for z̃, one forward and one backward for the gradient. It is exact where the
metric is linear in z; saturated attention and norms bend it, so that the exact sweep belongs
beside it (`beside_exact.compare_with_exact`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from headwidgets.errors import InputError
from headwidgets.methods.attribution import frame_about
from headwidgets.methods.gradients import bytes_of, gradients
from headwidgets.methods.measuring import Reading, reading
from headwidgets.methods.metrics import KL, Rank
from headwidgets.methods.options import refuse_unknown
from headwidgets.methods.places import listed_at
from headwidgets.methods.record import z_name
from headwidgets.methods.snapshot import position, require_aligned
from headwidgets.methods.source_tokens import Sources
from headwidgets.methods.summary import stopped, summarised
from headwidgets.methods.sweep_cost import GB, MEMORY, check_memory, rounded_up
from headwidgets.model.work import checkpoint, keeping

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from headwidgets.methods.edits import At
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine, HookFn

OVER = ("heads", "heads x positions")
DIRECTIONS = ("denoise", "noise")


def attribution_patching(
    engine: Engine,
    snapshot: Snapshot,
    over: str = "heads",
    direction: str = "denoise",
    *,
    at: At = None,
    memory: float = MEMORY,
    **unknown: object,
) -> pd.DataFrame:
    """Estimate what patching each head would do, all of them from one gradient.

    Parameters
    ----------
    over : {"heads", "heads x positions"}
        Each head at all positions, or at each position by itself.
    direction : {"denoise", "noise"}
        Into the corrupted run from the clean one, as ``transformer_lens.patching`` does, or
        the reverse. The gradient is that of the run that is patched into.
    at : int, str, list of them, optional
        Over heads: only these positions or roles.
    memory : float
        Gigabytes that the graph of a batch may take, above the model's own.

    Returns
    -------
    DataFrame
        layer, head(, position: an index, or a role where the prompts differ in length),
        estimate, se, low, high, n. The estimate is of the change of the metric against the
        run that is patched into, which is a sweep's "effect".

    Raises
    ------
    InputError
        For an unknown option, a `memory` that is no number, prompts that do not align, a
        metric without a gradient (rank; KL around the clean run), and a prompt too long for
        `memory`.
    EditDropped
        If the architecture does not read z where it is seen.
    Cancelled
        If it was cancelled; ``partial`` on the error is the table of the prompts that are done.

    References
    ----------
    Nanda 2023, "Attribution Patching"; Syed et al. 2023, arXiv 2310.10348.
    """
    refuse_unknown("attribution patching", unknown, "over, direction, at, memory")
    check_memory(memory)
    _check(engine, snapshot, over, direction, at)
    base, giving = ("corrupted", "clean") if direction == "denoise" else ("clean", "corrupted")
    facts, n = engine.facts, len(snapshot.pairs)
    sources = Sources(snapshot) if over != "heads" else None
    labels = [None] if sources is None else sources.labels
    values = np.full((facts.n_layers * facts.n_heads, len(labels), n), math.nan)
    longest = max(len(pair.clean) for pair in snapshot.pairs)
    ran: list[int] = []
    heads = [(i, h) for i in range(facts.n_layers) for h in range(facts.n_heads)]
    columns = ["layer", "head"] + ([] if sources is None else ["position"])
    rows = [head if label is None else (*head, label) for head in heads for label in labels]
    about = {
        "estimate": "attribution patching",
        "over": over,
        "direction": direction,
        "at": listed_at(at),
        "done": f"(z of the {giving} run − z) · gradient of the metric at the {base} run",
        "notes": [] if sources is None else sources.notes,
    }

    def table(there: list[int]) -> pd.DataFrame:
        frame = pd.DataFrame(rows, columns=columns)
        known = values[..., there].reshape(-1, len(there))
        return frame_about(frame.assign(**summarised(known, "estimate")), snapshot, about)

    def partial() -> pd.DataFrame | None:
        if not ran:
            return None
        frame = table(ran)
        frame.attrs |= stopped(snapshot, len(ran))
        return frame

    with keeping(partial):
        for batch in snapshot.batches(limit=_room(engine, longest, memory)):
            checkpoint(len(ran), n, "prompts, forward and backward")
            found = _batch(engine, snapshot, batch, base, giving)  # [prompt, head, position]
            for row, i in enumerate(batch):
                if sources is not None:
                    values[:, :, i] = sources.sums(found[row], i)
                    continue
                pair, one = snapshot.pairs[i], snapshot.one_length
                places = position(at, pair, one_length=one) if at is not None else None
                some = sorted(set(places)) if places else slice(None)
                values[:, 0, i] = found[row][:, some].sum(-1)
            ran += batch
    return table(list(range(n)))


def _batch(
    engine: Engine, snapshot: Snapshot, batch: list[int], base: str, giving: str
) -> NDArray[np.float64]:
    """Return the estimates of some pairs of one length, [prompt, head of any layer, position]."""
    ids = {run: torch.tensor([snapshot.pairs[i].ids(run) for i in batch]) for run in (base, giving)}
    other: dict[int, Tensor] = {}
    hooks = [(z_name(layer), _keep(other, layer)) for layer in range(engine.facts.n_layers)]
    given = engine.run(ids[giving], hooks)
    known: list[Reading] = []
    if giving == "clean":
        known.append(reading(engine, snapshot, batch, given))

    def metric(logits: Tensor) -> Tensor:
        read = known[0] if known else reading(engine, snapshot, batch, logits.detach())
        return read(logits)

    with engine.exclusive():
        z, slopes, _ = gradients(engine, ids[base], metric)
    out = [
        ((other[layer] - z[layer]).float() * slope.float()).sum(-1).transpose(1, 2)
        for layer, slope in enumerate(slopes)
    ]
    estimates: NDArray[np.float64] = torch.cat(out, dim=1).double().cpu().numpy()
    return estimates


def _keep(store: dict[int, Tensor], layer: int) -> HookFn:
    def keep(z: Tensor, start: int) -> None:
        here = z.detach().clone()
        store[layer] = here if start == 0 else torch.cat([store[layer], here], dim=1)

    return keep


def _room(engine: Engine, length: int, memory: float) -> int:
    """How many prompts the graph has room for."""
    need = bytes_of(engine, length) / GB
    if need > memory:
        message = (
            f"a gradient through {length} tokens needs about {need:.3g} GB above the model's own, "
            f"and memory={memory:g} allows less: shorten the prompts, pass "
            f"memory={rounded_up(need)}, or sweep with at='end'"
        )
        raise InputError(message)
    return max(1, min(int(memory / need), engine.rows_at_once(length)))


def _check(engine: Engine, snapshot: Snapshot, over: str, direction: str, at: At) -> None:
    for name, value, known in (("over", over, OVER), ("direction", direction, DIRECTIONS)):
        if value not in known:
            message = f"expected {name} {' or '.join(map(repr, known))}, got {value!r}"
            raise InputError(message)
    if at is not None and over != "heads":
        message = "expected at= with over='heads' only: over positions, all of them are rows"
        raise InputError(message)
    metric = snapshot.metric
    if isinstance(metric, Rank) or (isinstance(metric, KL) and direction == "noise"):
        why = "a rank has none" if isinstance(metric, Rank) else "KL is flat at the clean run"
        message = (
            f"attribution patching needs the metric's gradient, and {why}: set "
            "s.metric = hw.LogitDiff(' Mary', ' John'), or sweep"
        )
        raise InputError(message)
    instead = "set s.corrupted_prompt (or prompts with one)"
    require_aligned(engine, snapshot, "attribution patching needs", instead)
