"""The taxonomy in a real JupyterLab: measure, cancel, confirm, passport, filters, a tab."""

from __future__ import annotations

import pytest
from browser.conftest import ROOT
from browser.notebook import Notebook, write_notebook
from browser.test_explore import AXE
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
slow = pytest.mark.slow

START = """
import headwidgets as hw
s = hw.Session("planted")
v = hw.TaxonomyView(s)
v
"""


class Taxonomy:
    """The one taxonomy on a page."""

    def __init__(self, notebook, root):
        self.notebook, self.root, self.page = notebook, root, notebook.page
        self.board = root.get_by_role("grid")
        self.card = root.get_by_role("region", name="the open card")
        self.passport = root.get_by_role("region", name="passport of the selected head")

    def python(self, code):
        """What a cell prints."""
        return self.notebook.run(code)

    def kind(self, name):
        """The card of a kind on the board."""
        return self.root.locator(f'.hw-kind[data-kind="{name}"]')

    def button(self, name):
        return self.root.get_by_role("button", name=name, exact=True)

    def ready(self, **said):
        """Wait until it is ready and says so."""
        expect(self.root).to_have_attribute("data-hw-state", "ready")
        for name, value in said.items():
            expect(self.root).to_have_attribute(f"data-hw-{name}", value)


@pytest.fixture(scope="module")
def opened(context, lab):
    """A notebook with a taxonomy of which nothing is measured."""
    write_notebook(lab.folder / "taxonomy.ipynb")
    notebook = Notebook.open(context.new_page(), lab, "taxonomy.ipynb")
    notebook.run(START)
    made = Taxonomy(notebook, notebook.page.locator(".hw-kindview").first)
    made.ready()
    return made


@pytest.fixture
def taxonomy(opened):
    """The taxonomy with induction measured, nothing open and nothing filtered."""
    opened.python(
        "s.score('induction'); s.selection = '0.0'\n"
        "v.kind = v.stage = v.evidence = v.verdict = v.text = ''"
    )
    opened.ready(kind="", head="0.0")
    expect(opened.kind("induction")).to_contain_text("1.00")
    return opened


def test_a_kind_is_measured_confirmed_and_read_in_a_passport(taxonomy):
    expect(taxonomy.root.locator(".hw-kind")).to_have_count(40)
    taxonomy.kind("previous token").click()
    taxonomy.ready(kind="previous token")
    expect(taxonomy.card.locator("math")).to_be_visible()
    taxonomy.card.get_by_role("button", name="measure").first.click()
    expect(taxonomy.kind("previous token")).to_have_attribute("data-verdict", "consistent with")
    taxonomy.ready()

    taxonomy.kind("induction").locator(".hw-role").first.click()
    taxonomy.ready(head="1.0")
    assert taxonomy.python("print(s.selection)") == "1.0"
    expect(taxonomy.passport).to_contain_text("head 1.0")
    expect(taxonomy.passport.get_by_role("row")).to_contain_text(
        ["kind", "consistent with", "induction", "no", "previous token"]
    )

    taxonomy.passport.get_by_role("button", name="open the card of induction").click()
    taxonomy.ready(kind="induction")
    taxonomy.button("confirm 1.0").click()
    expect(taxonomy.card.locator("table")).to_contain_text("confirmed")
    taxonomy.ready()
    assert taxonomy.python("print(*s.proofs())").startswith("('induction', Head")


def test_measuring_all_is_cancelled_and_leaves_what_there_was(taxonomy):
    taxonomy.button("measure all").click()
    expect(taxonomy.root).to_have_attribute("data-hw-state", "busy")
    expect(taxonomy.root.get_by_role("status")).to_contain_text("scoring")
    taxonomy.button("cancel").click()
    taxonomy.ready()
    expect(taxonomy.kind("induction")).to_have_attribute("data-verdict", "consistent with")
    expect(taxonomy.kind("faithfulness")).to_have_attribute("data-verdict", "not measured yet")
    assert taxonomy.python("print(s.state.status)") == "ready"


def test_filters_and_keys(taxonomy):
    taxonomy.root.get_by_label("verdict", exact=True).select_option("consistent with")
    expect(taxonomy.root.locator(".hw-kind").first).to_be_visible()
    expect(taxonomy.kind("memory")).to_have_count(0)
    taxonomy.root.get_by_label("verdict", exact=True).select_option("")
    taxonomy.root.get_by_role("searchbox").fill("subject")
    expect(taxonomy.kind("subject")).to_be_visible()
    expect(taxonomy.kind("induction")).to_have_count(0)
    assert taxonomy.python("print(v.text)") == "subject"
    taxonomy.root.get_by_role("searchbox").fill("")
    expect(taxonomy.root.locator(".hw-kind")).to_have_count(40)

    taxonomy.board.focus()
    for key in ("Home", "ArrowDown", "ArrowUp", "ArrowRight", "Enter"):
        taxonomy.board.press(key)
    taxonomy.ready(kind="memory")
    assert taxonomy.python("print(v.kind)") == "memory"
    taxonomy.card.focus()
    taxonomy.page.keyboard.press("Escape")
    expect(taxonomy.board).to_be_focused()
    taxonomy.page.keyboard.press("Escape")
    expect(taxonomy.board).not_to_be_focused()


@slow
def test_what_is_stale_says_so_and_is_measured_again(taxonomy):
    taxonomy.python("v.kind = 'induction'; s.prompt = 'the cat sat on the mat'")
    expect(taxonomy.kind("induction")).to_contain_text("before your edit")
    taxonomy.button("measure again").click()
    expect(taxonomy.kind("induction")).not_to_contain_text("before your edit")
    taxonomy.ready()


@slow
def test_a_click_selects_while_the_kernel_is_busy(taxonomy, lab):
    with taxonomy.notebook.busy(lab.folder):
        taxonomy.kind("induction").locator(".hw-role").first.click()
        expect(taxonomy.root).to_have_attribute("data-hw-head", "1.0")
        expect(taxonomy.passport).to_contain_text("head 1.0")
    assert taxonomy.python("print(s.selection)") == "1.0"


@slow
@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_it_can_be_read_in_both_themes(taxonomy, theme):
    taxonomy.notebook.theme(theme)
    taxonomy.python("s.score('successor'); s.selection = '1.0'; v.kind = 'induction'")
    taxonomy.ready(kind="induction", head="1.0")
    expect(taxonomy.kind("successor")).to_contain_text("not measurable here")
    code = (ROOT / "js" / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    assert taxonomy.page.evaluate(AXE, code) == []
    assert taxonomy.notebook.faint(".hw-kindview *:not(style):not(option)") == []
    taxonomy.notebook.screenshot(f"taxonomy-{theme.split()[-1].lower()}", taxonomy.root)


@slow
def test_in_the_explorer_it_is_a_tab(taxonomy):
    taxonomy.python("e = s.explore('induction'); e")
    explorer = taxonomy.page.locator(".hw-explore").last
    expect(explorer).to_have_attribute("data-hw-state", "ready")
    expect(explorer.locator(".hw-kindview")).to_have_count(0)
    explorer.get_by_role("tab", name="kinds of head").click()
    expect(explorer.locator(".hw-kindview")).to_have_attribute("data-hw-state", "ready")
    explorer.locator('.hw-kind[data-kind="induction"] .hw-role').first.click()
    taxonomy.ready(head="1.0")
    taxonomy.notebook.screenshot("taxonomy-explorer", explorer)
    explorer.get_by_role("tab", name="heads", exact=True).click()
    expect(explorer.locator(".hw-grid")).to_have_attribute("data-hw-head", "1.0")
    assert taxonomy.python("print(e.tab)") == "heads"
    taxonomy.python("e.close()")
