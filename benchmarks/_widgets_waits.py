"""Waiting: from a click to the new numbers on screen, beside an echo of as many bytes."""

from __future__ import annotations

import subprocess
from itertools import cycle
from statistics import median
from typing import TYPE_CHECKING

from _bench import Cost, Row, take_turns
from _lab import HERE
from _widgets_shared import LENGTHS, MB, SMALL, milliseconds, opened, size

if TYPE_CHECKING:
    from collections.abc import Callable

    from _lab import Bench, Desk

TURNS = 15
GUTTER, RULER = 24, 18
_WATCH = """([selector, nth]) => {
  const root = document.querySelectorAll(selector)[nth];
  const seen = { start: 0, moved: 0, done: 0 };
  window.hwWatch = seen;
  const { hwHead, hwRevision } = root.dataset;
  const press = () => { seen.start = performance.now(); };
  root.addEventListener("pointerdown", press, { capture: true, once: true });
  const watch = new MutationObserver(() => {
    if (!seen.start) return;
    const is = root.dataset;
    if (is.hwHead !== hwHead || is.hwRevision !== hwRevision) seen.moved ||= performance.now();
    if (!seen.moved || is.hwState !== "ready") return;
    seen.done = performance.now();
    watch.disconnect();
  });
  watch.observe(root, { attributes: true });
}"""
_CLICKED = (
    "() => window.hwWatch.done && [hwWatch.done - hwWatch.start, hwWatch.moved - hwWatch.start]"
)


def waited(desk: Desk, selector: str, nth: int, click: Callable[[], object]) -> list[float]:
    """Click; return the seconds from the press until it is done, and until something moved."""
    desk.page.evaluate(_WATCH, [selector, nth])
    click()
    found = desk.page.wait_for_function(_CLICKED, polling="raf").json_value()
    return [milliseconds / 1e3 for milliseconds in found]


def turns(
    desk: Desk, ours: Callable[[], list[float]], moved: list[float]
) -> tuple[dict[str, Cost], dict[str, float]]:
    """Take ours and the echo in turn; return the minima, and the medians in seconds."""
    seen: dict[str, list[float]] = {"ours": [], "echo": []}

    def click() -> Cost:
        done, first = ours()
        moved.append(first)
        seen["ours"].append(done)
        return Cost(done, 0)

    def echo() -> Cost:
        button = desk.page.locator(".hw-echo")
        seen["echo"].append(waited(desk, ".hw-echo", 0, button.click)[0])
        return Cost(seen["echo"][-1], 0)

    least = take_turns({"ours": click, "echo": echo}, TURNS)
    return least, {name: median(all_) for name, all_ in seen.items()}


def switch(lab: Bench) -> list[Row]:
    """Click another head: bytes at each length, at 512 tokens also the wait, beside an echo."""
    rows = []
    with lab.desk() as desk:
        for n in LENGTHS:
            opened(desk, SMALL, n)
            desk.show("hw.AttentionView(s)")
            before = desk.traffic.received
            head(desk, 1, 1)
            desk.ready(desk.views("attention").last)
            count = desk.traffic.received - before
            rows.append(size(f"head switch, {n:,} tokens", count, 0.6 * MB))
            if n == 512:  # noqa: PLR2004 - the length of the bar
                rows += switching(desk)
            desk.run("s.close()")
    return rows


def head(desk: Desk, layer: int, index: int) -> list[float]:
    """Click a thumbnail of the last view."""
    canvas = desk.views("attention").last.locator(".hw-heads canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    cell = (box["width"] - GUTTER - 2) / 12
    at = {"x": GUTTER + cell * (index + 0.5), "y": RULER + cell * (layer + 0.5)}
    last = desk.views("attention").count() - 1
    return waited(desk, ".hw-attention", last, lambda: canvas.click(position=at))


def switching(desk: Desk) -> list[Row]:
    """Heads of one layer in turn, then of another, whose maps no run has kept."""
    desk.run("from _echo import Echo\nEcho(len(s.state.map_data))")
    heads = cycle(range(2, 12))
    moved: list[float] = []
    found, middle = turns(desk, lambda: head(desk, 1, next(heads)), moved)
    usual = middle["ours"] / middle["echo"]
    ours, echo = found["ours"].seconds, found["echo"].seconds
    fresh = min(head(desk, layer, 0)[0] for layer in range(2, 7))
    return [
        milliseconds("bare echo of the same bytes", echo),
        milliseconds("head switch, 512 tokens, click to exact map", ours),
        Row("the same / bare echo", [f"{ours / echo:.2f}"], ours / echo, 1.5),
        Row("the same, of medians", [f"{usual:.2f}"], usual),
        milliseconds("something moves after the click (the worst)", max(moved), 100),
        milliseconds("head switch into a layer that is computed first", fresh),
    ]


_FORWARD = """
from itertools import count
from headwidgets.methods.runs import logits
factors = count(2)
def forward():
    s.edits = [hw.scale('1.0', 1 / next(factors))]
    t = time.perf_counter()
    logits(s.engine, s.snapshot(), 'edited', [0])
    return time.perf_counter() - t
print(min(forward() for _ in range(9)))
s.edits = [hw.zero('1.0')]
"""


def toggle(lab: Bench) -> list[Row]:
    """Switch an edit off and on: new logits on screen, beside a forward and an echo."""
    with lab.desk() as desk:
        desk.run('s = hw.Session(); s.prompt = "When Mary and John went to the store, John gave"')
        forward = float(desk.run(_FORWARD))
        desk.show("hw.PatchPanel(s)", "panel")
        desk.run("from _echo import Echo\nEcho(len(str(s.state.panel)))")
        switch_ = desk.views("panel").locator(".hw-chips [aria-pressed]").first
        whole: list[float] = []

        def click() -> list[float]:
            done, logits = waited(desk, ".hw-panel", 0, switch_.click)
            whole.append(done)
            return [logits, logits]

        found, middle = turns(desk, click, [])
        ours, echo = found["ours"].seconds, found["echo"].seconds
    ratio = ours / (forward + echo)
    usual = middle["ours"] / (forward + middle["echo"])
    return [
        milliseconds("one edited forward of the bundled model", forward),
        milliseconds("bare echo of the panel's bytes", echo),
        milliseconds("toggle a head, click to new logits on screen", ours),
        Row("the same / (forward + echo)", [f"{ratio:.2f}"], ratio, 3),
        milliseconds("to the metric and its interval, which follow", min(whole)),
        Row("the same, of medians", [f"{usual:.2f}"], usual),
    ]


_TILE = """
import { mapDrawer } from "./src/views/map-draw";
import { limits } from "./src/lib/heatmap";
import { paintOf } from "./src/views/paint";
window.hwTile = (edge, turns, causal) => {
  const made = [1, 2].map(seed => Float32Array.from({ length: edge * edge },
    (_, i) => causal && i % edge > i / edge ? 0 : ((i * 2654435761 * seed) >>> 8) % 1000 / 1000));
  const paint = paintOf(document.body), draw = mapDrawer();
  const canvas = document.createElement("canvas");
  const context = paint.size(canvas, 420, 420);
  const seen = { query: 0, key: 0, span: edge };
  return Array.from({ length: turns }, (_, turn) => {
    const values = made[turn % 2], start = performance.now(), extent = Float32Array.of(0, 1);
    const grid = { edge, values, bound: 0, causal, extent }, ends = limits(extent, false);
    const state = { grid, rough: null, tile: null, ends, signed: false, noBos: false };
    draw(context, { ...state, tokens: [], n: edge, found: new Set() }, seen, 420, paint);
    context.getImageData(100, 100, 1, 1);
    return performance.now() - start;
  });
};
"""


def drawing(lab: Bench) -> list[Row]:
    """Colour and draw 1,024 × 1,024 new values, to the pixels being there.

    As a view does it: what the colours' ends mean came with the map's header.
    """
    js = HERE.parent / "js"
    command = [
        str(js / "node_modules" / ".bin" / "esbuild"),
        "--bundle",
        "--format=iife",
        "--loader=ts",
    ]
    done = subprocess.run(
        command, input=_TILE, cwd=js, stdout=subprocess.PIPE, text=True, check=True
    )
    with lab.desk() as desk:
        desk.page.evaluate(done.stdout)
        whole = desk.page.evaluate("() => hwTile(1024, 41, false)")[1:]
        causal = desk.page.evaluate("() => hwTile(1024, 41, true)")[1:]
    return [
        milliseconds("drawing a 1,024 × 1,024 tile, median", median(whole) / 1e3, 8),
        milliseconds("the same, causal, as a model's map is", median(causal) / 1e3),
    ]
