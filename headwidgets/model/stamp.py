"""Whether a model's weights are still those that its results came from, and what they are."""

from __future__ import annotations

import hashlib
from typing import Any

import torch
from torch import Tensor


class Stamp:
    """Which tensors a module held when it was last read, and how often each had been written to.

    Parameters
    ----------
    module : torch.nn.Module
        Read at once. Its modules are walked only when they hang otherwise than before: this is
        asked at every click, and a walk each time would be felt.
    """

    def __init__(self, module: Any) -> None:
        self._module = module
        self._learn()
        self._read = self._sum()

    def changed(self) -> bool:
        """Whether weights or buffers were replaced or written to in place since.

        Reads torch's version counters, which writes through ``.data`` do not touch.
        """
        return self._sum() != self._read

    def _sum(self) -> int:
        """Sum up which tensors it holds and how often they were written to in place."""
        if _layout(self._kin) != self._layout:
            self._learn()
        held = [
            (id(tensor), tensor.data_ptr(), _version(tensor))
            for store in self._stores
            for tensor in store.values()
            if tensor is not None
        ]
        return hash((self._layout, *held))

    def _learn(self) -> None:
        """Walk the modules once."""
        modules = list(self._module.modules())
        stores = [store for m in modules for store in (m._parameters, m._buffers)]  # noqa: SLF001 - unnamed, so quick
        self._kin = [module._modules for module in modules if module._modules]  # noqa: SLF001
        self._stores = [store for store in stores if store]
        self._layout = _layout(self._kin)


def weight_hash(module: Any) -> str:
    """Return a BLAKE2b hash of all weights of a module: names, shapes, dtypes and bytes."""
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy())
    return digest.hexdigest()


def _layout(kin: list[dict[str, Any]]) -> int:
    """Sum up which modules hang where."""
    return hash(tuple([id(child) for children in kin for child in children.values()]))


def _version(tensor: Tensor) -> int:
    """Torch's count of in-place writes; inference tensors have none."""
    return 0 if tensor.is_inference() else tensor._version  # noqa: SLF001 - there is no other count
