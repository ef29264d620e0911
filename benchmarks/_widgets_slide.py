"""The succession lab's slider: from a move to the distribution drawn anew, beside a bare echo."""

from __future__ import annotations

from itertools import cycle
from statistics import median
from typing import TYPE_CHECKING

from _bench import Cost, Row, take_turns
from _widgets_shared import milliseconds
from _widgets_waits import TURNS, waited

if TYPE_CHECKING:
    from _lab import Bench, Desk

# A canvas is drawn by the time that the attributes say so: both in one pass.
_MOVE = """([label, value, ready]) => new Promise((done) => {
  const root = document.querySelector(".hw-succession"), slide = root.querySelector(".hw-slide");
  const field = root.querySelector(`[aria-label="${label}"]`), start = performance.now();
  const watched = ready ? root : slide;
  let busy = !ready;
  new MutationObserver((_, watch) => {
    if (ready && root.dataset.hwState === "busy") busy = true;
    if (!busy || (ready && root.dataset.hwState !== "ready")) return;
    watch.disconnect();
    done(performance.now() - start);
  }).observe(watched, { attributes: true });
  field.value = value;
  field.dispatchEvent(new Event(ready ? "change" : "input", { bubbles: true }));
})"""


# Lists that the numerals model's head wins, shown in a lab whose random heads win next to nothing.
_LARGE = """from scores import gpt2_shaped
from headwidgets.labs.on_text import numbered_lists
s = gpt2_shaped()
cases = numbered_lists(hw.Session('numerals'), '1.0', n=220)
assert len(cases) >= 200"""


def sliding(lab: Bench) -> list[Row]:
    """Move the slider, and choose another residue, which Python works out: few heads, then many."""
    return [
        *_slid(lab, "s = hw.Session('numerals')", "200 numbers"),
        *_slid(lab, _LARGE, "200 numbers, 144 heads, 200 cases"),
    ]


def _slid(lab: Bench, session: str, what: str) -> list[Row]:
    with lab.desk() as desk:
        desk.run(session)
        desk.show("hw.SuccessionLab(s, set='numbers', member='37')", "succession")
        desk.run(
            "if 'cases' in globals(): s.state.show_cases(cases, 'lists of the numerals model')"
        )
        desk.run("from _echo import Echo\nEcho(len(s.state.lab_slide['data']))")
        strengths, residues = cycle(["1.00", "2.00"]), cycle(["4", "5", "8"])
        seen: dict[str, list[float]] = {"slide": [], "residue": [], "echo": []}

        def timed(name: str, seconds: float) -> Cost:
            seen[name].append(seconds)
            return Cost(seconds, 0)

        def echo() -> Cost:
            button = desk.page.locator(".hw-echo")
            return timed("echo", waited(desk, ".hw-echo", 0, button.click)[0])

        calls = {
            "slide": lambda: timed("slide", moved(desk, "strength", next(strengths), ready=False)),
            "residue": lambda: timed(
                "residue", moved(desk, "last digit that it gets", next(residues), ready=True)
            ),
            "echo": echo,
        }
        found = take_turns(calls, TURNS)
    slide, residue, bare = (found[name].seconds for name in ("slide", "residue", "echo"))
    usual = median(seen["slide"]) / median(seen["echo"])
    return [
        milliseconds("bare echo of a slide's bytes", bare),
        milliseconds(f"slider to redraw, {what}", slide),
        Row(f"the same / bare echo, {what}", [f"{slide / bare:.2f}"], slide / bare, 2),
        Row("the same, of medians", [f"{usual:.2f}"], usual),
        milliseconds("another last digit, worked out in Python, to redraw", residue),
    ]


def moved(desk: Desk, label: str, value: str, *, ready: bool) -> float:
    """Set a field of the lab; return the seconds until it is drawn."""
    return float(desk.page.evaluate(_MOVE, [label, value, ready])) / 1e3
