"""Clamps on a module are read at the door: there is such a submodule, and its value is used."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import torch

from headwidgets.errors import InputError
from headwidgets.labs.emergence.clamping import Read, read_clamps
from headwidgets.labs.emergence.clamps import HEADED, Clamp
from headwidgets.labs.emergence.clamps import value as to_value
from headwidgets.whole import whole

_KINDS = ("previous", "label", "value", "only", "copied")


def read(module: torch.nn.Module, clamps: Mapping[str, Any] | None) -> Read:
    """Read clamps by submodule; see `headwidgets.labs.emergence.on_module.clamp`.

    Raises
    ------
    InputError
        If there is no such submodule, two clamps hold one output, or a clamp would change nothing.
    """
    if not isinstance(clamps, Mapping | None):
        message = f"expected clamps as a mapping of submodules, got {type(clamps).__name__}"
        raise InputError(message)
    found = read_clamps({str(name): _as_clamps(one) for name, one in (clamps or {}).items()})
    for name, one in found:
        _check(module, name, one)
    return found


def form_of(module: torch.nn.Module, name: str) -> Any:
    """Return how a bridge makes of a submodule's output, heads side by side, what hooks see."""
    return getattr(module.get_submodule(name), "hook_conversion", None)


def axis_of(name: str, one: Clamp) -> int | None:
    """Return which axis heads are on, from the end."""
    if one.axis is None:
        return HEADED.get(name.rpartition("hook_")[2])
    axis = whole(one.axis)
    if axis is None or axis >= 0:
        message = f"expected axis counted from the end, such as -3, got {one.axis!r:.80}"
        raise InputError(message)
    return axis


def _as_clamps(one: Any) -> Any:
    many = isinstance(one, list | tuple) and one and isinstance(one[0], Clamp)
    return one if many or isinstance(one, Clamp) else to_value(one)


def _check(module: torch.nn.Module, name: str, one: Clamp) -> None:
    if one.kind == "copied" and not isinstance(one.given, torch.nn.Module):
        message = f"expected a torch module to copy {name!r} of, got {type(one.given).__name__}"
        raise InputError(message)
    if one.kind == "copied" and one.given is module:
        message = f"expected another module to copy {name!r} of, got the one that is clamped"
        raise InputError(message)
    for place in [module, *([one.given] if one.kind == "copied" else [])]:
        if not name or not _has(place, name):
            near = [other for other, _ in module.named_modules() if other][:3]
            message = f"no submodule {name!r}: expected one such as {', '.join(near) or 'none'}"
            raise InputError(message)
    if one.kind not in _KINDS:
        message = f"a clamp of kind {one.kind!r} is for the lab's own model, not for a module"
        raise InputError(message)
    if (one.heads is not None or one.kind == "only") and axis_of(name, one) is None:
        message = f"say by axis= where the heads of {name!r} are: its name does not tell"
        raise InputError(message)
    _check_heard(module, name)


def _check_heard(module: torch.nn.Module, name: str) -> None:
    """Refuse a hook of a bridge that fires when its value was used already."""
    above, _, last = name.rpartition(".")
    if last not in ("hook_attn_scores", "hook_pattern"):
        return
    attention = module.get_submodule(above)
    if not _delegates(attention):
        return
    inside = bool(getattr(attention.original_component, "accepts_pattern_fn", False))
    if last == "hook_pattern" and inside:
        return
    instead = "hook_pattern" if inside else "hook_z"
    message = (
        f"a clamp on {name!r} would change nothing: this attention has used it when that hook "
        f"fires; clamp {f'{above}.{instead}'!r} instead"
    )
    raise InputError(message)


def _delegates(attention: Any) -> bool:
    """Whether a bridge's attention leaves the computation to the module that it wraps."""
    loaded = sys.modules.get("transformer_lens.model_bridge.generalized_components")
    if loaded is None:  # then it is none
        return False
    kind = loaded.AttentionBridge
    return isinstance(attention, kind) and type(attention).forward is kind.forward


def _has(module: Any, name: str) -> bool:
    try:
        module.get_submodule(name)
    except AttributeError:
        return False
    return True
