"""Directions found in a prompt set: in a head's z, in what an MLP writes, in the stream."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch

from headwidgets.errors import InputError
from headwidgets.heads import Head
from headwidgets.methods.activations import activations
from headwidgets.methods.apply import check_target
from headwidgets.methods.edit import Edit
from headwidgets.methods.logistic import logistic
from headwidgets.methods.logit_direction import LogitDirection
from headwidgets.methods.measuring import order_tokens
from headwidgets.methods.options import refuse_unknown
from headwidgets.methods.places import read_at, read_target
from headwidgets.methods.runs import batches, logits
from headwidgets.methods.vector import HOW, Direction

if TYPE_CHECKING:
    from torch import Tensor

    from headwidgets.methods.metric import Tokens
    from headwidgets.methods.places import At
    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.engine import Engine


def find_direction(
    engine: Engine,
    snapshot: Snapshot,
    target: object,
    how: str = "mean difference",
    *,
    at: Any = "end",
    groups: Any = None,
    vector: Any = None,
    name: str = "",
    **unknown: object,
) -> Direction:
    """Find a direction at one place of the model.

    Parameters
    ----------
    target : str, tuple or Head
        A head, ``"9.9"`` (in its z, [d_head]); an MLP, ``"mlp 3"``; or the residual stream
        as block 5 reads it, ``"resid 5"``, [d_model].
    how : {"mean difference", "pca", "logistic", "unembedding", "given"}
        ``"mean difference"``: mean of one side minus mean of the other. ``"pca"``: first
        principal component, of length one, of the differences taken in either order (so
        their mean is zero), pointing along the mean difference. ``"logistic"``: the
        weights that separate the sides (ridge penalty, C = 1). ``"unembedding"``: how the
        logit difference reads the last stream, W_U[answer] − W_U[foil] through the final
        norm's weight, the mean over prompts; of a head, mapped back through its W_O.
        ``"given"``: `vector`.
    at : int, str, list or None
        Where activations are taken; None is everywhere.
    groups : sequence of bool, optional
        Which side each clean prompt is on; default: clean against corrupted.
    vector : array_like of float, optional
        For ``"given"``.
    name : str, optional
        What it is called; default: how it was found.

    Raises
    ------
    InputError
        If the place, the groups or the vector do not fit, or the sides do not differ.

    References
    ----------
    Tigges et al. 2023, "Linear Representations of Sentiment", arXiv 2310.15154, section 2.
    """
    refuse_unknown("direction", unknown, "at, groups, vector, name")
    if how not in HOW:
        message = f"expected how as one of {', '.join(map(repr, HOW))}, got {how!r}"
        raise InputError(message)
    place = read_target(target)
    if (vector is None) == (how == "given"):
        message = "expected vector= with how='given', and with nothing else"
        raise InputError(message)
    if how == "given":
        found = Direction(vector, place, name, how)
    elif how == "unembedding":
        found = Direction(_unembedding(engine, snapshot, place).numpy(), place, name, how)
    else:
        sides = _sides(engine, snapshot, place, read_at(at), groups)
        found = Direction(_between(how, *sides).numpy(), place, name, how)
    check_target(engine, Edit("add", place, factor=1.0, direction=found))
    return found


def _sides(
    engine: Engine, snapshot: Snapshot, target: str, at: At, groups: Any
) -> tuple[Tensor, Tensor, bool]:
    """Return the activations of the two sides, [row, width], and whether rows are partners."""
    clean = activations(engine, snapshot, target, at)
    if groups is None:
        corrupted = activations(engine, snapshot, target, at, "corrupted")
        return torch.cat(clean), torch.cat(corrupted), True
    listed = list(groups) if isinstance(groups, Iterable) else []
    chosen = [bool(group) for group in listed]
    if len(chosen) != len(clean) or len(set(chosen)) != 2:  # noqa: PLR2004 - two sides
        message = (
            f"expected groups as {len(clean)} values, true for one side and false for the "
            f"other, one for each prompt and some of both, got {groups!r:.80}"
        )
        raise InputError(message)
    sides = [[a for a, mine in zip(clean, chosen, strict=True) if mine == side] for side in (1, 0)]
    return torch.cat(sides[0]), torch.cat(sides[1]), False


def _between(how: str, one: Tensor, other: Tensor, partners: bool) -> Tensor:  # noqa: FBT001 - as `_sides` says
    """Return the direction from `other` to `one`, [width]."""
    one, other = one.double(), other.double()
    mean = one.mean(0) - other.mean(0)
    if how == "mean difference":
        found = mean
    elif how == "logistic":
        kinds = torch.tensor([True] * len(one) + [False] * len(other))
        found, _ = logistic(torch.cat([one, other]), kinds)
    else:
        found = _principal(one - other if partners else _all_differences(one, other))
        found = -found if float(found @ mean) < 0 else found
    if not float(found.norm()) > 0:
        message = (
            "the two sides do not differ there, so there is no direction between them: look at "
            "a position that the difference can have reached, or a later layer"
        )
        raise InputError(message)
    return found


def _all_differences(one: Tensor, other: Tensor) -> Tensor:
    """Return rows with the second moment of all differences across two groups."""
    spread = [(side - side.mean(0)) / len(side) ** 0.5 for side in (one, other)]
    return torch.cat([*spread, (one.mean(0) - other.mean(0))[None]])


def _principal(rows: Tensor) -> Tensor:
    """Return the first principal axis of rows and their opposites; zero where all are zero."""
    _, sizes, axes = torch.linalg.svd(rows, full_matrices=False)
    return axes[0] if float(sizes[0]) > 0 else torch.zeros_like(axes[0])


def _unembedding(engine: Engine, snapshot: Snapshot, target: str) -> Tensor:
    tokens: list[Tokens] = []
    for batch in batches(engine, snapshot):
        clean = logits(engine, snapshot, "clean", batch).values
        tokens += [order_tokens(engine, snapshot, i, clean[row]) for row, i in enumerate(batch)]
    found = LogitDirection(engine, tokens).vectors.mean(0).float().cpu()
    if not target[0].isdigit():
        return found
    head = Head.parse(target).within(engine.facts.n_layers, engine.facts.n_heads)
    return engine.weights.W_O(head.layer)[head.head].cpu() @ found
