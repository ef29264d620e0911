"""Without a kernel: a saved page, an exported notebook, a notebook opened and not run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from browser.conftest import ROOT
from browser.notebook import SCREENS
from playwright.sync_api import expect

import headwidgets as hw

pytestmark = pytest.mark.browser
slow = pytest.mark.slow

NPM = ROOT / "js" / "node_modules"
CELL = """
import headwidgets as hw
s = hw.Session("planted")
s.prompt = "When Mary and John went to the store, John gave a drink to"
s.selection = "0.0"
hw.AttentionView(s)
"""
HOSTILE = ["</script><script>window.hacked = 1</script>", "\"'`", "a\u2028b", "\u202eabc"]
HOSTILE += ["\0", "\ud800", "<!--", "<img src=x onerror='window.hacked = 1'>", "中", "א"]
SEEN = ["</script>", "\"'`", "a‹2028›b", "‹202e›abc", "‹0›", "‹d800›", "<!--", "<img src=x"]


class Page:
    """A page, and what went wrong on it."""

    def __init__(self, page):
        self.page, self.wrong, self.fetched = page, [], []
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on(
            "console", lambda m: self.wrong.append(m.text) if m.type in {"error", "warning"} else 0
        )

    @property
    def view(self):
        return self.page.locator(".hw-attention").first

    def expect_head(self, head):
        expect(self.view).to_have_attribute("data-hw-head", head)
        expect(self.view.locator(".hw-title")).to_have_text(re.compile(f"^head {head}"))

    def click(self, layer, head):
        """Click the thumbnail of a head, wherever the view has put it."""
        canvas = self.view.locator(".hw-heads canvas")
        cell = self.view.get_by_role("grid").get_by_role("gridcell")
        side = cell.evaluate("cell => parseFloat(cell.style.width) - 2")
        canvas.click(position={"x": 24 + side * (head + 0.5), "y": 18 + side * (layer + 0.5)})

    def screenshot(self, name):
        SCREENS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENS / f"{name}.png")


@pytest.fixture
def offline(chromium):
    """Open an address in a window without network; `serve` may stand in for some of it."""
    contexts = []

    def opened(address, serve=None, **options):
        context = chromium.new_context(viewport={"width": 1100, "height": 800}, **options)
        contexts.append(context)
        context.set_default_timeout(15_000)
        expect.set_options(timeout=15_000)
        made = Page(context.new_page())

        def answer(route):
            path = serve(route.request.url) if serve else None
            made.fetched.append(route.request.url)
            route.fulfill(path=path) if path else route.abort()

        context.route(re.compile("^(https?|wss?):"), answer)
        made.page.goto(address)
        return made

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A page with tokens that mean harm."""
    n = len(HOSTILE)
    pattern = np.tril(np.ones((2, 3, n, n))) / np.arange(1, n + 1)[:, None]
    view = hw.AttentionView(pattern, HOSTILE)
    path = view.save(tmp_path_factory.mktemp("saved") / "view.html")
    view.close()
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_saved_page_draws_and_links_without_network(offline, saved, scheme):
    made = offline(saved.as_uri(), color_scheme=scheme)
    made.expect_head("0.0")
    expect(made.view).to_have_attribute("data-hw-state", "ready")
    made.click(1, 2)
    made.expect_head("1.2")
    made.view.get_by_role("grid").press("Home")
    made.view.get_by_role("grid").press("Enter")
    made.expect_head("1.0")
    assert made.page.evaluate("window.hacked") is None
    assert (made.wrong, made.fetched) == ([], [])
    expect(made.page.locator("footer")).to_contain_text(hw.__version__)
    made.screenshot(f"saved-{scheme}")


def test_a_saved_page_shows_hostile_tokens_as_they_are(offline, saved):
    made = offline(saved.as_uri())
    made.expect_head("0.0")
    target = made.view.get_by_role("application")
    target.focus()
    target.press("End")
    said = []
    for _ in HOSTILE:
        said.append(made.view.locator(".hw-line").inner_text())
        target.press("ArrowUp")
    for token in SEEN:
        assert any(token in line for line in said), (token, said)
    assert made.page.evaluate("window.hacked") is None
    assert made.wrong == []


@pytest.fixture
def kinds(planted, tmp_path):
    """Save pages of what shows the kinds of head: the taxonomy, the explorer before and after."""
    planted.prompt = "When Mary and John went to the store"
    explorer = planted.explore()
    pages = {"before": explorer.save(tmp_path / "before.html")}
    explorer.tab = "kinds"
    pages["after"] = explorer.save(tmp_path / "after.html")
    pages["taxonomy"] = hw.TaxonomyView(planted, kind="induction").save(tmp_path / "kinds.html")
    return pages


def test_saved_pages_show_the_kinds_of_head_once_they_were_opened(offline, kinds):
    for name in ("taxonomy", "after"):
        made = offline(kinds[name].as_uri())
        board = made.page.locator(".hw-kindview")
        expect(board).to_have_attribute("data-hw-state", "ready")
        expect(board.locator(".hw-kind")).to_have_count(40)
        board.locator('.hw-kind[data-kind="induction"] .hw-role').first.click()
        expect(board).to_have_attribute("data-hw-head", "1.0")
        assert (made.wrong, made.fetched) == ([], [])
    made = offline(kinds["before"].as_uri())
    expect(made.view).to_have_attribute("data-hw-state", "ready")
    made.page.get_by_role("tab", name="kinds of head").click()
    panel = made.page.get_by_role("tabpanel", name="kinds", exact=True)
    expect(panel).to_have_text("static copy: run the notebook to see this")
    assert (made.wrong, made.fetched) == ([], [])


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A notebook that was run by nbclient, with the state of its widgets."""
    from nbclient import NotebookClient

    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell(CELL), nbformat.v4.new_code_cell("hw.AttentionView(s)")]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    folder = tmp_path_factory.mktemp("executed")
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": folder}}).execute()
    nbformat.write(notebook, folder / "run.ipynb")
    return folder / "run.ipynb"


def library(address):
    """Return the file that stands for a library's address; None: nothing is there."""
    if "require.min.js" in address or "require.js" in address:
        return NPM / "requirejs" / "require.js"
    if "/@jupyter-widgets/html-manager" in address:
        return NPM / "@jupyter-widgets" / "html-manager" / "dist" / Path(address).name
    if "/anywidget@" in address:
        return Path(sys.prefix) / "share" / "jupyter" / "nbextensions" / "anywidget" / "index.js"
    return None


@slow
def test_an_exported_notebook_draws_links_and_says_that_it_is_static(offline, executed):
    from nbconvert import HTMLExporter

    text, _ = HTMLExporter().from_filename(str(executed))
    page = executed.with_suffix(".html")
    page.write_text(text, encoding="utf-8")
    made = offline(page.as_uri(), library)
    made.expect_head("0.0")
    expect(made.view).to_have_attribute("data-hw-state", "ready")
    views = made.page.locator(".hw-attention")
    expect(views).to_have_count(2)
    made.click(1, 1)
    for view in views.all():
        expect(view).to_have_attribute("data-hw-head", "1.1")
        expect(view.locator(".hw-sketch")).to_contain_text("static copy: run the notebook")
    made.screenshot("exported")


TRUST = "from nbformat.sign import TrustNotebookApp as App; App.launch_instance()"


def opened(context, lab, executed, name, *, trusted):
    """Open a copy of the executed notebook in JupyterLab, and run nothing."""
    path = lab.folder / name
    notebook = nbformat.read(executed, as_version=4)
    notebook.cells.append(nbformat.v4.new_markdown_cell(name))  # trust goes by the content
    nbformat.write(notebook, path)
    if trusted:
        subprocess.run([sys.executable, "-c", TRUST, path], env=lab.env, check=True)
    page = context.new_page()
    page.goto(lab.page(name))
    return Page(page)


@slow
def test_a_notebook_that_is_opened_and_not_run_shows_and_links(context, lab, executed):
    made = opened(context, lab, executed, "held.ipynb", trusted=True)
    views = made.page.locator(".hw-attention")
    expect(views).to_have_count(2)
    made.expect_head("0.0")
    made.click(1, 1)
    for view in views.all():
        expect(view).to_have_attribute("data-hw-head", "1.1")
        expect(view.locator(".hw-sketch")).to_contain_text("static copy: run the notebook")
    made.screenshot("reopened")
    made.page.close()


@slow
def test_an_untrusted_notebook_shows_the_picture(context, lab, executed):
    outputs = json.loads(executed.read_text(encoding="utf-8"))["cells"][0]["outputs"]
    assert not any("text/html" in output.get("data", {}) for output in outputs)
    made = opened(context, lab, executed, "untrusted.ipynb", trusted=False)
    picture = made.page.locator(".jp-OutputArea-output img").first
    expect(picture).to_be_visible()
    assert picture.evaluate("img => img.naturalWidth") > 300
    expect(made.page.locator(".hw-attention")).to_have_count(0)
    made.page.close()
