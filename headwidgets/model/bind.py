"""A hook of ours as TransformerLens calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


def bind(
    function: Callable[[Tensor, int], Tensor | None], start: int
) -> Callable[..., Tensor | None]:
    """Bind a hook to where its chunk starts; TransformerLens passes the point as ``hook``."""

    def bound(tensor: Tensor, hook: Any = None) -> Tensor | None:  # noqa: ARG001 - the keyword must be there
        return function(tensor, start)

    return bound
