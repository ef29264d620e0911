"""The succession lab in a real JupyterLab: slide, click from a cell to a text, read, a tab."""

from __future__ import annotations

import pytest
from browser.conftest import ROOT
from browser.notebook import Notebook, write_notebook
from browser.test_explore import AXE
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

START = """
import headwidgets as hw
s = hw.Session("numerals")
v = hw.SuccessionLab(s, set="months", member="May", residue=8)
v
"""


class Lab:
    """The one succession lab on a page."""

    def __init__(self, notebook, root):
        self.notebook, self.root, self.page = notebook, root, notebook.page
        self.slide = root.locator(".hw-slide")
        self.strength = root.get_by_label("strength", exact=True)
        self.matrix = root.locator(".hw-matrix")
        self.cases = root.locator(".hw-cases li")

    def python(self, code):
        """What a cell prints."""
        return self.notebook.run(code)

    def ready(self, **said):
        """Wait until it is ready and says so."""
        expect(self.root).to_have_attribute("data-hw-state", "ready")
        for name, value in said.items():
            expect(self.root).to_have_attribute(f"data-hw-{name}", value)

    def to_cell(self, row, column):
        """Move from the first row's cell to another, by keys."""
        self.matrix.focus()
        for _ in range(row):
            self.matrix.press("ArrowDown")
        for _ in range(column - 1):
            self.matrix.press("ArrowRight")


@pytest.fixture(scope="module")
def opened(context, lab):
    """A notebook with a lab."""
    write_notebook(lab.folder / "succession.ipynb")
    notebook = Notebook.open(context.new_page(), lab, "succession.ipynb")
    notebook.run(START)
    made = Lab(notebook, notebook.page.locator(".hw-succession").first)
    made.ready(head="1.0", set="months")
    return made


@pytest.fixture
def shown(opened):
    """The lab on May, residue 8, strength 0, and no text read."""
    opened.python(
        "s.selection = '1.0'; v.look(set='months', member='May', residue=8, strength=0.0)\n"
        "s.state.set_trait('lab_cases', {})"
    )
    opened.ready(head="1.0", set="months")
    expect(opened.slide).to_have_attribute("data-hw-strength", "0.00")
    return opened


def test_the_slider_moves_the_distribution_and_python_agrees(shown):
    expect(shown.slide).to_have_attribute("data-hw-most", "June")
    shown.strength.focus()
    for _ in range(20):
        shown.strength.press("ArrowRight")
    expect(shown.slide).to_have_attribute("data-hw-strength", "1.00")
    expect(shown.slide).to_have_attribute("data-hw-most", "September")
    expect(shown.slide).to_contain_text("wanted at k = 1: September ✓")
    seen = float(shown.slide.get_attribute("data-hw-share"))
    code = (
        "from headwidgets.labs.arithmetic import edited\n"
        "f = edited(s, '1.0', 'months', 'May', 8, s.state.lab['strength'])\n"
        "print(f.set_index('member')['after']['September'])"
    )
    assert seen == pytest.approx(float(shown.python(code)), abs=1e-6)
    assert shown.python("print(s.state.lab['strength'])") == "1.0"


def test_it_slides_while_the_kernel_is_busy(shown, lab):
    with shown.notebook.busy(lab.folder):
        shown.strength.focus()
        for _ in range(40):
            shown.strength.press("ArrowRight")
        expect(shown.slide).to_have_attribute("data-hw-most", "September")
    shown.ready()
    for _ in range(20):  # a cell may overtake the last change, which waited for the first's answer
        if (told := shown.python("print(s.state.lab['strength'])")) == "2.0":
            break
    assert told == "2.0"


def test_another_member_and_residue_are_asked_of_python(shown):
    shown.root.get_by_label("member that is edited").select_option("January")
    shown.root.get_by_label("last digit that it gets").select_option("5")
    shown.ready()
    assert shown.python("print(s.state.lab['member'], s.state.lab['residue'])") == "January 5"
    expect(shown.slide).to_contain_text("wanted at k = 1: June")


def test_a_click_on_a_cell_goes_to_its_cases_on_text(shown):
    box = shown.matrix.locator("canvas").bounding_box()
    members = 12
    expect(shown.root.get_by_role("status").nth(1)).to_contain_text("looks at January")
    shown.to_cell(4, 5)
    expect(shown.root).to_contain_text("looks at May, writes June")
    value = shown.root.locator(".hw-read[data-hw-value]").get_attribute("data-hw-value")
    code = "from headwidgets.labs.succession import matrix; import numpy as np\n"
    code += "print(np.float32(matrix(s, '1.0', 'months').loc['May', 'June']))"
    assert float(value) == pytest.approx(float(shown.python(code)), rel=1e-6)
    cell = (box["width"] - 78) / members
    shown.matrix.locator("canvas").click(
        position={"x": 66 + 6.5 * cell, "y": 66 + 5.5 * cell}, force=True
    )
    expect(shown.cases.first).to_contain_text("successorship")
    first = shown.root.locator(".hw-pair .hw-line").filter(has_text=" of ").first
    expect(first).to_contain_text("→")
    shown.ready()
    looks, writes = first.inner_text().split(" of ")[1].split("\n")[0].split(" → ")
    assert shown.python(f"f = v.to_frame('text'); print((f['because'] == '{looks}').sum() > 0)")
    expect(shown.cases.first.locator("mark").last).to_contain_text(looks)
    expect(shown.cases.first.locator("b")).to_contain_text(writes)


def test_a_text_of_ones_own_is_read(shown):
    box = shown.root.get_by_label("text to read")
    box.fill("from 20 to 30")
    shown.root.get_by_role("button", name="read this text").click()
    expect(shown.cases.first).to_contain_text("greater-than")
    shown.ready()
    shown.root.get_by_role("button", name="numbered lists").click()
    expect(shown.root).to_contain_text("64 of 64 won")
    expect(shown.cases.first).to_contain_text("successorship")


def test_heads_are_chosen_by_click_and_by_key(shown):
    shown.root.locator('tr[data-head="1.1"]').click()
    shown.ready(head="1.1")
    expect(shown.root).to_contain_text("itself first 12 of 12")
    assert shown.python("print(s.selection)") == "1.1"
    heads = shown.root.get_by_role("listbox")
    heads.focus()
    heads.press("Home")
    shown.ready(head="1.0")
    expect(shown.root).to_contain_text("itself first 0 of 12")


def test_it_is_a_tab_of_the_explorer_that_costs_nothing_before(context, lab):
    write_notebook(lab.folder / "tab.ipynb")
    notebook = Notebook.open(context.new_page(), lab, "tab.ipynb")
    notebook.run("import headwidgets as hw\ns = hw.Session('numerals')\ne = s.explore()\ne")
    root = notebook.page.locator(".hw-explore").first
    expect(root).to_have_attribute("data-hw-state", "ready")
    assert notebook.run("print(len(s.state.succession), s.state.lab_scores)") == "0 {}"
    root.get_by_role("tab", name="succession lab").click()
    inside = root.locator(".hw-succession")
    expect(inside).to_have_attribute("data-hw-state", "ready")
    expect(inside).to_contain_text("290 pairs")
    root.get_by_role("tab", name="kinds of head").click()
    notebook.run("s.score('successor'); s.selection = '1.0'")
    root.get_by_role("button", name="open the succession lab on 1.0").click()
    expect(root).to_have_attribute("data-hw-tab", "succession")
    assert notebook.run("print(e.tab)") == "succession"


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_it_can_be_read_in_both_themes(shown, theme):
    shown.python("v.look(strength=1.0); v.read(['from 20 to 30', 'In order: Monday Tuesday'])")
    shown.notebook.theme(theme)
    shown.ready()
    name = f"succession-{theme.split()[1].lower()}"
    shown.notebook.screenshot(name, shown.root.locator(".hw-steps > section").first)
    shown.notebook.screenshot(f"{name}-below", shown.cases.first)
    code = (ROOT / "js" / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    assert shown.page.evaluate(AXE, code) == []
    assert shown.notebook.faint(".hw-succession *:not(style):not(option)") == []
    shown.notebook.screenshot(f"{name}-matrix", shown.slide)
    shown.notebook.theme("JupyterLab Light")
