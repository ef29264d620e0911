"""Path patching as tables: every sender to the logits or to chosen readers; edges one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.methods.options import refuse_unknown
from headwidgets.methods.path_asked import (
    OPTIONS,
    path_question,
    read_frozen,
    read_path_plan,
    read_senders,
)
from headwidgets.methods.path_jobs import Jobs
from headwidgets.methods.receivers import (
    LOGITS,
    Receiver,
    has_path,
    read_each,
    read_receivers,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from headwidgets.methods.metric import Metric
    from headwidgets.methods.places import At
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine

FEW = 3
"""How many of those without a path are named."""


def paths(  # noqa: PLR0913 - each is one thing that can be asked
    engine: Engine,
    snapshot: Snapshot,
    to: object = "logits",
    *,
    senders: Iterable[object] | None = None,
    kind: str = "patch",
    direction: str = "noise",
    at: At = None,
    mlps: str = "recomputed",
    metric: Metric | None = None,
    seed: int = 0,
    **unknown: object,
) -> pd.DataFrame:
    """Patch every sender's path to the receivers, each sender by itself.

    Parameters
    ----------
    to : "logits", or one or several of ``"9.9.q"``, ``"9.9.k"``, ``"9.9.v"``
        The receivers, patched together: what they read is changed by the sender's write
        alone, all other heads held as they are in the run.
    senders : iterable of heads, optional
        Default: every head.
    kind : {"patch", "zero", "mean", "resample"}
        What takes the place of a sender's z.
    direction : {"noise", "denoise"}
        Of a patch: into the clean run, as the paper does, or into the corrupted run.
    at : int, str, list of them, optional
        Where senders write something else; None is everywhere.
    mlps : {"recomputed", "frozen"}
        Whether a path may pass through MLPs, as in the paper, or through nothing.
    metric : Metric, optional
        Default: the session's.
    seed : int
        Of a resample: which prompt gives to which.

    Returns
    -------
    DataFrame
        As `sweep` over heads; a sender of the receivers' layer or a later one has no path:
        its effect is exactly 0, and ``attrs["no_path"]`` says how many there are.

    Raises
    ------
    InputError
        For an unknown option, head or receiver, and for a patch between prompts that do
        not align.
    NotMeasurable
        If the model's blocks cannot be run one by one.
    Cancelled
        If it was cancelled; ``partial`` on the error is the table of what was done.

    References
    ----------
    Wang et al. 2022, "Interpretability in the Wild", arXiv 2211.00593, section 3.1.
    """
    refuse_unknown("paths", unknown, f"to, senders, {OPTIONS}")
    ends = read_receivers(to, engine.facts)
    chosen = read_senders(senders, engine.facts)
    plan, frozen_mlps = read_path_plan("paths", kind, direction, at, seed), read_frozen(mlps)
    base = path_question(engine, snapshot, "paths", plan, metric)
    jobs = [([head], ends) for head in chosen]
    lacking = [str(head) for head in chosen if not has_path([head], ends)]

    def finish(frame: pd.DataFrame) -> pd.DataFrame:
        frame = _about(frame, engine, [ends], mlps, lacking)
        if lacking:
            many = "senders lie" if len(lacking) > 1 else "sender lies"
            frame.attrs["notes"].append(
                f"{len(lacking)} {many} in the receivers' layer or above ({_first(lacking)}): "
                "there is no path, the effect is exactly 0"
            )
        return frame

    return Jobs(engine, base, plan, jobs, frozen_mlps=frozen_mlps).table(finish)


def edges(  # noqa: PLR0913 - each is one thing that can be asked
    engine: Engine,
    snapshot: Snapshot,
    senders: Iterable[object],
    receivers: object,
    *,
    kind: str = "patch",
    direction: str = "noise",
    at: At = None,
    mlps: str = "recomputed",
    metric: Metric | None = None,
    seed: int = 0,
    **unknown: object,
) -> pd.DataFrame:
    """Patch every path from one sender to one receiver, each by itself.

    Parameters
    ----------
    senders : iterable of heads
    receivers : one or several of "logits", ``"9.9.q"``, ``"9.9.k"``, ``"9.9.v"``
        Several are several edges; a group of them patched together is for `paths`.
    kind, direction, at, mlps, metric, seed
        As for `paths`.

    Returns
    -------
    DataFrame
        One row an edge: sender, receiver, then as `sweep`; ``attrs["no_path"]`` says how many
        edges have no path.

    Raises
    ------
    InputError, NotMeasurable, Cancelled
        As `paths`.
    """
    refuse_unknown("edges", unknown, f"senders, receivers, {OPTIONS}")
    ends = read_each(receivers, engine.facts)
    plan, frozen_mlps = read_path_plan("edges", kind, direction, at, seed), read_frozen(mlps)
    base = path_question(engine, snapshot, "edges", plan, metric)
    chosen = read_senders(senders, engine.facts)
    jobs = [([head], end) for head in chosen for end in ends]
    names = [(str(heads[0]), _name(end)) for heads, end in jobs]
    there_is = [has_path(*job) for job in jobs]
    lacking = [" → ".join(name) for name, path in zip(names, there_is, strict=True) if not path]

    def finish(frame: pd.DataFrame) -> pd.DataFrame:
        frame.insert(0, "sender", [sender for sender, _ in names])
        frame.insert(1, "receiver", [receiver for _, receiver in names])
        frame = _about(frame.drop(columns=["layer", "head"]), engine, ends, mlps, lacking)
        if lacking:
            many = "edges have" if len(lacking) > 1 else "edge has"
            frame.attrs["notes"].append(
                f"{len(lacking)} {many} no path ({_first(lacking)}): the sender lies in the "
                "receiver's layer or above, the effect is exactly 0"
            )
        return frame

    return Jobs(engine, base, plan, jobs, frozen_mlps=frozen_mlps).table(finish)


def _about(
    frame: pd.DataFrame,
    engine: Engine,
    ends: Sequence[tuple[Receiver, ...]],
    mlps: str,
    lacking: Sequence[str],
) -> pd.DataFrame:
    """Say where the paths end, who else reads a key or value, and how many have no path."""
    every = [one for end in ends for one in end]
    before = frame.attrs.get("notes", [])
    shared = {str(one): one.shared_with(engine.facts) for one in every}
    frame.attrs |= {
        "to": ", ".join(map(_name, ends)),
        "mlps": mlps,
        "no_path": len(lacking),
        "notes": before
        + [
            f"{name} is read by {', '.join(map(str, others))} too: one key and value for the group"
            for name, others in shared.items()
            if others
        ],
    }
    return frame


def _name(end: tuple[Receiver, ...]) -> str:
    return ", ".join(map(str, end)) or LOGITS


def _first(names: Sequence[str]) -> str:
    """Write the first few of some names, and how many more there are."""
    more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return ", ".join(names[:FEW]) + more
