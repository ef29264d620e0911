"""The widgets in a real JupyterLab: bytes on the WebSocket, and waiting after a click.

Bytes are counted from the kernel to the browser, as they are before any compression, from
running a cell to `data-hw-state="ready"`. Times are taken in the page, from the click to that
state, beside a bare anywidget that sends as many bytes, in turn; the kernel has one torch
thread. ``python benchmarks/widgets.py first_paint switch`` measures these only.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from statistics import median
from typing import TYPE_CHECKING, Any

from _bench import Cost, Row, conclude, take_turns
from _lab import HERE, bench

if TYPE_CHECKING:
    from collections.abc import Callable

    from _lab import Bench, Desk

SMALL = 'random_bridge("GPT2Config", n_layer=12, n_head=12, n_embd=48, n_positions=1024, {})'
MANY = {
    "32 × 32": 'random_bridge("GPT2Config", n_layer=32, n_head=32, n_embd=64, {})',
    "80 × 64": 'random_bridge("GPT2Config", n_layer=80, n_head=64, n_embd=128, {})',
}
SPREAD = "initializer_range=0.2"  # scores of about N(0, 2²): maps with something to see
LENGTHS = (64, 256, 512, 1024)
TURNS = 5
RERUNS = (10, 50)
MB, KB = 1e6, 1e3


def opened(desk: Desk, model: str, n: int) -> None:
    """Make a session `s` over random weights and `n` tokens; `bridge` is built once."""
    code = f"if 'bridge' not in globals(): bridge = {model.format(SPREAD)}\n"
    code += f"s = hw.Session(bridge); s.prompt = [1 + 7 * i % (D_VOCAB - 1) for i in range({n})]"
    desk.run(code)


def size(what: str, count: float, bar: float | None) -> Row:
    """One line about bytes."""
    return Row(what, [f"{count / KB:,.1f} kB"], count, bar)


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


_WATCH = """([selector, nth]) => {
  const root = document.querySelectorAll(selector)[nth];
  const seen = { start: 0, moved: 0, done: 0 };
  window.hwWatch = seen;
  const { hwHead, hwRevision } = root.dataset;
  const click = () => { seen.start = performance.now(); };
  root.addEventListener("click", click, { capture: true, once: true });
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
    """Click; return the seconds until it is done, and until something moved."""
    desk.page.evaluate(_WATCH, [selector, nth])
    click()
    found = desk.page.wait_for_function(_CLICKED, polling="raf").json_value()
    return [milliseconds / 1e3 for milliseconds in found]


def turns(desk: Desk, ours: Callable[[], list[float]], moved: list[float]) -> dict[str, Cost]:
    """Take ours and the echo in turn; return the minima."""

    def click() -> Cost:
        done, first = ours()
        moved.append(first)
        return Cost(done, 0)

    def echo() -> Cost:
        button = desk.page.locator(".hw-echo")
        return Cost(waited(desk, ".hw-echo", 0, button.click)[0], 0)

    return take_turns({"ours": click, "echo": echo}, TURNS)


def milliseconds(what: str, seconds: float, bar: float | None = None) -> Row:
    """One line about a time."""
    return Row(what, [f"{1e3 * seconds:.1f} ms"], 1e3 * seconds, bar)


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


GUTTER, RULER = 24, 18


def switching(desk: Desk) -> list[Row]:
    """Heads of one layer in turn, then of another, whose maps no run has kept."""
    desk.run("from _echo import Echo\nEcho(len(s.state.map_data))")
    heads = iter([2, 3, 4, 5, 6, 7, 8, 9, 10, 11] * 2)
    moved: list[float] = []
    found = turns(desk, lambda: head(desk, 1, next(heads)), moved)
    ours, echo = found["ours"].seconds, found["echo"].seconds
    fresh = min(head(desk, layer, 0)[0] for layer in range(2, 2 + TURNS))
    return [
        milliseconds("bare echo of the same bytes", echo),
        milliseconds("head switch, 512 tokens, click to exact map", ours),
        Row("the same / bare echo", [f"{ours / echo:.2f}"], ours / echo, 1.5),
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
        found = turns(desk, lambda: waited(desk, ".hw-panel", 0, switch_.click), [])
        ours, echo = found["ours"].seconds, found["echo"].seconds
    ratio = ours / (forward + echo)
    return [
        milliseconds("one edited forward of the bundled model", forward),
        milliseconds("bare echo of the panel's bytes", echo),
        milliseconds("toggle a head, click to new logits on screen", ours),
        Row("the same / (forward + echo)", [f"{ratio:.2f}"], ratio, 3),
    ]


def bundle(_lab: Bench) -> list[Row]:
    """Weigh the minified JavaScript: each file, and all together."""
    files = sorted((HERE.parent / "headwidgets" / "static").glob("*.js"))
    sizes = {file.name: file.stat().st_size for file in files}
    rows = [size(f"bundle `{name}`", count, 80 * KB) for name, count in sizes.items()]
    return [*rows, size("all bundles", sum(sizes.values()), None)]


_TILE = """
import { mapDrawer } from "./src/views/map-draw";
import { limits } from "./src/lib/heatmap";
import { paintOf } from "./src/views/paint";
window.hwTile = (edge, turns) => {
  const made = [1, 2].map(seed => Float32Array.from({ length: edge * edge },
    (_, i) => ((i * 2654435761 * seed) >>> 8) % 1000 / 1000));
  const paint = paintOf(document.body), draw = mapDrawer();
  const canvas = document.createElement("canvas");
  const context = paint.size(canvas, 520, 520);
  const seen = { query: 0, key: 0, span: edge };
  return Array.from({ length: turns }, (_, turn) => {
    const values = made[turn % 2], start = performance.now();
    draw(context, { grid: { edge, values, bound: 0 }, rough: null, tile: null,
      ends: limits(values, false), signed: false, noBos: false, tokens: [], n: edge,
      found: new Set(), label: "" }, seen, { label: 92, size: 420 }, paint);
    context.getImageData(100, 100, 1, 1);
    return performance.now() - start;
  });
};
"""


def drawing(lab: Bench) -> list[Row]:
    """Colour and draw 1,024 × 1,024 new values, to the pixels being there."""
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
        times = desk.page.evaluate("() => hwTile(1024, 41)")[1:]
    return [milliseconds("drawing a 1,024 × 1,024 tile, median", median(times) / 1e3, 8)]


_HELD = """
import gc, ipywidgets
from comm import get_comm_manager
from memory import held
gc.collect()
print([held("VmRSS"), len(ipywidgets.widgets.widget._instances), len(get_comm_manager().comms)])
"""


def reruns(lab: Bench) -> list[Row]:
    """Run a view's cell 50 times: what the kernel and the page hold after 10 and after 50."""
    rows = []
    for what, code, kind in (
        ("AttentionView", "hw.AttentionView(s)", "attention"),
        ("explore", "s.explore()", "explore"),
    ):
        with lab.desk() as desk:
            desk.run("s = hw.Session(); s.prompt = 'When Mary and John went to the store'")
            desk.run(_HELD)
            desk.show(code, kind)
            cell = desk.active()
            held = {}
            for number in range(1, max(RERUNS) + 1):
                desk.rerun(cell)
                desk.ready(desk.views(kind).last)
                if number in RERUNS:
                    held[number] = [*ast.literal_eval(desk.run(_HELD)), desk.heap() / 1e9]
        early, late = (held[number] for number in RERUNS)
        names = ("kernel memory, MB", "widgets", "comms", "JavaScript heap, MB")
        slack, unit = (8, 0, 0, 2), (1e3, 1, 1, 1e3)
        for name, was, now, more, by in zip(names, early, late, slack, unit, strict=True):
            grown = (now - was) * by
            shown = [f"{was * by:.4g} → {now * by:.4g}"]
            rows.append(
                Row(f"{what} run {RERUNS[0]} → {RERUNS[1]} times: {name}", shown, grown, more)
            )
    return rows


MEASURES: dict[str, Callable[[Any], list[Row]]] = {
    measure.__name__: measure for measure in (first_paint, switch, toggle, drawing, reruns, bundle)
}


def main(names: list[str]) -> int:
    """Measure, print, and say whether a bar was missed; a measure that fails is a missed bar."""
    unknown = [name for name in names if name not in MEASURES]
    if unknown:
        sys.exit(f"expected measures among {', '.join(MEASURES)}, got {', '.join(unknown)}")
    rows = []
    with bench() as lab:
        for name in names or MEASURES:
            try:
                rows += MEASURES[name](lab)
            except Exception as error:  # noqa: BLE001 - the other measures are still worth having
                print(f"{name} failed: {error}", file=sys.stderr)
                rows.append(Row(f"`{name}` failed", [type(error).__name__], float("nan"), 0))
    print(f"Random weights but for the bundled model; minima of {TURNS} turns after a warm-up.\n")
    return conclude(["what", "value"], rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
