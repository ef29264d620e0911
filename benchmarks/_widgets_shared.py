"""What the measures of the widgets share: models of any shape, bytes and waits as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from _bench import Row

if TYPE_CHECKING:
    from _lab import Desk

SMALL = 'random_bridge("GPT2Config", n_layer=12, n_head=12, n_embd=48, n_positions=1024, {})'
SPREAD = "initializer_range=0.2"  # scores of about N(0, 2²): maps with something to see
LENGTHS = (64, 256, 512, 1024)
MB, KB = 1e6, 1e3


def opened(desk: Desk, model: str, n: int) -> None:
    """Make a session `s` over random weights and `n` tokens; `bridge` is built once."""
    code = f"if 'bridge' not in globals(): bridge = {model.format(SPREAD)}\n"
    code += f"s = hw.Session(bridge); s.prompt = [1 + 7 * i % (D_VOCAB - 1) for i in range({n})]"
    desk.run(code)


def size(what: str, count: float, bar: float | None) -> Row:
    """One line about bytes."""
    return Row(what, [f"{count / KB:,.1f} kB"], count, bar)


def milliseconds(what: str, seconds: float, bar: float | None = None) -> Row:
    """One line about a time."""
    return Row(what, [f"{1e3 * seconds:.1f} ms"], 1e3 * seconds, bar)
