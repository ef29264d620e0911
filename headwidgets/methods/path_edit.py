"""A path as an edit of the session: what its receivers read, or what the last stream gains.

Both come from the unedited runs, by `PathRun`, and are put into the edited run beside all
other edits: at ``hook_q``, ``hook_k``, ``hook_v`` of the receivers; with the logits as
receiver, as a change that is added to the last residual stream.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from headwidgets.methods.path_run import PathRun, require_replay
from headwidgets.methods.receivers import has_path
from headwidgets.methods.record import resid_name
from headwidgets.methods.sweep_cost import MEMORY, prompts_at_once
from headwidgets.methods.sweep_plan import Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.methods.edit import Edit
    from headwidgets.methods.snapshot import Pair, Snapshot
    from headwidgets.model.engine import Engine
    from headwidgets.model.facts import Facts


def path_sites(facts: Facts, edit: Edit) -> list[tuple[str, list[int] | None]]:
    """Return the hook points that a path puts something in at, and which heads of them.

    None at all where no sender lies below a receiver.
    """
    if not has_path(edit.senders, edit.ends):
        return []
    if not edit.ends:
        return [(resid_name(facts.n_layers, facts.n_layers), None)]
    heads: dict[str, set[int]] = {}
    for end in edit.ends:
        heads.setdefault(end.hook(), set()).add(end.place(facts))
    return [(name, sorted(places)) for name, places in heads.items()]


def path_values(
    engine: Engine, snapshot: Snapshot, edit: Edit, pairs: Sequence[Pair]
) -> dict[str, Tensor]:
    """Return what a path puts in, by hook point: [pair, position, ...].

    Parameters
    ----------
    engine : Engine
        Held by the caller.
    pairs : sequence of Pair
        Of one length.

    Raises
    ------
    NotMeasurable
        If the model's blocks cannot be run one by one.
    """
    names = [name for name, _ in path_sites(engine.facts, edit)]
    if not names:
        return {}
    key = ("path", edit, tuple(pair.key for pair in pairs), snapshot.one_length)
    found: dict[str, Tensor] | None = engine.cache.get(key)
    if found is None:
        step = prompts_at_once(engine, snapshot, MEMORY)
        parts = [
            _some(engine, snapshot, edit, pairs[first : first + step])
            for first in range(0, len(pairs), step)
        ]
        found = {name: torch.cat([part[name] for part in parts]) for name in names}
        size = sum(value.numel() * value.element_size() for value in found.values())
        engine.cache.put(key, found, size)
    return found


def _some(
    engine: Engine, snapshot: Snapshot, edit: Edit, pairs: Sequence[Pair]
) -> dict[str, Tensor]:
    direction = "noise" if edit.into == "clean" else "denoise"
    plan = Plan("patch", direction=direction, at=edit.at)
    last = engine.facts.n_layers
    with engine.quiet():
        run = PathRun(engine, replace(snapshot, edits=()), plan, pairs)
        require_replay(run.recording)
        if edit.ends:
            return run.read([edit.senders], edit.ends)
        gained = run.changed([edit.senders], last) - run.recording.residual[last]
        return {resid_name(last, last): gained}


def path_notes(facts: Facts, edit: Edit) -> list[str]:
    """Say who else reads a key or value that is put in, and what of a path is none."""
    out = [
        f"{edit}: {end} is read by {', '.join(map(str, others))} too: "
        "one key and value for the group"
        for end in edit.ends
        if (others := end.shared_with(facts))
    ]
    lost = [sender for sender in edit.senders if not has_path([sender], edit.ends)]
    if lost and len(lost) < len(edit.senders):
        words = ", ".join(map(str, lost))
        out.append(f"{edit}: {words}: in the receivers' layer or above, so without a path")
    return out


def no_path(edit: Edit) -> str:
    """Say that no sender lies below a receiver; "" where one does."""
    if edit.kind != "path" or has_path(edit.senders, edit.ends):
        return ""
    return "every sender lies in the receivers' layer or above: there is no path"
