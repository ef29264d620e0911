"""Edits made into hooks, for a batch of prompts of one length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from headwidgets.errors import InputError
from headwidgets.methods.means import mean_tables
from headwidgets.methods.record import mlp_name, record, z_name
from headwidgets.methods.snapshot import Pair, Snapshot, position, unaligned
from headwidgets.methods.trust import require_trust

if TYPE_CHECKING:
    from headwidgets.methods.edits import Edit
    from headwidgets.model.engine import Engine, HookFn, Hooks

Change = Callable[[Tensor, int], Tensor]
"""Old values [row, position, ...] and the first position; returns the new ones."""


@dataclass
class Compiled:
    """Hooks that make the edits, and how far each edit moved its activation."""

    hooks: Hooks
    edits: tuple[Edit, ...]
    moved: list[float] = field(default_factory=list)


def compile_edits(engine: Engine, snapshot: Snapshot, batch: Sequence[int]) -> Compiled:
    """Make hooks of the session's edits for some pairs of one length.

    Raises
    ------
    InputError
        If an edit names what the model or the prompts do not have, or lacks its
        aligned partner prompt.
    """
    pairs = [snapshot.pairs[i] for i in batch]
    edits = snapshot.edits
    for edit in edits:
        check_target(engine, edit)
        if edit.head is not None:
            require_trust(engine, edit.layer, pairs[0].clean)
    sources = _sources(engine, snapshot, pairs)
    out = Compiled(hooks=[], edits=edits, moved=[0.0] * len(edits))
    steps: dict[str, list[tuple[int, Edit, Change]]] = {}
    for number, edit in enumerate(edits):
        mask = _mask(edit, pairs, one_length=snapshot.one_length)
        change = _change(edit, sources.get((edit.kind, _site(edit))), mask)
        steps.setdefault(_site(edit), []).append((number, edit, change))
    out.hooks = [(name, _hook(chain, out.moved)) for name, chain in steps.items()]
    return out


def check_target(engine: Engine, edit: Edit) -> None:
    """Refuse a head or an MLP that the model does not have."""
    facts = engine.facts
    if edit.head is not None:
        edit.head.within(facts.n_layers, facts.n_heads)
        return
    if edit.layer >= facts.n_layers:
        message = f"no {edit.target}: this model has layers 0 to {facts.n_layers - 1}"
        raise InputError(message)
    if not facts.has_mlp:
        message = f"no {edit.target}: this model has no MLPs, only attention"
        raise InputError(message)


def waiting(edit: Edit, pair: Pair) -> str:
    """Say what a patch lacks on a pair: ``"waiting: 16 and 64 tokens"``, or nothing."""
    lacking = unaligned(pair) if edit.kind == "patch" else ""
    return f"waiting: {lacking}" if lacking else ""


def _site(edit: Edit) -> str:
    return z_name(edit.layer) if edit.head is not None else mlp_name(edit.layer)


def _sources(
    engine: Engine, snapshot: Snapshot, pairs: list[Pair]
) -> dict[tuple[str, str], Tensor]:
    """Return what patches and means put in, [row, position, ...] by kind and hook point."""
    out: dict[tuple[str, str], Tensor] = {}
    patched = sorted({_site(e) for e in snapshot.edits if e.kind == "patch"})
    if patched:
        for pair in pairs:
            _require_aligned(engine, pair, next(e for e in snapshot.edits if e.kind == "patch"))
        giving = "corrupted" if snapshot.base == "clean" else "clean"
        found = record(engine, [pair.ids(giving) for pair in pairs], patched)
        out |= {("patch", name): value for name, value in found.items()}
    averaged = sorted({_site(e) for e in snapshot.edits if e.kind == "mean"})
    if averaged:
        tables = mean_tables(engine, snapshot, averaged)
        bos = engine.text.bos_id
        out |= {("mean", name): table.rows(pairs, bos) for name, table in tables.items()}
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
    shown = [engine.text.shown(ids) for ids in (pair.clean, pair.corrupted)]
    both = list(zip(pair.clean, pair.corrupted, strict=False))
    first = next((i for i, (a, b) in enumerate(both) if a != b), len(both))
    pieces = [repr(p[first]) if first < len(p) else "nothing" for p in shown]
    message = (
        f"'{edit}' needs two prompts of one length, got {lacking}; they first differ at "
        f"position {first}: {pieces[0]} and {pieces[1]}"
    )
    raise InputError(message)


def _mask(edit: Edit, pairs: list[Pair], *, one_length: bool) -> Tensor | None:
    """Where the edit acts, bool [row, position]; None is everywhere."""
    if edit.at is None:
        return None
    mask = torch.zeros(len(pairs), len(pairs[0].clean), dtype=torch.bool)
    for row, pair in enumerate(pairs):
        mask[row, position(edit.at, pair, one_length=one_length)] = True
    return mask


def _change(edit: Edit, source: Tensor | None, mask: Tensor | None) -> Change:
    """Return the function from old to new values of what the edit targets."""
    head = edit.head

    def new(old: Tensor, start: int) -> Tensor:
        stop = start + old.shape[1]
        if edit.kind == "zero":
            value, where = torch.zeros_like(old), mask
        elif edit.kind == "scale":
            value, where = old * float(edit.factor or 0.0), mask
        else:
            assert source is not None  # noqa: S101 - _sources gave every patch and mean one
            given = source if head is None else source[:, :, head.head]
            value, where = _reach(given, start, stop), mask
            if edit.kind == "patch" and where is None:  # beyond the prompt there is no partner
                where = torch.ones(given.shape[:2], dtype=torch.bool)
            value = value.to(old)
        if where is None:
            return value
        chosen = torch.zeros(old.shape[:2], dtype=torch.bool, device=old.device)
        inside = where[:, start:stop]
        chosen[:, : inside.shape[1]] = inside.to(old.device)
        return torch.where(chosen[..., None], value, old)

    return new


def _reach(given: Tensor, start: int, stop: int) -> Tensor:
    """Slice a source to the positions of a chunk; past the prompt its last value stands."""
    inside = given[:, start:stop]
    lacking = (stop - start) - inside.shape[1]
    if lacking <= 0:
        return inside
    return torch.cat([inside, given[:, -1:].expand(-1, lacking, -1)], dim=1)


def _hook(chain: list[tuple[int, Edit, Change]], moved: list[float]) -> HookFn:
    """Apply the edits of one hook point in list order."""

    def hook(tensor: Tensor, start: int) -> Tensor:
        out = tensor.clone()
        for number, edit, change in chain:
            old = out if edit.head is None else out[:, :, edit.head.head]
            value = change(old, start)
            moved[number] = max(moved[number], float((value - old).abs().max()))
            if edit.head is None:
                out = value
            else:
                out[:, :, edit.head.head] = value
        return out

    return hook
