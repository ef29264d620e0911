"""AttentionView in a real JupyterLab: mouse, keys, Python and a busy kernel."""

from __future__ import annotations

import nbformat
import pytest
from browser.notebook import Notebook
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

START = """
import headwidgets as hw
s = hw.Session()
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

    def release(self):
        """Let the cell go on that waits for a file."""
        (self.folder / "go").touch()

    def python(self, code):
        """What a cell prints."""
        return self.notebook.run(code)


@pytest.fixture(scope="module")
def opened(context, lab):
    """A notebook with two views of one session, in two cells."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell("")]
    empty = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(empty, lab.folder / "attention.ipynb")
    notebook = Notebook.open(context.new_page(), lab, "attention.ipynb")
    notebook.run(START + "hw.AttentionView(s)")
    notebook.run("hw.AttentionView(s)")
    return Views(notebook, lab.folder)


@pytest.fixture
def views(opened):
    """The views as they were opened."""
    opened.python("s.edits = []; s.state.run = 'clean'; s.selection = '0.0'")
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


def test_both_views_move_while_the_kernel_is_busy(views):
    page = views.notebook.page
    page.evaluate(
        """code => {
          const notebook = jupyterapp.shell.currentWidget.content;
          notebook.activeCellIndex = notebook.widgets.length - 1;
          jupyterapp.commands.execute("notebook:insert-cell-below").then(() => {
            notebook.activeCell.model.sharedModel.setSource(code);
            window.hwBusy = jupyterapp.commands.execute("notebook:run-cell");
          });
        }""",
        "import pathlib, time\n"
        "while not pathlib.Path('go').exists(): time.sleep(0.05)\n"
        "pathlib.Path('go').unlink()",
    )
    kernel = "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.status"
    page.wait_for_function(f"({kernel})() === 'busy'")
    views.click(1, 1, at=0)
    for view in views.all.all():
        expect(view).to_have_attribute("data-hw-head", "1.1")
        expect(view.get_by_role("gridcell")).to_have_attribute("aria-selected", "true")
        expect(view.locator(".hw-sketch")).to_contain_text("thumbnail, enlarged")
    assert page.evaluate(kernel) == "busy"
    views.release()
    page.evaluate("window.hwBusy")
    views.expect_head("1.1")
    assert views.python("print(s.selection)") == "1.1"


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
    for key in ("ArrowUp", "ArrowUp", "Enter"):
        target.press(key)
    expect(view).to_contain_text("pinned: 12 “·a” looks at")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_it_can_be_read_in_both_themes(views, theme):
    views.notebook.theme(theme)
    views.click(1, 0)
    views.expect_head("1.0")
    views.notebook.screenshot(f"attention-{theme.split()[-1].lower()}", views.all.first)
    assert views.notebook.faint(".hw-attention *:not(style):not(canvas)") == []


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
