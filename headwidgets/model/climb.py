"""Many copies of a run that differ from some layer on, taken up through the blocks together.

Copies join where they begin to differ: below that they are the recording, which is not
run again. Blocks are called on some two thousand tokens at a time, for larger calls are
slower as well as heavier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from headwidgets.model.beside import block_beside

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from headwidgets.model.replay import Recording

TOKENS = 2304
"""Tokens a call of a block."""


class Arrival(NamedTuple):
    """Copies that begin to differ: what leaves block `layer` in them (-1: the embedding).

    `rows` is [copy, prompt, position from the start on, d_model].
    """

    layer: int
    rows: Tensor


def climb(
    recording: Recording, arrivals: Iterable[Arrival], start: int, *, beside: bool = False
) -> Tensor:
    """Run copies up to the end.

    Parameters
    ----------
    recording : Recording
    arrivals : iterable of Arrival
        By layer, lowest first; taken one by one, so that they need not all exist.
    start : int
        The position from which on they differ.
    beside : bool
        Whether copies that differ in the last token alone may be run side by side, see
        `able`.

    Returns
    -------
    Tensor, [copy, prompt, d_model]
        The last residual stream at the last position, copies in the order of arrival.
    """
    rows: Tensor | None = None
    at = 0
    for layer, new in arrivals:
        if rows is not None:
            rows = _through(recording, rows, range(at, layer + 1), start, beside=beside)
        rows = new if rows is None else torch.cat([rows, new])
        at = layer + 1
    if rows is None:
        message = "expected at least one copy"
        raise ValueError(message)
    rows = _through(recording, rows, range(at, len(recording.blocks)), start, beside=beside)
    return rows[:, :, -1]


def _through(
    recording: Recording, rows: Tensor, layers: range, start: int, *, beside: bool
) -> Tensor:
    for layer in layers:
        if beside and rows.shape[2] == 1:
            rows = block_beside(recording, layer, rows)
            continue
        step = max(1, TOKENS // (rows.shape[1] * rows.shape[2]))
        out = [
            recording.block(layer, rows[i : i + step].flatten(0, 1), start)
            for i in range(0, len(rows), step)
        ]
        rows = torch.cat(out).reshape(rows.shape)
    return rows
