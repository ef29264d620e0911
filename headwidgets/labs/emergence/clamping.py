"""Clamps are read at the door: there is such an activation, such a head, such a step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from headwidgets.errors import InputError
from headwidgets.labs.emergence.clamps import HEADED, Clamp

if TYPE_CHECKING:
    from headwidgets.labs.emergence.shape import Shape

_STREAM = ("hook_resid_pre", "hook_q_input", "hook_k_input", "hook_v_input", "hook_attn_out")
_HEADS = ("hook_rot_q", "hook_rot_k", "hook_v", "hook_attn_scores", "hook_pattern", "hook_z")

_MODEL = ("n_layers", "n_heads", "d_model", "d_head")
_OF_DATA = ("length", "n_tokens", "n_labels", "n_features")

Clamps = Mapping[str, "Clamp | Iterable[Clamp]"]
Read = tuple[tuple[str, Clamp], ...]


def read_clamps(
    given: Clamps | None, shape: Shape | None = None, steps: int | None = None, data: Any = None
) -> Read:
    """Read clamps by activation.

    Parameters
    ----------
    given : mapping of str to Clamp or list of Clamp
    shape : Shape, optional
        Of the model; None: of a module, whose names and heads are its own.
    steps : int, optional
        Of the run.
    data : Exemplars, Repeats or another, optional
        What the model learns from: what is copied comes from data of the same sizes.

    Raises
    ------
    InputError
        If there is no such activation, head or step, two clamps hold one activation, or what is
        copied or grafted has another shape.
    """
    if not isinstance(given, Mapping | None):
        message = f"expected clamps as a mapping of activations, got {type(given).__name__}"
        raise InputError(message)
    out: list[tuple[str, Clamp]] = []
    for name, one in (given or {}).items():
        mine = (
            [one] if isinstance(one, Clamp) else list(one) if isinstance(one, list | tuple) else []
        )
        if not mine or not all(isinstance(clamp, Clamp) for clamp in mine):
            message = f"expected a clamp on {name!r}, such as zero([0]), got {one!r:.80}"
            raise InputError(message)
        for place, clamp in enumerate(mine):
            if shape is not None:
                _check(name, clamp, shape, data)
            _check_steps(name, clamp, steps)
            if any(_meet(clamp, other) for other in mine[:place]):
                message = f"expected one clamp on {name!r} of a head at a time, got two"
                raise InputError(message)
            out.append((name, clamp))
    return tuple(out)


def activations(shape: Shape) -> list[str]:
    """Return the names of what can be clamped in the lab's model; ``blocks.0`` are weights."""
    out = []
    for layer in range(shape.n_layers):
        out += [f"blocks.{layer}.{name}" for name in _STREAM]
        out += [f"blocks.{layer}.attn.{name}" for name in _HEADS]
    return [*out, "logits", *[f"blocks.{layer}" for layer in range(shape.n_layers)]]


def _check(name: str, clamp: Clamp, shape: Shape, data: Any) -> None:
    if name not in activations(shape):
        message = (
            f"no activation {name!r}: expected one such as 'blocks.0.attn.hook_pattern', "
            f"with blocks 0 to {shape.n_layers - 1}, or 'logits'"
        )
        raise InputError(message)
    layer, last = name.count(".") == 1, name.rpartition("hook_")[2]
    if (clamp.kind == "graft") != layer:
        message = f"expected a graft, and nothing else, on a layer such as 'blocks.0', got {name!r}"
        raise InputError(message)
    fits = {
        "previous": last == "pattern",
        "label": last == "pattern",
        "only": last in HEADED,
        "shifted": last.endswith("_input"),
        "scores": name == "logits",
    }
    if not fits.get(clamp.kind, True):
        message = f"a clamp of kind {clamp.kind!r} cannot be put on {name!r}"
        raise InputError(message)
    asked = clamp.heads
    if clamp.kind == "only":
        asked = clamp.given
    if clamp.kind == "scores":
        asked = (clamp.given,)
    if clamp.axis is not None and clamp.axis != HEADED.get(last):
        message = f"{name!r} tells itself where its heads are, got axis={clamp.axis!r:.80}: leave "
        message += "it out, it is for modules of your own (hw.clamp)"
        raise InputError(message)
    if clamp.heads is not None and last not in HEADED:
        message = f"{name!r} has no heads, got heads {list(clamp.heads)}"
        raise InputError(message)
    if clamp.kind in ("graft", "copied"):
        _check_source(name, clamp, shape, data)
    wrong = [head for head in asked or () if head >= shape.n_heads]
    if wrong:
        message = f"no head {wrong[0]}: a layer has heads 0 to {shape.n_heads - 1}"
        raise InputError(message)


def _check_source(name: str, clamp: Clamp, shape: Shape, data: Any) -> None:
    source = clamp.given
    other, on = getattr(source, "shape", None), getattr(source, "data", None)
    if not isinstance(other, type(shape)) or on is None:
        message = f"expected a run or what it trained, of the same shape, got {source!r:.80}"
        raise InputError(message)
    pairs = [("model", other, shape, _MODEL)]
    if clamp.kind == "copied" and data is not None:
        pairs.append(("data", on, data, _OF_DATA))
    for what, there, here, sizes in pairs:
        if any(getattr(there, size, None) != getattr(here, size, None) for size in sizes):
            message = (
                f"expected for {name!r} a run of the same shape, its {what} of "
                f"{_sized(here, sizes)}, got one of {_sized(there, sizes)}"
            )
            raise InputError(message)


def _sized(one: Any, sizes: Iterable[str]) -> str:
    return ", ".join(f"{size}={getattr(one, size, None)}" for size in sizes)


def _check_steps(name: str, clamp: Clamp, steps: int | None) -> None:
    if steps is not None and clamp.start >= max(steps, 1):
        message = f"no step {clamp.start}: the clamp on {name!r} begins after the run's {steps}"
        raise InputError(message)
    if steps is not None and clamp.stop is not None and clamp.stop > steps:
        message = (
            f"no step {clamp.stop}: the clamp on {name!r} would stop after the run's {steps}; "
            "leave stop out to hold it to the end"
        )
        raise InputError(message)


def _meet(one: Clamp, other: Clamp) -> bool:
    """Whether two clamps of one activation hold the same heads at some step."""
    first, last = max(one.start, other.start), [c.stop for c in (one, other) if c.stop is not None]
    if last and first >= min(last):
        return False
    return one.heads is None or other.heads is None or bool({*one.heads} & {*other.heads})
