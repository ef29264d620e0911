"""Bytes: a first view and a second one, and the JavaScript itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from _bench import Row
from _lab import HERE
from _widgets_shared import KB, LENGTHS, MB, SMALL, opened, size

if TYPE_CHECKING:
    from _lab import Bench

MANY = {
    "32 × 32": 'random_bridge("GPT2Config", n_layer=32, n_head=32, n_embd=64, {})',
    "80 × 64": 'random_bridge("GPT2Config", n_layer=80, n_head=64, n_embd=128, {})',
}


def first_paint(lab: Bench) -> list[Row]:
    """Bytes until a first view is ready, and a second one; seconds that Python builds it."""
    timed = "t = time.perf_counter(); v = {}; print(time.perf_counter() - t); v"
    rows = []
    with lab.desk() as desk:
        for n in LENGTHS:
            opened(desk, SMALL, n)
            first, seconds = desk.show(timed.format("hw.AttentionView(s)"))
            second, _ = desk.show("hw.AttentionView(s)")
            desk.run("s.close()")
            what = f"144 heads, {n:,} tokens"
            rows.append(size(f"first paint, {what}", first, MB))
            rows.append(size(f"second view, {what}", second, 20 * KB))
            bar = 1.0 if n == 512 else None  # noqa: PLR2004 - the length of the bar
            rows.append(Row(f"building, {what}", [f"{float(seconds):.2f} s"], float(seconds), bar))
            opened(desk, SMALL, n)
            explorer, _ = desk.show("s.explore()", "explore")
            desk.run("s.close()")
            rows.append(size(f"first paint of `s.explore()`, {what}", explorer, MB))
    for shape, model in MANY.items():
        with lab.desk() as desk:
            opened(desk, model, 256)
            count, _ = desk.show("hw.AttentionView(s)")
            rows.append(size(f"first paint, {shape} heads, 256 tokens", count, MB))
    return rows


def bundle(_lab: Bench) -> list[Row]:
    """Weigh the minified JavaScript: each file, and all together."""
    files = sorted((HERE.parent / "headwidgets" / "static").glob("*.js"))
    sizes = {file.name: file.stat().st_size for file in files}
    rows = [size(f"bundle `{name}`", count, 80 * KB) for name, count in sizes.items()]
    return [*rows, size("all bundles", sum(sizes.values()), None)]
