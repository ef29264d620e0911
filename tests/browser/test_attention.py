"""AttentionView in a real JupyterLab: mouse, keys, Python and a busy kernel."""

from __future__ import annotations

import re

import numpy as np
import pytest
from browser.notebook import Notebook, write_notebook
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
slow = pytest.mark.slow

START = """
import headwidgets as hw
s = hw.Session("planted")
s.prompt = "When Mary and John went to the store, John gave a drink to"
s.corrupted_prompt = "When Mary and John went to the store, Mary gave a drink to"
s.selection = "0.0"
"""
GUTTER, RULER, CELL = 24, 18, 64


class Views:
    """The attention views on a page."""

    def __init__(self, notebook, folder):
        self.notebook, self.folder = notebook, folder
        self.all = notebook.page.locator(".hw-attention")

    def expect_head(self, head, view=None):
        """Wait until every view, or one, shows the exact map of `head`."""
        for one in self.all.all() if view is None else [view]:
            expect(one).to_have_attribute("data-hw-head", head)
            expect(one).to_have_attribute("data-hw-state", "ready")
            expect(one.locator(".hw-title")).to_have_text(f"head {head}")

    def click(self, layer, head, at=0):
        """Click a thumbnail."""
        x, y = GUTTER + CELL * (head + 0.5), RULER + CELL * (layer + 0.5)
        self.all.nth(at).locator(".hw-heads canvas").click(position={"x": x, "y": y})

    def python(self, code):
        """What a cell prints."""
        return self.notebook.run(code)


@pytest.fixture(scope="module")
def opened(context, lab):
    """A notebook with two views of one session, in two cells."""
    write_notebook(lab.folder / "attention.ipynb")
    notebook = Notebook.open(context.new_page(), lab, "attention.ipynb")
    notebook.run(START + "hw.AttentionView(s)")
    notebook.run("hw.AttentionView(s)")
    return Views(notebook, lab.folder)


@pytest.fixture
def views(opened):
    """The views as they were opened."""
    opened.python(
        "s.edits = []; s.state.run = 'clean'; s.selection = '0.0'; "
        "s.state.weighting = 'raw'; s.state.over = 'pair'"
    )
    expect(opened.all).to_have_count(2)
    opened.expect_head("0.0")
    return opened


def test_python_and_the_screen_select_one_head(views):
    views.click(1, 0)
    views.expect_head("1.0")
    assert views.python("print(s.selection)") == "1.0"

    grid = views.all.nth(1).get_by_role("grid")
    grid.focus()
    for key in ("ArrowUp", "ArrowRight", "Enter"):
        grid.press(key)
    views.expect_head("0.1")
    assert views.python("print(s.selection)") == "0.1"
    grid.press("Escape")
    expect(grid).not_to_be_focused()

    views.python("s.selection = '1.2'")
    views.expect_head("1.2")


@slow
def test_both_views_move_while_the_kernel_is_busy(views):
    with views.notebook.busy(views.folder):
        views.click(1, 1, at=0)
        for view in views.all.all():
            expect(view).to_have_attribute("data-hw-head", "1.1")
            expect(view.get_by_role("gridcell")).to_have_attribute("aria-selected", "true")
            expect(view.locator(".hw-sketch")).to_contain_text("thumbnail, enlarged")
    views.expect_head("1.1")
    assert views.python("print(s.selection)") == "1.1"


@slow
def test_runs_the_difference_and_a_pinned_query(views):
    views.click(1, 0)
    views.python("s.edits = [hw.zero('0.0')]")
    view = views.all.first
    view.get_by_role("button", name="difference").click()
    expect(view.get_by_role("button", name="difference")).to_have_attribute("aria-pressed", "true")
    views.expect_head("1.0")
    assert views.python("print(s.state.run)") == "difference"
    expect(view).to_contain_text("edited − clean")
    expect(view.locator(".hw-strong li").first).to_have_text("0 <bos>  1.000")
    views.notebook.screenshot("attention-difference", view)
    view.get_by_role("button", name="clean").click()
    views.expect_head("1.0")
    target = view.get_by_role("application")
    target.focus()
    for key in ("End", "ArrowUp", "ArrowUp", "Enter"):
        target.press(key)
    expect(view).to_contain_text("pinned: 12 “·a” looks at")
    target.press("Enter")  # a second time lets go of it
    expect(view).to_contain_text("last token: 14")


@slow
def test_weightings_and_the_mean_over_the_set(views):
    view = views.all.first
    other = "When John and Mary went to the store, Mary gave a drink to"
    views.python(f"s.prompts = hw.Prompts(clean=[s.prompt, {other!r}]); s.selection = '1.0'")
    for name, words in [
        ("no bos", "first token left out"),
        ("value", "A · ‖v W_O‖"),
        ("mean of 2", "mean of 2 prompts"),
    ]:
        view.get_by_role("button", name=name).click()
        views.expect_head("1.0")
        expect(view.locator(".hw-foot")).to_contain_text(words)
    assert views.python("print(s.state.weighting, s.state.over)") == "value set"
    views.notebook.screenshot("attention-set", view)
    views.python("s.prompts = [s.prompt, 'Mary']; s.state.over = 'pair'; s.state.weighting = 'raw'")
    views.expect_head("1.0")
    mean = view.get_by_role("button", name="mean of 2")
    expect(mean).to_have_attribute("aria-disabled", "true")
    expect(mean).to_have_attribute("title", re.compile("differ in length"))
    views.python("s.prompts = [s.prompt]")


@slow
def test_the_exact_value_search_zoom_and_reading_a_row(views):
    view = views.all.first
    views.python("s.selection = '1.2'")
    views.expect_head("1.2")
    exact = views.python("print(float(s.attention('1.2')[13, 13]))")
    target, line = view.get_by_role("application"), view.locator(".hw-line")
    target.focus()
    for key in ("End", "ArrowUp", "ArrowLeft"):
        target.press(key)
    expect(line).to_have_text(re.compile(r"13 .* → 13 .*: 0\.\d{6,}$"))
    assert np.float32(line.inner_text().rpartition(" ")[2]) == np.float32(exact)
    target.press("r")
    expect(line).to_contain_text("query: 13 “·drink” looks at")
    field = view.get_by_role("searchbox")
    field.fill("john")
    for found in ("1 of 2", "2 of 2", "1 of 2"):
        field.press("Enter")
        expect(view.locator(".hw-count")).to_have_text(found)
    target.press("+")
    views.notebook.screenshot("attention-zoom", view)
    field.press("Escape")


@slow
def test_a_long_prompt_is_an_overview_with_exact_tiles(views):
    views.notebook.run(
        "import numpy as np\n"
        "draw = np.random.default_rng(0).random((2, 1500, 1500), np.float32)\n"
        "long = hw.AttentionView(np.tril(draw), [f' t{i}' for i in range(1500)]); long"
    )
    view = views.all.nth(2)
    expect(view.locator(".hw-foot")).to_contain_text("1 of 3 × 3 of 1,500 × 1,500 pixels")
    exact = views.notebook.run("print(float(long.session.pattern[0, 0, 1499, 1499]))")
    target = view.get_by_role("application")
    target.focus()
    for key in ("End", "+", "+", "+"):
        target.press(key)
    expect(view.locator(".hw-foot")).to_contain_text("every value in sight")
    expect(view.locator(".hw-line")).to_contain_text(re.compile(r": 0\.\d{6,}$"))
    shown = view.locator(".hw-line").inner_text().rpartition(" ")[2]
    assert np.float32(shown) == np.float32(exact)
    views.notebook.screenshot("attention-long", view)
    views.notebook.run("long.close()")


@slow
@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_it_can_be_read_in_both_themes(views, theme):
    views.notebook.theme(theme)
    views.click(1, 0)
    views.expect_head("1.0")
    views.notebook.screenshot(f"attention-{theme.split()[-1].lower()}", views.all.first)
    assert views.notebook.faint(".hw-attention *:not(style):not(canvas)") == []


@slow
def test_arrays_have_a_view_of_their_own(views):
    views.notebook.run(
        "import numpy as np\n"
        "p = np.tril(np.ones((2, 3, 3), 'float32')); p /= p.sum(-1, keepdims=True)\n"
        "a = hw.AttentionView(p, ['<b>', '</script>', '\\n'], ['one', 'two']); a"
    )
    view = views.all.nth(2)
    expect(view.locator(".hw-title")).to_have_text("head 0.0 one")
    view.get_by_role("grid").focus()
    for key in ("ArrowRight", "Enter"):
        view.get_by_role("grid").press(key)
    expect(view.locator(".hw-title")).to_have_text("head 0.1 two")
    expect(view).to_have_attribute("data-hw-state", "ready")
    assert views.notebook.run("print(a.session.selection)") == "0.1"
    expect(view.get_by_role("button", name="clean")).to_be_hidden()
    views.notebook.run("a.close()")
