"""Where a path ends: the logits, or the query, key or value of a head."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from headwidgets.errors import InputError
from headwidgets.heads import Head

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.model.facts import Facts

LOGITS = "logits"
PARTS = ("q", "k", "v")
_SPELLING = re.compile(r"\s*(.+?)[\s.]*([qkv])\s*", re.IGNORECASE)


class Receiver(NamedTuple):
    """The query, key or value of a head; ``str`` gives ``"9.9.q"``."""

    layer: int
    head: int
    part: str

    def __str__(self) -> str:
        """``"layer.head.part"``."""
        return f"{self.layer}.{self.head}.{self.part}"

    @classmethod
    def parse(cls, value: object) -> Receiver:
        """Read ``"9.9.q"``, ``"L9H9 q"`` or ``("9.9", "q")``.

        Raises
        ------
        InputError
            If it is none of these.
        """
        if isinstance(value, Receiver):
            return value
        match = _SPELLING.fullmatch(value) if isinstance(value, str) else None
        parts = match.groups() if match else value
        if isinstance(parts, tuple) and len(parts) == 2 and str(parts[1]).lower() in PARTS:  # noqa: PLR2004 - head and part
            return cls(*Head.parse(parts[0]), str(parts[1]).lower())
        message = (
            "expected where a path ends as 'logits' or as the query, key or value of a head, "
            f"such as '9.9.q', got {value!r:.80}"
        )
        raise InputError(message)

    def hook(self) -> str:
        """Name the hook point, [batch, position, head, d_head]."""
        return f"blocks.{self.layer}.attn.hook_{self.part}"

    def place(self, facts: Facts) -> int:
        """Return the place along the head axis: of keys and values, the group's."""
        groups = facts.n_heads // facts.n_kv_heads
        return self.head if self.part == "q" else self.head // groups

    def shared_with(self, facts: Facts) -> list[Head]:
        """Return the other heads that read the same key or value."""
        groups = facts.n_heads // facts.n_kv_heads
        if self.part == "q" or groups == 1:
            return []
        first = self.head // groups * groups
        return [Head(self.layer, h) for h in range(first, first + groups) if h != self.head]


def has_path(senders: Sequence[Head], receivers: Sequence[Receiver]) -> bool:
    """Whether any sender lies below any receiver; the logits lie above all."""
    lowest = min(head.layer for head in senders)
    return not receivers or any(one.layer > lowest for one in receivers)


def read_receivers(value: object, facts: Facts) -> tuple[Receiver, ...]:
    """Read where paths end; none means the logits.

    Raises
    ------
    InputError
        If it cannot be read, or names a head that the model lacks.
    """
    found = read_ends(value)
    for one in found:
        Head(one.layer, one.head).within(facts.n_layers, facts.n_heads)
    return found


def read_each(value: object, facts: Facts) -> list[tuple[Receiver, ...]]:
    """Read where edges end, each of them in one receiver; an empty one means the logits.

    Raises
    ------
    InputError
        If one cannot be read or is several, or there is none.
    """
    one = isinstance(value, str) or _is_one(value) or not isinstance(value, Iterable)
    items = [value] if one else list(value)  # type: ignore[call-overload]
    for item in items:
        if isinstance(item, list | set | tuple) and not _is_one(item):
            message = (
                "expected each receiver by itself, 'logits' or the query, key or value of a head "
                f"such as '9.9.q', got the group {item!r:.80}: to patch several together, "
                "use s.paths"
            )
            raise InputError(message)
    found = list(dict.fromkeys(read_receivers([item], facts) for item in items))
    if not found:
        message = "expected at least one receiver, such as 'logits' or '9.9.q', got none"
        raise InputError(message)
    return found


def read_ends(value: object) -> tuple[Receiver, ...]:
    """Read where paths end, of whatever model; none means the logits.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    if value is None:
        return ()
    listed = isinstance(value, list | set | tuple) and not _is_one(value)
    items = list(value) if listed else [value]  # type: ignore[call-overload]
    heads = [item for item in items if not _is_logits(item)]
    if heads and len(heads) < len(items):
        message = (
            "expected 'logits' by itself, or queries, keys and values of heads, such as "
            f"['9.9.q', '9.9.k'], got {value!r:.80}: paths to the logits are asked for alone"
        )
        raise InputError(message)
    if not items:
        message = "expected at least one end of the paths, such as 'logits' or '9.9.q', got none"
        raise InputError(message)
    return tuple(sorted({Receiver.parse(item) for item in heads}))


def _is_logits(value: object) -> bool:
    return isinstance(value, str) and value == LOGITS


def _is_one(value: object) -> bool:
    """Whether a tuple is one receiver: a `Receiver`, or a head and "q", "k" or "v"."""
    pair = isinstance(value, tuple) and len(value) == 2 and str(value[1]).lower() in PARTS  # noqa: PLR2004 - head and part
    return pair or isinstance(value, Receiver)
