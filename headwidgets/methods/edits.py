"""Edits: what to change in a run, as values that can be shown, saved and compared.

An edit of a head acts on its z (the mixed values, before the output weights), which is
exact on every architecture; an edit of an MLP acts on what the MLP writes; an edit of the
residual stream on what a block reads. Edits of one place apply in list order.
"""

from __future__ import annotations

from typing import Any

from headwidgets.errors import InputError
from headwidgets.methods.edit import KINDS, RUNS, TOGGLES, Edit
from headwidgets.methods.places import At, read_at, read_target
from headwidgets.methods.vector import Direction

__all__ = [
    "KINDS",
    "RUNS",
    "TOGGLES",
    "At",
    "Edit",
    "add",
    "keep",
    "mean",
    "patch",
    "path",
    "read_at",
    "read_target",
    "resample",
    "scale",
    "subtract",
    "zero",
]


def zero(target: object, at: Any = None) -> Edit:
    """Set z to zero (an MLP: what it writes). Equal to zeroing the head's W_O.

    Parameters
    ----------
    target : str, tuple or Head
        A head, ``"9.9"``; an MLP, ``"mlp 3"``; the residual stream as block 5 reads it,
        ``"resid 5"`` (of 12 layers, ``"resid 12"`` is the last stream).
    at : int, str, list or None
        Token position (BOS is 0, negative from the end), role, several, or everywhere.
    """
    return Edit("zero", target, at)  # type: ignore[arg-type]


def mean(target: object, at: Any = None) -> Edit:
    """Replace z by its average over the session's reference prompts.

    The average is taken by role where roles are given, else by distance from the end;
    BOS has its own. Without a reference it runs over 64 shuffles of the session's own
    prompts. Parameters as in `zero`.

    References
    ----------
    Wang et al. 2022, "Interpretability in the Wild", arXiv 2211.00593 (mean ablation).
    """
    return Edit("mean", target, at)  # type: ignore[arg-type]


def patch(target: object, at: Any = None, into: str = "clean") -> Edit:
    """Replace z by the other run's z at the same position (activation patching).

    Parameters
    ----------
    target, at
        As in `zero`.
    into : {"clean", "corrupted"}
        ``"clean"``: the clean prompt runs with this z from the corrupted run (noising).
        ``"corrupted"``: the corrupted prompt runs with this z from the clean run
        (denoising, the direction of ``transformer_lens.patching``).
    """
    return Edit("patch", target, at, into=into)  # type: ignore[arg-type]


def scale(target: object, factor: float, at: Any = None) -> Edit:
    """Multiply z by `factor`. Other parameters as in `zero`.

    Raises
    ------
    InputError
        If `factor` is not a finite number.
    """
    return Edit("scale", target, at, factor=factor)  # type: ignore[arg-type]


def resample(target: object, at: Any = None, seed: int = 0) -> Edit:
    """Replace z by that of another prompt of the set, of the same length (resample ablation).

    Which prompt gives to which is drawn once by `seed`: every prompt gives to one other
    and takes from one other. Other parameters as in `zero`.

    References
    ----------
    Chan et al. 2022, "Causal scrubbing".
    """
    return Edit("resample", target, at, seed=seed)  # type: ignore[arg-type]


def add(target: object, direction: object, strength: float = 1.0, at: Any = None) -> Edit:
    """Add `strength` times a direction: a' = a + strength · v.

    At a head this adds v to z, which adds strength · v W_O to what the head writes.

    Parameters
    ----------
    target, at
        As in `zero`.
    direction : Direction or array of float
        [d_head] for a head, [d_model] for an MLP or the residual stream; see
        `find_direction`. It is added as long as it is.
    strength : float

    Raises
    ------
    InputError
        If the direction has a zero norm, is not finite, or was found in another head's z
        (its `vector` can be given as an array); or `strength` is no finite number.

    References
    ----------
    Turner et al. 2023, "Activation Addition", arXiv 2308.10248.
    """
    given = _given(direction, target)
    return Edit("add", target, at, factor=strength, direction=given)  # type: ignore[arg-type]


def subtract(
    target: object, direction: object, at: Any = None, to: str = "zero", into: str = "clean"
) -> Edit:
    """Take out what lies along a direction: a' = a + ((t − a) · v̂) v̂.

    Applying it twice is applying it once.

    Parameters
    ----------
    target, at
        As in `zero`.
    direction : Direction or array of float
        As in `add`; its length does not matter.
    to : {"zero", "mean", "patch"}
        What t is: zero; the mean over the reference, as `mean` takes it; or the other
        run's activation at the same position.
    into : {"clean", "corrupted"}
        Of ``to="patch"``, as in `patch`.

    References
    ----------
    Tigges et al. 2023, "Linear Representations of Sentiment", arXiv 2310.15154, section 2.
    """
    given = _given(direction, target)
    return Edit("subtract", target, at, into=into, direction=given, to=to)  # type: ignore[arg-type]


def keep(*heads: object, at: Any = None) -> Edit:
    """Replace every head's z by its average, but for these heads: the circuit alone.

    Parameters
    ----------
    *heads : head, or one sequence of them
        In any spelling.
    at : int, str, list or None
        As in `zero`: where the others are replaced.

    References
    ----------
    Wang et al. 2022, "Interpretability in the Wild", arXiv 2211.00593, section 4.
    """
    listed = heads[0] if len(heads) == 1 else list(heads)
    return Edit("keep", listed, at)  # type: ignore[arg-type]


def path(senders: object, to: object = "logits", into: str = "clean", at: Any = None) -> Edit:
    """Patch what heads write, as far as it reaches the receivers: path patching.

    The receivers read what they would read if the senders alone wrote as in the other run,
    all other heads being held as they are and the MLPs recomputed. Alone it gives what
    `Session.paths` gives for these senders together. What the path carries is taken from the
    unedited runs; other edits act beside it.

    Parameters
    ----------
    senders : head, or several
        Patched together.
    to : "logits", or one or several of ``"9.9.q"``, ``"9.9.k"``, ``"9.9.v"``
        The receivers. A key or value that several heads share is changed for all of them.
    into : {"clean", "corrupted"}
        As in `patch`.
    at : int, str, list or None
        Where the senders write something else; as in `zero`.

    Raises
    ------
    InputError
        If a sender is no head, or a receiver cannot be read.

    References
    ----------
    Wang et al. 2022, "Interpretability in the Wild", arXiv 2211.00593, section 3.1.
    """
    return Edit("path", senders, at, into=into, receivers=to)  # type: ignore[arg-type]


def _given(direction: object, target: object) -> Direction:
    if direction is None:
        message = "expected a direction: one that find_direction returns, or an array of numbers"
        raise InputError(message)
    if isinstance(direction, Direction):
        return direction
    return Direction(direction, read_target(target))  # type: ignore[arg-type]
