"""HeadGrid and the explorer in a real JupyterLab: mouse, keys, Python and a busy kernel."""

from __future__ import annotations

import re

import pytest
from browser.notebook import Notebook, write_notebook
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
slow = pytest.mark.slow

START = """
import headwidgets as hw
start = "When Mary and John went to the store,"
table = {"clean": [start + " Mary", start + " John"],
         "corrupted": [start + " John", start + " Mary"],
         "answer": [" and", " went"], "foil": [" went", " and"]}
s = hw.Session("planted")
s.use(table)
"""
GUTTER, RULER, WIDE, HIGH = 24, 18, 52, 26


class Grids:
    """The grids on a page."""

    def __init__(self, notebook, folder):
        self.notebook, self.folder = notebook, folder
        self.all = notebook.page.locator(".hw-grid")
        self.first = self.all.first

    def click(self, layer, head):
        """Click a cell of the first grid."""
        x, y = GUTTER + WIDE * (head + 0.5), RULER + HIGH * (layer + 0.5)
        self.first.locator(".hw-cells canvas").click(position={"x": x, "y": y})

    def expect(self, **said):
        """Wait until every grid is ready and says so."""
        for one in self.all.all():
            expect(one).to_have_attribute("data-hw-state", "ready")
            for name, value in said.items():
                expect(one).to_have_attribute(f"data-hw-{name}", value)

    def python(self, code):
        """What a cell prints."""
        return self.notebook.run(code)


@pytest.fixture(scope="module")
def opened(context, lab):
    """A notebook with two grids of one session, in two cells."""
    write_notebook(lab.folder / "grid.ipynb")
    notebook = Notebook.open(context.new_page(), lab, "grid.ipynb")
    notebook.run(START + "hw.HeadGrid(s, 'patch')")
    notebook.run("g = hw.HeadGrid(s, 'patch'); g")
    return Grids(notebook, lab.folder)


@pytest.fixture
def grids(opened):
    """The grids as they were opened."""
    opened.python(
        "s.use(table); s.edits = []; s.selection = '0.0'; s.state.edit_kind = 'mean'\n"
        "for one in __import__('headwidgets').widgets.measured.room(s).grids:\n"
        "    one.sort = 'grid'; one.score = 'patch'"
    )
    expect(opened.all).to_have_count(2)
    opened.expect(head="0.0", score="patch")
    return opened


def test_a_head_is_selected_by_mouse_keys_and_python(grids):
    grids.click(1, 0)
    grids.expect(head="1.0")
    assert grids.python("print(s.selection)") == "1.0"
    expect(grids.first.locator(".hw-headcard")).to_contain_text("100 %")

    grid = grids.first.get_by_role("grid")
    grid.focus()
    for key in ("ArrowUp", "ArrowRight", "Enter"):
        grid.press(key)
    grids.expect(head="0.1")
    grids.python("s.selection = '1.2'")
    grids.expect(head="1.2")
    grid.press("Escape")
    expect(grid).not_to_be_focused()


PUBLISHED = """
import numpy as np, pandas as pd
named = pd.DataFrame(np.ndindex(12, 12), columns=["layer", "head"]).assign(score=0.5)
named.attrs["model"] = "gpt2"
p = hw.HeadGrid(named)
p.session.selection = "9.9"
p
"""


def test_published_heads_are_marked_and_said_by_whom(grids):
    grids.python(PUBLISHED)
    view = grids.all.nth(2)
    expect(view).to_have_attribute("data-hw-head", "9.9")
    claims = view.locator(".hw-claim")
    expect(claims.first).to_have_text("name mover Wang et al. 2022 · paper, +3 more")
    grid = view.get_by_role("grid")
    cell = grid.get_by_role("gridcell")
    expect(cell).to_have_attribute("aria-label", re.compile("published as name mover by Wang"))
    grid.press("Home")  # 9.0
    expect(claims).to_have_text(["backup name mover Wang et al. 2022 · paper, +1 more"])
    grid.press("Control+Home")
    expect(claims).to_have_count(0)
    view.get_by_role("button", name="published for gpt2").click()
    expect(view.get_by_role("tooltip")).to_contain_text("A low value speaks against the head")
    expect(grids.first.locator(".hw-fold")).to_have_count(0)
    grids.notebook.screenshot("grid-published", view)
    grids.python("p.close()")


@slow
def test_space_toggles_an_edit_that_python_sees(grids):
    grid = grids.first.get_by_role("grid")
    grid.focus()
    grid.press("Control+End")
    grid.press(" ")
    expect(grids.all.nth(1).get_by_role("gridcell")).not_to_have_attribute("aria-label", "")
    assert grids.python("print(*s.edits)") == "mean 1.2"
    grids.first.get_by_role("button", name="zero", exact=True).click()
    grid.focus()
    grid.press("Control+Home")
    grid.press(" ")
    expect(grids.first.locator(".hw-onit")).to_have_text("⊘ zero 0.0")
    assert grids.python("print(*s.edits, s.state.edit_kind)") == "mean 1.2 zero 0.0 zero"
    grid.press(" ")
    expect(grids.first.locator(".hw-onit")).to_have_text("")
    assert grids.python("print(*s.edits)") == "mean 1.2"


@slow
def test_both_grids_move_while_the_kernel_is_busy(grids):
    with grids.notebook.busy(grids.folder):
        grids.click(1, 1)
        grids.expect(head="1.1")
    assert grids.python("print(s.selection)") == "1.1"


@slow
def test_another_score_is_measured_and_kept_in_python(grids):
    view = grids.all.nth(1)
    view.get_by_label("score", exact=True).select_option("induction")
    expect(view).to_have_attribute("data-hw-score", "induction")
    expect(view).to_have_attribute("data-hw-state", "ready")
    assert grids.python("print(g.score, len(g.to_frame()))") == "induction 6"
    view.get_by_role("button", name="ranked").click()
    expect(view.locator(".hw-option").first).to_have_attribute(
        "aria-label", "head 1.0, 1.000, consistent with"
    )
    view.get_by_role("button", name="● consistent with").click()
    expect(view.get_by_text(" of 6 heads")).to_be_visible()
    view.get_by_role("button", name="● consistent with").click()
    grids.notebook.screenshot("grid-ranked", view)


@slow
def test_what_is_stale_is_measured_again(grids):
    grids.python("s.metric = hw.LogitDiff(' went', ' and')")
    expect(grids.first).to_contain_text("before your edit")
    grids.first.get_by_role("button", name="measure again").click()
    expect(grids.first).not_to_contain_text("before your edit")
    expect(grids.all.nth(1)).not_to_contain_text("before your edit")  # it shows the same
    assert grids.python("print(g.stale)") == "False"


@slow
@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_the_explorer_can_be_read_in_both_themes(grids, theme):
    grids.notebook.theme(theme)
    grids.python("e = s.explore(); e")
    view = grids.notebook.page.locator(".hw-explore").last
    expect(view).to_have_attribute("data-hw-state", "ready")
    expect(view.locator(".hw-grid")).to_have_attribute("data-hw-head", "1.0")
    expect(view.locator(".hw-attention")).to_have_attribute("data-hw-head", "1.0")
    grids.notebook.screenshot(f"explore-{theme.split()[-1].lower()}", view)
    assert grids.notebook.faint(".hw-grid *:not(style):not(canvas):not(option)") == []
    grids.python("e.close()")
