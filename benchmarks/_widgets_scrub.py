"""The emergence lab's slider: from a move to another checkpoint drawn, and a second look at it."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from _widgets_shared import milliseconds

if TYPE_CHECKING:
    from _bench import Row
    from _lab import Bench

BAR, ROUNDS = 8, 3
# Drawn at once, and again in a microtask when the trait has changed; then laid out.
_SCRUB = """async (rounds) => {
  const root = [...document.querySelectorAll(".hw-emergence")].at(-1);
  const slider = root.querySelector('input[type="range"]'), last = Number(slider.max), took = [];
  for (let round = 0; round < rounds; round++) {
    for (let place = 0; place <= last; place++) {
      await new Promise((go) => setTimeout(go, 40));
      const start = performance.now();
      slider.value = String(place);
      slider.dispatchEvent(new Event("input", { bubbles: true }));
      for (let turn = 0; turn < 4; turn++) await null;
      root.getBoundingClientRect();
      took.push(performance.now() - start);
    }
  }
  return took;
}"""


def scrubbing(lab: Bench) -> list[Row]:
    """Move through all checkpoints of a shipped run, and of six conditions laid over it."""
    rows = []
    with lab.desk() as desk:
        for name, code in {
            "one run": "hw.EmergenceLab()",
            "seven lines": "hw.EmergenceLab(['low16-clamps', 'low16'])",
        }.items():
            desk.show(code, "emergence")
            took = sorted(one / 1e3 for one in desk.page.evaluate(_SCRUB, ROUNDS))
            what = f"scrub to a checkpoint drawn, {name}"
            rows.append(milliseconds(f"{what}, median of {len(took)}", median(took), BAR))
            rows.append(milliseconds("the same, 95 %", took[int(0.95 * len(took))]))
    return rows
