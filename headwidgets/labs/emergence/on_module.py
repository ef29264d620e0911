"""The language of clamps on any torch module, in your own training loop.

A clamp is put on what a submodule returns, by a hook that is gone when the ``with`` block ends,
whatever ends it.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import torch

from headwidgets.errors import InputError
from headwidgets.labs.emergence.clamped import (
    fitting,
    given_value,
    label_pattern,
    on_heads,
    previous_pattern,
)
from headwidgets.labs.emergence.clamping import Read, read_clamps
from headwidgets.labs.emergence.clamps import HEADED, Clamp
from headwidgets.labs.emergence.clamps import value as to_value
from headwidgets.labs.emergence.shape import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from headwidgets.labs.emergence.batch import Batch

_KINDS = ("previous", "label", "value", "only", "copied")
_PATTERN = 3  # [sequence, query, key], or with heads
_AXES = 4  # [sequence, position, head, d_head] or [sequence, head, query, key]


class OnModule:
    """What `clamp` returns: tell it the step and the batch, where clamps depend on them.

    Attributes
    ----------
    step : int
        Decides which clamps hold; set it in your loop. 0 at first.
    batch : Batch, optional
        Where `correct_label` finds the right label.
    """

    def __init__(self, module: torch.nn.Module, clamps: Read) -> None:
        self.step = 0
        self.batch: Batch | None = None
        self._module, self._clamps = module, clamps
        self._others: dict[tuple[int, str], torch.Tensor] = {}
        self._stack = contextlib.ExitStack()
        self._ran: set[str] = set()
        self._ended = False

    def switch(self, clamps: Mapping[str, Any] | None) -> None:
        """Put these clamps in place of those that are on.

        Raises
        ------
        InputError
            If a clamp cannot be put on, and those that are on stay; or the block has ended.
        """
        if self._ended:
            message = "expected to switch clamps inside the with block, which has ended"
            raise InputError(message)
        read = _read(self._module, clamps)
        self._stack.close()
        self._clamps = read
        self.put()

    def put(self) -> None:
        """Put the hooks on."""
        by_name: dict[str, list[Clamp]] = {}
        for name, one in self._clamps:
            by_name.setdefault(name, []).append(one)
        for name, mine in by_name.items():

            def hook(_: Any, __: Any, out: Any, name: str = name, mine: Any = mine) -> Any:
                return self._replaced(name, mine, out)

            handle = self._module.get_submodule(name).register_forward_hook(hook)
            self._stack.callback(handle.remove)
        last = self._module.register_forward_hook(self._check_ran, with_kwargs=True)
        self._stack.callback(last.remove)
        others = {id(c.given): c.given for _, c in self._clamps if c.kind == "copied"}
        for other in others.values():
            names = [n for n, c in self._clamps if c.kind == "copied" and c.given is other]

            def before(
                _: Any, args: Any, kwargs: Any, other: Any = other, names: Any = names
            ) -> None:
                self._run_other(other, names, args, kwargs)

            root = self._module.register_forward_pre_hook(before, with_kwargs=True)
            self._stack.callback(root.remove)

    def take_off(self) -> None:
        """Take the hooks off, for good."""
        self._ended = True
        self._stack.close()

    def _check_ran(self, _: Any, __: Any, kwargs: Any, ___: Any) -> None:
        """Tell of a clamp that held nothing: its submodule is not on the way of this forward."""
        if kwargs.get("stop_at_layer") is not None:  # a bridge that runs its first layers alone
            return
        for name, one in self._clamps:
            if one.active(self.step) and name not in self._ran:
                message = (
                    f"the clamp on {name!r} holds nothing: {type(self._module).__name__} ran "
                    "without that submodule"
                )
                raise InputError(message)

    def _replaced(self, name: str, mine: list[Clamp], out: Any) -> Any:
        self._ran.add(name)
        whole = isinstance(out, torch.Tensor)
        if not whole and not (isinstance(out, tuple) and out and isinstance(out[0], torch.Tensor)):
            message = f"expected {name!r} to return a tensor, or a tuple that begins with one, got "
            message += type(out).__name__
            raise InputError(message)
        value, form = out if whole else out[0], _form(self._module, name)
        value = value if form is None else form.convert(value)
        for one in mine:
            if one.active(self.step):
                value = self._one(name, one, value)
        value = value if form is None else form.revert(value)
        return value if whole else (value, *out[1:])

    def _one(self, name: str, one: Clamp, value: torch.Tensor) -> torch.Tensor:
        if one.kind == "previous":
            if value.ndim < _PATTERN or value.shape[-1] != value.shape[-2]:
                message = f"expected {name!r} as a pattern of as many queries as keys, got "
                message += str(tuple(value.shape))
                raise InputError(message)
            new = previous_pattern(value, slice(0, value.shape[-1]))
        elif one.kind == "label":
            if self.batch is None:
                message = "correct_label needs the batch: set clamped.batch before the forward"
                raise InputError(message)
            new = label_pattern(value, self.batch, one.given)
        elif one.kind == "copied":
            new = fitting(self._others[id(one.given), name], value)
        else:
            new = given_value(one, value)
        heads = one.heads
        axis = _axis(name, one)
        if one.kind == "only" and axis is not None:
            heads = tuple(h for h in range(value.shape[axis]) if h not in one.given)
        if heads is None or axis is None:
            return new.expand_as(value)
        if one.axis is None and value.ndim != _AXES:
            message = (
                f"expected {name!r} as {_AXES} axes, heads on one of them, got "
                f"{tuple(value.shape)}: say by axis= where its heads are"
            )
            raise InputError(message)
        wrong = [h for h in heads if h >= value.shape[axis]]
        if wrong:
            message = f"no head {wrong[0]}: {name!r} has {value.shape[axis]} on axis {axis}"
            raise InputError(message)
        return torch.where(on_heads(value, heads, axis), new, value)

    @torch.no_grad()
    def _run_other(self, other: Any, names: list[str], args: Any, kwargs: Any) -> None:
        with contextlib.ExitStack() as stack:
            for name in names:

                def keep(_: Any, __: Any, out: Any, name: str = name) -> None:
                    found = out if isinstance(out, torch.Tensor) else out[0]
                    form = _form(other, name)
                    self._others[id(other), name] = found if form is None else form.convert(found)

                handle = other.get_submodule(name).register_forward_hook(keep)
                stack.callback(handle.remove)
            other(*args, **kwargs)


@contextlib.contextmanager
def clamp(module: torch.nn.Module, clamps: Mapping[str, Any] | None) -> Iterator[OnModule]:
    """Clamp what submodules return while you train, gradients flowing around.

    Parameters
    ----------
    module : torch.nn.Module
    clamps : mapping of str to Clamp, number, array or callable
        Name of a submodule, as in ``module.named_modules()`` -> what its output becomes: a clamp
        such as ``previous_token([2])``, several of other heads in a list, or what `value` takes.
        Heads are on the axis that TransformerLens has them on where the name ends as its hooks
        do (``hook_pattern``, ``hook_z``); elsewhere on ``axis=``.

    Yields
    ------
    OnModule
        Set ``step`` where clamps hold for some steps, and ``batch`` for `correct_label`.

    Raises
    ------
    InputError
        If there is no such submodule or head, two clamps hold one output, or a forward has ended
        without the submodule.

    Examples
    --------
    >>> import torch, headwidgets as hw
    >>> layers = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU())
    >>> with hw.clamp(layers, {"0": 0.0}):
    ...     layers(torch.ones(1, 4)).tolist()
    [[0.0, 0.0, 0.0, 0.0]]
    """
    if not isinstance(module, torch.nn.Module):
        message = f"expected a torch module, got {type(module).__name__}"
        raise InputError(message)
    made = OnModule(module, _read(module, clamps))
    try:
        made.put()
        yield made
    finally:
        made.take_off()


def _read(module: torch.nn.Module, clamps: Mapping[str, Any] | None) -> Read:
    def read(one: Any) -> Any:
        many = one if isinstance(one, list | tuple) and one and isinstance(one[0], Clamp) else None
        return many or (one if isinstance(one, Clamp) else to_value(one))

    given = {str(name): read(one) for name, one in (clamps or {}).items()}
    found = read_clamps(given)
    for name, one in found:
        _check(module, name, one)
    return found


def _check(module: torch.nn.Module, name: str, one: Clamp) -> None:
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
    if (one.heads is not None or one.kind == "only") and _axis(name, one) is None:
        message = f"say by axis= where the heads of {name!r} are: its name does not tell"
        raise InputError(message)


def _form(module: torch.nn.Module, name: str) -> Any:
    """Return how a bridge makes of a submodule's output, heads side by side, what hooks see."""
    return getattr(module.get_submodule(name), "hook_conversion", None)


def _has(module: Any, name: str) -> bool:
    try:
        module.get_submodule(name)
    except AttributeError:
        return False
    return True


def _axis(name: str, one: Clamp) -> int | None:
    """Return which axis heads are on, from the end."""
    if one.axis is None:
        return HEADED.get(name.rpartition("hook_")[2])
    axis = int(one.axis)
    if axis >= 0:
        message = f"expected axis counted from the end, such as -3, got {axis}"
        raise InputError(message)
    count("axis", -axis, 1)
    return axis
