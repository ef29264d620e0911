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
from headwidgets.labs.emergence.module_door import axis_of, form_of, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from headwidgets.labs.emergence.batch import Batch
    from headwidgets.labs.emergence.clamping import Read
    from headwidgets.labs.emergence.clamps import Clamp

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
        found = read(self._module, clamps)
        self._stack.close()
        self._clamps = found
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
        value, form = out if whole else out[0], form_of(self._module, name)
        value = value if form is None else form.convert(value)
        for one in mine:
            if one.active(self.step):
                value = self._one(name, one, value)
        value = value if form is None else form.revert(value)
        return value if whole else (value, *out[1:])

    def _one(self, name: str, one: Clamp, value: torch.Tensor) -> torch.Tensor:
        new, heads, axis = self._made(name, one, value), one.heads, axis_of(name, one)
        asked = one.given if one.kind == "only" else heads
        if asked is None or axis is None:
            return new.expand_as(value)
        if -axis > value.ndim:
            message = f"no axis {axis}: {name!r} is {tuple(value.shape)}"
            raise InputError(message)
        if one.axis is None and value.ndim != _AXES:
            message = (
                f"expected {name!r} as {_AXES} axes, heads on one of them, got "
                f"{tuple(value.shape)}: say by axis= where its heads are"
            )
            raise InputError(message)
        wrong = [h for h in asked if h >= value.shape[axis]]
        if wrong:
            message = f"no head {wrong[0]}: {name!r} has {value.shape[axis]} on axis {axis}"
            raise InputError(message)
        if one.kind == "only":
            asked = [h for h in range(value.shape[axis]) if h not in asked]
        return torch.where(on_heads(value, asked, axis), new, value)

    def _made(self, name: str, one: Clamp, value: torch.Tensor) -> torch.Tensor:
        """Return what takes the place of a value, were every head clamped."""
        if one.kind in ("previous", "label") and (
            value.ndim < _PATTERN or value.shape[-1] != value.shape[-2]
        ):
            message = f"expected {name!r} as a pattern of as many queries as keys, got "
            message += str(tuple(value.shape))
            raise InputError(message)
        if one.kind == "previous":
            return previous_pattern(value, slice(0, value.shape[-1]))
        if one.kind == "label":
            if self.batch is None:
                message = "correct_label needs the batch: set clamped.batch before the forward"
                raise InputError(message)
            return label_pattern(value, self.batch, one.given, axis_of(name, one) or -_PATTERN)
        if one.kind == "copied":
            return fitting(self._others[id(one.given), name], value)
        return given_value(one, value)

    @torch.no_grad()
    def _run_other(self, other: Any, names: list[str], args: Any, kwargs: Any) -> None:
        with contextlib.ExitStack() as stack:
            for name in names:

                def keep(_: Any, __: Any, out: Any, name: str = name) -> None:
                    found = out if isinstance(out, torch.Tensor) else out[0]
                    form = form_of(other, name)
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
        If there is no such submodule or head, two clamps hold one output, a forward has ended
        without the submodule, or it is a bridge's hook that fires when its value was used already
        (``hook_attn_scores`` of attention that is not TransformerLens's own code).

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
    made = OnModule(module, read(module, clamps))
    try:
        made.put()
        yield made
    finally:
        made.take_off()
