"""The language of clamps: which activation, of which heads, to what, from which step to which.

A clamp overwrites an activation inside the graph that is trained, so that gradients flow around
it ("artificial optogenetics": Singh et al. 2024, arXiv 2404.07129, section 4.2). Activations are
named as TransformerLens names its hooks::

    {"blocks.0.attn.hook_pattern": previous_token([2]), "blocks.1.attn.hook_z": only([3])}
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from headwidgets.errors import InputError
from headwidgets.labs.emergence.shape import count, number
from headwidgets.whole import whole

HEADED = {
    "pattern": -3,
    "attn_scores": -3,
    **dict.fromkeys(("z", "q", "k", "v", "rot_q", "rot_k", "result"), -2),
}
"""Last part of an activation's name -> which axis its heads are on."""


@dataclass(frozen=True, eq=False)
class Clamp:
    """One clamp; made by `previous_token` and the other functions here.

    Attributes
    ----------
    kind : str
    heads : tuple of int, optional
        None: all, or the activation has none.
    start, stop : int
        Steps from which, and up to before which; `stop` None: to the end.
    given : object
        What the kind needs: a probability, a value, another run.
    axis : int, optional
        Where the heads are, counted from the end, in a module whose name does not tell.
    """

    kind: str
    heads: tuple[int, ...] | None = None
    start: int = 0
    stop: int | None = None
    given: Any = None
    axis: int | None = None

    def active(self, step: int) -> bool:
        """Whether it holds at a step."""
        return self.start <= step and (self.stop is None or step < self.stop)

    def during(self, start: int = 0, stop: int | None = None) -> Clamp:
        """Return the same clamp for other steps.

        Raises
        ------
        InputError
            If `stop` does not come after `start`.
        """
        first = count("start", start, 0)
        last = None if stop is None else count("stop", stop, first + 1)
        return replace(self, start=first, stop=last)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values; what is given as arrays or runs is told, not kept."""
        given = list(self.given) if isinstance(self.given, tuple) else self.given
        plain = isinstance(given, int | float | list | type(None))
        return {
            "kind": self.kind,
            "heads": None if self.heads is None else list(self.heads),
            "start": self.start,
            "stop": self.stop,
            "given": given if plain else f"<{type(given).__name__}>",
            "axis": self.axis,
        }

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Clamp:
        """Read what `to_json` returned.

        Raises
        ------
        InputError
            If an array or a run was given, which is not kept.
        """
        given, heads = state["given"], state["heads"]
        if isinstance(given, str):
            message = f"a clamp to a {given} is not saved: give the conditions again"
            raise InputError(message)
        found = tuple(given) if isinstance(given, list) else given
        own = None if heads is None else tuple(heads)
        return cls(state["kind"], own, state["start"], state["stop"], found, state["axis"])


def previous_token(heads: object = None, axis: int | None = None) -> Clamp:
    """Clamp a pattern to the token before: row i to i - 1, row 0 to itself.

    Parameters
    ----------
    heads : int or list of int, optional
        None: all. Steps are chosen by `Clamp.during`.
    axis : int, optional
        Of the heads, counted from the end, in a module whose name does not tell.

    Raises
    ------
    InputError
        If `heads` are none.
    """
    return Clamp("previous", _read_heads(heads), axis=axis)


def correct_label(heads: object = None, p: Any = 1.0, axis: int | None = None) -> Clamp:
    """Clamp the asked rows of a pattern: `p` on the right label, the rest on the wrong one.

    Parameters
    ----------
    heads : int or list of int, optional
    p : float
        0 to 1; the induction strength is then ``2p - 1``.
    axis : int, optional
        Of the heads, counted from the end, in a module whose name does not tell.

    Raises
    ------
    InputError
        If `p` is out of range.
    """
    found = number(p)
    if found is None or not 0 <= found <= 1:
        message = f"expected p from 0 to 1, got {p!r:.80}"
        raise InputError(message)
    return Clamp("label", _read_heads(heads), given=found, axis=axis)


def value(given: Any, heads: object = None, axis: int | None = None) -> Clamp:
    """Clamp an activation to a number, to an array that fits it, or to what a function makes of it.

    Parameters
    ----------
    given : float, array or callable
        An array has the activation's shape, or one that broadcasts to it; a function takes the
        activation and returns what takes its place. All numbers are finite.
    heads : int or list of int, optional
    axis : int, optional
        Of the heads, counted from the end, in a module whose name does not tell.

    Raises
    ------
    InputError
        If a number is NaN or infinite.
    """
    return Clamp("value", _read_heads(heads), given=_finite(given), axis=axis)


def zero(heads: object = None, axis: int | None = None) -> Clamp:
    """Clamp an activation to 0; on ``hook_z``, heads that are ablated throughout training."""
    return value(0.0, heads, axis)


def only(heads: object, axis: int | None = None) -> Clamp:
    """Clamp all heads but these to 0.

    Parameters
    ----------
    heads : int or list of int
    axis : int, optional
        Of the heads, counted from the end, in a module whose name does not tell.

    Raises
    ------
    InputError
        If `heads` are none.
    """
    found = _read_heads(heads)
    if found is None:
        message = "expected the heads that stay, got None"
        raise InputError(message)
    return Clamp("only", None, given=found, axis=axis)


def shifted() -> Clamp:
    """Clamp what a layer reads to the embeddings, each of the token before.

    Position 0 and the last one have their own, as the paper's code has it (its text says zero).
    """
    return Clamp("shifted")


def label_scores(head: int) -> Clamp:
    """Clamp logits to a head's attention scores on the two labels, -1e9 for the other labels."""
    return Clamp("scores", given=count("head", head, 0))


def copied(source: Any, heads: object = None, axis: int | None = None) -> Clamp:
    """Clamp an activation to that of another run on the same batch.

    Parameters
    ----------
    source : Trained, Run, Finished or torch module
        Of the same shape, on data of the same sizes; a run counts as it is now. A module where the
        clamp is put on a module.
    heads : int or list of int, optional
    axis : int, optional
        Of the heads, counted from the end, in a module whose name does not tell.
    """
    return Clamp("copied", _read_heads(heads), given=_as_it_is(source), axis=axis)


def graft(source: Any) -> Clamp:
    """Clamp a layer's weights (its name is ``blocks.0``) to those of another run.

    Parameters
    ----------
    source : Trained, Run or Finished
        Of the same shape; a run counts as it is now.
    """
    return Clamp("graft", given=_as_it_is(source))


def _as_it_is(source: Any) -> Any:
    """Return what a run has trained so far; what is no run stays."""
    return source.trained() if callable(getattr(source, "trained", None)) else source


def _finite(given: Any) -> Any:
    """Return what a clamp is to: a number as a float, an array as it is, if they are finite."""
    if callable(given) or given is None or isinstance(given, str):
        return given  # a function's result, and what is no number, are read when it is used
    try:
        plain = given.detach().cpu().double() if hasattr(given, "detach") else given
        values = np.asarray(plain, float)
    except (TypeError, ValueError, RuntimeError):
        return given
    if not (np.abs(values) <= np.finfo(np.float32).max).all():  # NaN is not, either
        message = f"expected finite numbers to clamp to, got {given!r:.80}"
        raise InputError(message)
    if values.ndim and not isinstance(given, list | tuple):
        return given
    return given if getattr(given, "requires_grad", False) else values.tolist()


def _read_heads(heads: object) -> tuple[int, ...] | None:
    if heads is None:
        return None
    one = whole(heads)
    many = [one] if one is not None else list(heads) if isinstance(heads, Iterable) else []
    found = [whole(head) for head in many]
    kept = [head for head in found if head is not None and head >= 0]
    if not kept or len(kept) != len(found) or len({*kept}) != len(kept):
        message = f"expected heads as different whole numbers from 0, got {heads!r:.80}"
        raise InputError(message)
    return tuple(kept)
