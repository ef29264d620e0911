"""Edits made into hooks, for a batch of prompts of one length."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import torch

from headwidgets.errors import InputError
from headwidgets.heads import Head
from headwidgets.methods.change import Change, Given, change
from headwidgets.methods.donors import donors
from headwidgets.methods.means import mean_tables
from headwidgets.methods.path_edit import path_notes, path_sites, path_values
from headwidgets.methods.record import mlp_name, record, resid_name, z_name
from headwidgets.methods.snapshot import (
    Pair,
    Snapshot,
    first_difference,
    position,
    unaligned,
)
from headwidgets.methods.trust import require_trust

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import Tensor

    from headwidgets.methods.edit import Edit
    from headwidgets.model.engine import Engine, HookFn, Hooks
    from headwidgets.model.facts import Facts

Site = tuple[str, list[int] | None]
"""A hook point, and which of its heads; None where it has no heads."""


@dataclass
class Compiled:
    """Hooks that make the edits, how far each moved its activation, what else is to be said."""

    hooks: Hooks
    edits: tuple[Edit, ...]
    moved: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Step:
    number: int
    heads: list[int] | None
    change: Change


def compile_edits(engine: Engine, snapshot: Snapshot, batch: Sequence[int]) -> Compiled:
    """Make hooks of the session's edits for some pairs of one length.

    Raises
    ------
    InputError
        If an edit names what the model or the prompts do not have, or lacks its
        aligned partner prompt or another prompt of its length.
    """
    pairs = [snapshot.pairs[i] for i in batch]
    edits = snapshot.edits
    for edit in edits:
        check_target(engine, edit)
        for name, _ in sites(engine.facts, edit):
            if name == z_name(edit.layer) or edit.kept:
                require_trust(engine, int(name.split(".")[1]), pairs[0].clean)
    sources = _sources(engine, snapshot, pairs)
    out = Compiled(hooks=[], edits=edits, moved=[0.0] * len(edits))
    steps: dict[str, list[_Step]] = {}
    for number, edit in enumerate(edits):
        mask = None if edit.senders else _mask(edit, pairs, one_length=snapshot.one_length)
        for name, heads in sites(engine.facts, edit):
            new = change(edit, sources.get(_source_key(edit, name)), heads, mask)
            steps.setdefault(name, []).append(_Step(number, heads, new))
        if edit.senders:
            out.notes += path_notes(engine.facts, edit)
    out.hooks = [(name, _hook(chain, out.moved)) for name, chain in steps.items()]
    return out


def sites(facts: Facts, edit: Edit) -> list[Site]:
    """Return where an edit acts: the hook points, and which heads of them."""
    if edit.kept:
        out: list[Site] = []
        for layer in range(facts.n_layers):
            others = [h for h in range(facts.n_heads) if (layer, h) not in edit.kept]
            out += [(z_name(layer), others)] if others else []
        return out
    if edit.senders:
        return path_sites(facts, edit)
    if edit.head is not None:
        return [(z_name(edit.layer), [edit.head.head])]
    named = resid_name(edit.layer, facts.n_layers)
    return [(named if edit.target.startswith("resid") else mlp_name(edit.layer), None)]


def check_target(engine: Engine, edit: Edit) -> None:
    """Refuse what the model does not have, and a direction that does not fit there."""
    facts = engine.facts
    ends = [Head(end.layer, end.head) for end in edit.ends]
    for head in (edit.head, *edit.kept, *edit.senders, *ends):
        if head is not None:
            head.within(facts.n_layers, facts.n_heads)
    if not edit.target[0].isdigit():
        stream = edit.target.startswith("resid")
        last = facts.n_layers if stream else facts.n_layers - 1
        if edit.layer > last:
            what = f"residual streams 0 to {last}" if stream else f"layers 0 to {last}"
            message = f"no {edit.target}: this model has {what}"
            raise InputError(message)
        if not stream and not facts.has_mlp:
            message = f"no {edit.target}: this model has no MLPs, only attention"
            raise InputError(message)
    if edit.direction is not None:
        size, name = (
            (facts.d_head, "d_head") if edit.head is not None else (facts.d_model, "d_model")
        )
        if len(edit.direction) != size:
            message = (
                f"expected a direction of {size} numbers ({name}) at {edit.target}, got "
                f"{len(edit.direction)}: '{edit.direction.name}' is of {edit.direction.target}"
            )
            raise InputError(message)


def waiting(edit: Edit, pair: Pair, pairs: Sequence[Pair]) -> str:
    """Say what an edit lacks on a pair of a set: ``"waiting: 16 and 64 tokens"``, or nothing."""
    lacking = unaligned(pair) if edit.source == "patch" else ""
    length = len(pair.clean)
    if edit.source == "resample" and not any(
        len(other.clean) == length and other.clean != pair.clean for other in pairs
    ):
        lacking = f"no other prompt of {length} tokens"
    return f"waiting: {lacking}" if lacking else ""


def _source_key(edit: Edit, name: str) -> tuple[object, ...]:
    if edit.senders:
        return edit, name
    return edit.source, edit.seed, name


def _sources(
    engine: Engine, snapshot: Snapshot, pairs: list[Pair]
) -> dict[tuple[object, ...], Given]:
    """Return what is put in from other runs, by kind of source and hook point."""
    out: dict[tuple[object, ...], Given] = {}

    def named(edits: Iterable[Edit]) -> list[str]:
        return sorted({name for edit in edits for name, _ in sites(engine.facts, edit)})

    patches = [edit for edit in snapshot.edits if edit.source == "patch"]
    if patches:
        for pair in pairs:
            _require_aligned(engine, pair, patches[0])
        giving = "corrupted" if snapshot.base == "clean" else "clean"
        names = named(edit for edit in patches if not edit.senders)
        found = record(engine, [pair.ids(giving) for pair in pairs], names) if names else {}
        out |= {("patch", None, name): Given(value) for name, value in found.items()}
    for edit in (edit for edit in patches if edit.senders):
        carried = path_values(engine, snapshot, edit, pairs)
        out |= {_source_key(edit, name): Given(value) for name, value in carried.items()}
    for seed in sorted({edit.seed for edit in snapshot.edits if edit.seed is not None}):
        giver = donors(snapshot, seed)
        rows = [giver[pair.ids(snapshot.base)] for pair in pairs]
        found = record(engine, rows, named(e for e in snapshot.edits if e.seed == seed))
        out |= {("resample", seed, name): Given(value) for name, value in found.items()}
    means = [edit for edit in snapshot.edits if edit.source == "mean"]
    if means:
        tables = mean_tables(engine, snapshot, named(means))
        bos = engine.text.bos_id
        out |= {
            ("mean", None, name): Given(partial(table.rows, pairs, bos))
            for name, table in tables.items()
        }
    return out


def _require_aligned(engine: Engine, pair: Pair, edit: Edit) -> None:
    lacking = unaligned(pair)
    if not lacking:
        return
    if pair.corrupted is None:
        message = (
            f"'{edit}' waits for a corrupted prompt: set s.corrupted_prompt, or remove the edit"
        )
        raise InputError(message)
    where = first_difference(engine, pair)
    message = f"'{edit}' needs two prompts of one length, got {lacking}; {where}"
    raise InputError(message)


def _mask(edit: Edit, pairs: list[Pair], *, one_length: bool) -> Tensor | None:
    """Where the edit acts, bool [row, position]; None is everywhere."""
    if edit.at is None:
        return None
    mask = torch.zeros(len(pairs), len(pairs[0].clean), dtype=torch.bool)
    for row, pair in enumerate(pairs):
        mask[row, position(edit.at, pair, one_length=one_length)] = True
    return mask


def _hook(chain: list[_Step], moved: list[float]) -> HookFn:
    """Apply the edits of one hook point in list order."""

    def hook(tensor: Tensor, start: int) -> Tensor:
        out = tensor.clone()
        for step in chain:
            old = out if step.heads is None else out[:, :, step.heads]
            value = step.change(old, start)
            moved[step.number] = max(moved[step.number], float((value - old).abs().max()))
            if step.heads is None:
                out = value
            else:
                out[:, :, step.heads] = value
        return out

    return hook
