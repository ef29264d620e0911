"""The sweeps of the patch panel in a real JupyterLab: cells fill, stop, become edits and code."""

from __future__ import annotations

import re

import pytest
from browser.notebook import Notebook, write_notebook
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
slow = pytest.mark.slow

START = """
import headwidgets as hw
s = hw.Session("planted")
s.prompt = "Mary took the red apple and John took the red"
s.corrupted_prompt = "Mary took the red book and John took the red"
p = hw.PatchPanel(s)
p
"""
# Each step of a sweep waits for the file `go`, after the first `few`.
SLOWLY = """
import pathlib, time
from headwidgets.methods import sweep as sweeping
steps, go = [], pathlib.Path("go")
go.unlink(missing_ok=True)
class Slow(sweeping.Replay):
    def run(self, variants, read):
        for some, values in super().run(variants, read):
            for i, one in enumerate(some):
                yield [one], values[i : i + 1]
                steps.append(one)
                time.sleep(0.1)
                while len(steps) > 20 and not go.exists():
                    time.sleep(0.05)
                    sweeping.checkpoint(len(steps), 66, "waiting")
quick, sweeping.Replay = sweeping.Replay, Slow
"""
SO_FAR = re.compile(r"so far \d+ of 66 edits done")
STOPPED = re.compile(r"stopped: \d+ of 6+ edits done")
GUTTER, RULER, WIDE, HIGH = 24, 18, 52, 24


class Panel:
    """The sweeps of the panel on a page."""

    def __init__(self, notebook):
        self.notebook = notebook
        self.root = notebook.page.locator(".hw-panel")
        self.box = self.root.locator(".hw-sweep")

    def python(self, code):
        """What a cell prints."""
        return self.notebook.run(code)

    def choose(self, **choices):
        """Open the sweeps and say what to sweep."""
        if not self.box.evaluate("box => box.open"):
            self.box.locator("summary").click()
        names = {"kind": "what each edit does", "over": "what is edited", "at": "where each edit"}
        for name, value in choices.items():
            self.box.get_by_label(names[name]).select_option(value)

    def press(self, name):
        """Press a button of the sweeps."""
        self.box.get_by_role("button", name=name, exact=True).click()

    def click(self, row, column):
        """Click a cell of layers × heads."""
        x, y = GUTTER + WIDE * (column + 0.5), RULER + HIGH * (row + 0.5)
        self.box.locator("canvas").click(position={"x": x, "y": y})


@pytest.fixture(scope="module")
def opened(context, lab):
    """A notebook with a panel."""
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    write_notebook(lab.folder / "methods.ipynb")
    notebook = Notebook.open(context.new_page(), lab, "methods.ipynb")
    notebook.run(START)
    return Panel(notebook)


@pytest.fixture
def panel(opened):
    """The panel without edits."""
    opened.python("s.edits = []")
    expect(opened.root).to_have_attribute("data-hw-state", "ready")
    return opened


def test_a_sweep_becomes_edits_and_code(panel):
    panel.choose(kind="patch", over="heads")
    expect(panel.box).to_contain_text("6 edits on 1 prompt, about")
    assert panel.python("print(p.swept)") == "None"  # nothing is run before it is asked for
    panel.press("run")
    expect(panel.box).to_have_attribute("data-hw-sweep", "whole")
    expect(panel.box.locator(".hw-told")).to_contain_text("strongest: head 1.0")
    panel.click(1, 0)
    expect(panel.root.locator(".hw-chips li")).to_have_count(1)
    assert panel.python("print(*s.edits)") == "patch 1.0 into corrupted"
    panel.click(1, 0)
    expect(panel.root.locator(".hw-chips li")).to_have_count(0)
    grid = panel.box.get_by_role("grid")
    grid.focus()
    for key in ("Control+Home", "ArrowRight", "Enter"):
        grid.press(key)
    expect(panel.root.locator(".hw-chips li")).to_have_count(1)
    assert panel.python("print(*s.edits)") == "patch 0.1 into corrupted"
    panel.press("copy as Python")
    expect(panel.box).to_contain_text("copied,")
    code = panel.notebook.page.evaluate("navigator.clipboard.readText()")
    panel.python(code)
    apart = "print(float((result['effect'] - p.swept['effect']).abs().max()) < 1e-5, len(result))"
    assert panel.python(apart) == "True 6"


@slow
def test_cells_fill_and_what_is_done_stays_when_it_is_cancelled(panel):
    panel.python(SLOWLY)
    panel.choose(kind="zero", over="heads x positions")
    expect(panel.box).to_contain_text("66 edits on 1 prompt")
    panel.press("run")
    expect(panel.box).to_have_attribute("data-hw-state", "busy")
    expect(panel.box).to_have_attribute("data-hw-sweep", SO_FAR)
    panel.notebook.screenshot("methods-filling", panel.box)
    panel.press("cancel")
    expect(panel.box).to_have_attribute("data-hw-sweep", STOPPED)
    done = panel.python("print((p.swept['n'] > 0).sum())")
    expect(panel.box).to_contain_text(f"stopped: {done} of 66 edits done")
    panel.python("sweeping.Replay = quick")
    panel.press("run")
    expect(panel.box).to_have_attribute("data-hw-sweep", "whole")
    grid = panel.box.get_by_role("grid")
    grid.focus()
    grid.press("Control+End")
    grid.press(" ")
    expect(panel.root.locator(".hw-chips li")).to_have_count(1)
    assert panel.python("print(*s.edits)").endswith(" at 10")


@slow
def test_a_grid_fills_and_says_that_it_was_stopped(panel):
    panel.python("g = hw.HeadGrid(s, 'induction'); g")
    panel.python(SLOWLY + "\nsteps.extend(range(17))")
    grid = panel.notebook.page.locator(".hw-grid").last
    grid.get_by_label("score", exact=True).select_option("zero")
    expect(grid).to_have_attribute("data-hw-state", "busy")
    expect(grid.get_by_role("button", name="not measured yet")).to_be_visible()
    grid.get_by_role("button", name="cancel").click()
    expect(grid.locator(".hw-about")).to_contain_text(STOPPED)
    panel.python("sweeping.Replay = quick")
    grid.get_by_role("button", name="measure again").click()
    expect(grid.locator(".hw-about")).not_to_contain_text("stopped")
    panel.python("g.close()")


@slow
@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_it_can_be_read_in_both_themes(panel, theme):
    panel.notebook.theme(theme)
    panel.choose(kind="patch", over="heads x positions")
    panel.press("run")
    expect(panel.box).to_have_attribute("data-hw-sweep", "whole")
    panel.notebook.screenshot(f"methods-{theme.split()[-1].lower()}", panel.box)
    assert panel.notebook.faint(".hw-sweep *:not(style):not(option):not(canvas)") == []
