"""One way to name an attention head, many spellings accepted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from headwidgets.errors import InputError
from headwidgets.whole import whole

_SPELLINGS = re.compile(r"\s*(?:(\d+)\s*[.,]\s*(\d+)|[Ll](\d+)\s*[Hh](\d+))\s*")
_PAIR = 2


class Head(NamedTuple):
    """An attention head: layer and head, both counted from zero.

    ``str(Head(4, 11))`` is ``"4.11"``, the way papers and TransformerLens users write it.

    Attributes
    ----------
    layer : int
        Layer, from 0.
    head : int
        Query head within the layer, from 0.
    """

    layer: int
    head: int

    def __str__(self) -> str:
        """``"layer.head"``."""
        return f"{self.layer}.{self.head}"

    @classmethod
    def parse(cls, value: object) -> Head:
        """Read a head from any accepted spelling.

        Parameters
        ----------
        value : str, tuple of two ints or Head
            ``"4.11"``, ``"L4H11"``, ``(4, 11)`` or a `Head`.

        Raises
        ------
        InputError
            If `value` is none of these (a float such as ``4.1`` is refused: it
            could mean 4.1 or 4.10).
        """
        if isinstance(value, str):
            match = _SPELLINGS.fullmatch(value)
            if match:
                layer, head = (int(part) for part in match.groups() if part is not None)
                return cls(layer, head)
        elif hasattr(value, "tolist"):
            return cls.parse(tuple(value.tolist()) if getattr(value, "ndim", 0) else value.tolist())
        elif isinstance(value, tuple | list) and len(value) == _PAIR:
            parts = [whole(part) for part in value]
            numbers = [n for n in parts if n is not None and n >= 0]
            if len(numbers) == _PAIR:
                return cls(*numbers)
        message = (
            f"expected a head such as '4.11', 'L4H11' or (4, 11), got {value!r:.80}"
            f"{'; write it as a string' if isinstance(value, float) else ''}"
        )
        raise InputError(message)

    def within(self, n_layers: int, n_heads: int) -> Head:
        """Return this head, or raise if a model of this shape has no such head."""
        if self.layer < n_layers and self.head < n_heads:
            return self
        message = (
            f"no head {self}: this model has layers 0 to {n_layers - 1} "
            f"with heads 0 to {n_heads - 1} each"
        )
        raise InputError(message)


def parse_heads(values: object) -> list[Head]:
    """Read several heads, or one; see `Head.parse`.

    Parameters
    ----------
    values : iterable of heads, or a head
        A tuple of two whole numbers is one head.

    Raises
    ------
    InputError
        If any is no head.
    """
    one = isinstance(values, tuple) and any(whole(part) is not None for part in values)
    if one or isinstance(values, str | Head) or not isinstance(values, Iterable):
        return [Head.parse(values)]
    return [Head.parse(value) for value in values]
