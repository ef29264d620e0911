"""What of a model can be replayed in parts, found out by replaying a recording itself."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

import torch

from headwidgets.errors import Cancelled
from headwidgets.model.beside import block_beside
from headwidgets.model.finish import Finish

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from headwidgets.model.replay import Recording

log = logging.getLogger(__name__)

SLACK = 1e-5
"""The largest difference of a faithful replay in float32, as a share of the largest value."""
ROUGH = 0.05
"""The same where the model computes in half precision."""


class Able(NamedTuple):
    """Which parts of a replay give what the whole run gave.

    Attributes
    ----------
    blocks : bool
        Blocks run again on the same rows; without this nothing can be replayed.
    prefix : bool
        The same from a later position on, with the keys and values of those before.
    joins : bool
        What follows the attention, given what the attention writes.
    beside : bool
        Copies of the last token side by side in one row.
    finish : bool
        The logits from the last residual stream.
    """

    blocks: bool
    prefix: bool
    joins: bool
    beside: bool
    finish: bool


def able(recording: Recording) -> Able:
    """Say what can be replayed; found out once for each model and size of prompt."""
    key = ("able", recording.length.bit_length())
    cache = recording.engine.cache
    found: Able | None = cache.get(key)
    if found is None:
        found = _examine(recording)
        cache.put(key, found, 1)
        log.debug("%s can be replayed: %s", recording.engine.facts.name, found)
    return found


def _examine(recording: Recording) -> Able:
    last = recording.length - 1
    middle = recording.length // 2
    native = recording.engine.facts.native  # it would ignore the prefix without a word
    layers = range(len(recording.blocks))

    def blocks(start: int) -> Callable[[], bool]:
        def same() -> bool:
            return all(
                _same(recording, recording.block(j, read(j, start), start), j, start)
                for j in layers
            )

        return same

    def read(layer: int, start: int) -> Tensor:
        rows: Tensor = recording.residual[layer][:, start:].repeat(2, 1, 1)
        return rows

    def joins() -> bool:
        nothing = torch.zeros_like(recording.residual[0])[None]
        everywhere = slice(0, None)
        return all(
            _same(recording, recording.after_attention(j, nothing, everywhere)[0], j, 0)
            for j in layers
        )

    def beside() -> bool:
        def three(layer: int) -> Tensor:  # unlike each other, so that one seeing another shows
            row = recording.residual[layer][None, :, last:]
            return torch.cat([row, -row, row.flip(-1)])

        return all(
            _close(
                block_beside(recording, j, three(j)),
                recording.block(j, three(j).flatten(0, 1), last).reshape(three(j).shape),
                recording,
            )
            for j in layers
        )

    def finish() -> bool:
        end = Finish(recording.engine)
        normed = end.norm(recording.residual[-1][:, -1])
        some = [0, recording.logits.shape[-1] - 1]
        whole = _close(end.logits(normed), recording.logits, recording)
        return whole and _close(end.columns(normed, some), recording.logits[:, some], recording)

    whole = _try(blocks(0))
    prefix = whole and not native and _try(blocks(middle)) and _try(blocks(last))
    return Able(whole, prefix, whole and _try(joins), prefix and _try(beside), _try(finish))


def _same(recording: Recording, rows: Tensor, layer: int, start: int) -> bool:
    """Whether rows are what a block left in the recording, copy by copy."""
    expected = recording.residual[layer + 1][:, start:]
    return _close(rows, expected.repeat(len(rows) // len(expected), 1, 1), recording)


def _close(a: Tensor, b: Tensor, recording: Recording) -> bool:
    exact = recording.engine.weights.dtype in (torch.float32, torch.float64)
    slack = (SLACK if exact else ROUGH) * float(b.abs().max()) + 1e-6
    return bool((a - b).abs().max() <= slack)


def _try(question: Callable[[], bool]) -> bool:
    """Answer; what cannot even be asked cannot be replayed."""
    try:
        return question()
    except Cancelled:
        raise
    except Exception:
        log.debug("a part of the replay failed", exc_info=True)
        return False
