"""A private view of a bridge: its own hooks and flags over the same weights.

Hooks on a bridge are shared module state, so a forward in another thread comes back
patched while one thread is inside ``run_with_hooks``. A session therefore runs on a deep
copy of the module tree in which every tensor is shared: 2 MB, and no hook of one tree
ever fires in the other.
"""

from __future__ import annotations

import copy
from typing import Any

import torch

_LIBRARIES = {"transformer_lens", "transformers", "accelerate", "torch"}
_TORCH_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def private_view(bridge: Any) -> Any:
    """Copy a bridge's module tree over the same weights.

    Parameters
    ----------
    bridge : TransformerBridge
        The model that somebody holds; it is left as it is.

    Returns
    -------
    TransformerBridge
        A bridge in evaluation mode, without the user's hooks, whose parameters and
        buffers are the very tensors of `bridge`.
    """
    modules = {id(m): m for m in (*bridge.modules(), *bridge.original_model.modules())}
    memo: dict[int, Any] = {}
    for module in modules.values():
        for store in (module._parameters, module._buffers, module.__dict__):  # noqa: SLF001 - torch has no public way to every tensor of a module
            memo.update({id(v): v for v in store.values() if isinstance(v, torch.Tensor)})
    if bridge.tokenizer is not None:
        memo[id(bridge.tokenizer)] = bridge.tokenizer
    view = copy.deepcopy(bridge, memo)
    for block in view.blocks:
        # The capture hooks still point at the original; they are rewired by the next forward.
        teardown = getattr(block, "_teardown_capture_hooks", None)
        if teardown is not None:
            teardown()
        if hasattr(block.attn, "_pattern"):
            block.attn._pattern = None  # noqa: SLF001 - the last pattern keeps its whole graph alive
    view.reset_hooks()
    _drop_foreign(view)
    view.eval()
    return view


def _drop_foreign(view: Any) -> None:
    """Remove the copies of hooks that are neither TransformerLens's nor the model's own."""
    for point in view.hook_dict.values():
        for handles in (point.fwd_hooks, point.bwd_hooks):
            for handle in [h for h in handles if not _known(h.user_hook)]:
                handle.hook.remove()
                handles.remove(handle)
    modules = {id(m): m for m in (*view.modules(), *view.original_model.modules())}
    for module in modules.values():
        for name in _TORCH_HOOKS:
            hooks = getattr(module, name)
            for key in [k for k, hook in hooks.items() if not _known(hook)]:
                del hooks[key]


def _known(hook: Any) -> bool:
    """Whether a hook comes with the libraries, such as OPT's adapter hooks."""
    function = getattr(hook, "func", hook)  # of a functools.partial
    home = getattr(function, "__module__", None) or type(function).__module__
    return home.split(".")[0] in _LIBRARIES


def count_hooks(bridge: Any) -> int:
    """Count the hooks on a bridge: TransformerLens's and torch's own, forward and backward.

    Zero is not the baseline (OPT keeps permanent ones): compare before and after.
    """
    points = sum(len(p.fwd_hooks) + len(p.bwd_hooks) for p in bridge.hook_dict.values())
    modules = {id(m): m for m in (*bridge.modules(), *bridge.original_model.modules())}
    native = sum(
        len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks)  # noqa: SLF001 - torch's only count
        for m in modules.values()
    )
    return points + native
