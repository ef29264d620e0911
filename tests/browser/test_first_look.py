"""The first notebook, used as a person uses it."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from browser.notebook import Notebook
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

NOTEBOOK = "00_first_look.ipynb"
FIRST = "When Mary and John went to the store, John gave a drink to"
OTHER = "When Tom and Anna went to the market, Anna gave a ring to"
NEEDED = "0.3"  # the head that the names lean on most; see the report card
TOP = """
import json
top = s.compare(10).nlargest(1, {0!r}).iloc[0]
print(json.dumps([top["token"], f"{{top[{0!r}]:.2f}}"]))
"""


@pytest.fixture(scope="module")
def executed(context, lab):
    """The notebook with all its cells run; its errors are the first test's to see."""
    copy = lab.copy(NOTEBOOK, NOTEBOOK)
    notebook = Notebook.open(context.new_page(), lab, copy.name)
    notebook.errors = notebook.run_all()
    notebook.panel = notebook.page.locator(".hw-panel").first
    notebook.map = notebook.page.locator(".hw-attention").first
    return notebook


@pytest.fixture
def notebook(executed):
    """The notebook as its last cell left it."""
    executed.run(f"s.edits = []; s.selection = '1.0'; s.prompts = {FIRST!r}")
    settled(executed)
    return executed


def settled(notebook):
    """Wait until panel and map show what the session holds."""
    revision = notebook.run("print(s.revision)")
    for view in (notebook.panel, notebook.map):
        expect(view).to_have_attribute("data-hw-revision", revision)
        expect(view).to_have_attribute("data-hw-state", "ready")


def first_token(notebook, run):
    """The first token of a run on screen, and its logit."""
    return notebook.panel.locator(f'.hw-tops [data-run="{run}"] li').first.inner_text().split("\n")


def test_a_person_runs_it_types_a_prompt_and_switches_a_head_off(executed):
    notebook = executed
    assert notebook.errors == []
    notebook.run(f"s.edits = []; s.prompts = {FIRST!r}")
    settled(notebook)

    field = notebook.panel.get_by_role("textbox", name="prompt", exact=True)
    field.fill(OTHER)
    field.press("Enter")
    expect(notebook.map.locator(".hw-line, .hw-title").first).to_be_visible()
    expect(notebook.panel.locator(".hw-strip button")).to_have_count(2 + len(OTHER.split()))
    assert notebook.run("print(s.prompt)") == OTHER
    settled(notebook)

    notebook.panel.get_by_label("kind of edit").select_option("zero")
    head = notebook.panel.get_by_role("textbox", name="head, or mlp or resid and a layer")
    head.fill(NEEDED)
    head.press("Enter")
    expect(notebook.panel.get_by_role("button", name=f"zero {NEEDED}").first).to_be_visible()
    assert notebook.run("print(*s.edits)") == f"zero {NEEDED}"
    settled(notebook)
    for run in ("clean", "edited"):
        token, logit = json.loads(notebook.run(TOP.format(run)))
        shown = first_token(notebook, run)
        assert shown[0].replace("·", " ") == token
        assert float(shown[1].replace("−", "-")) == pytest.approx(float(logit), abs=0.005)
    assert notebook.run("print(abs(s.effect()['value']['change']) > 1)") == "True"


@pytest.mark.slow
def test_a_click_a_key_and_a_cell_choose_the_same_head(notebook):
    expect(notebook.map.locator(".hw-title")).to_have_text("head 1.0")
    grid = notebook.map.get_by_role("grid")
    grid.focus()
    for key in ("ArrowRight", "Enter"):
        grid.press(key)
    for view in notebook.page.locator(".hw-attention").all():
        if "bundled" in view.inner_text():
            expect(view).to_have_attribute("data-hw-head", "1.1")
    assert notebook.run("print(s.selection)") == "1.1"
    notebook.run("s.selection = '0.1'")
    expect(notebook.map).to_have_attribute("data-hw-head", "0.1")


@pytest.mark.slow
def test_a_prompt_that_is_refused_says_why_and_changes_nothing(notebook):
    field = notebook.panel.get_by_role("textbox", name="prompt", exact=True)
    field.fill("zebra " * 250)
    field.press("Enter")
    alert = notebook.panel.get_by_role("alert").filter(has_text="this model's context is 256")
    expect(alert).to_be_visible()
    assert notebook.run("print(s.prompt)") == FIRST


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_what_it_shows_can_be_read_in_both_themes(notebook, theme):
    notebook.theme(theme)
    notebook.run("s.edits = [hw.zero('0.3')]; s.prompts = hw.task('ioi', n=4)")
    settled(notebook)
    top = notebook.page.get_by_role("heading", name="A first look")
    explorer = notebook.page.locator(".hw-explore")
    name = theme.split()[-1].lower()
    parts = {"top": top, "map": notebook.map, "panel": notebook.panel, "explorer": explorer}
    for part, locator in parts.items():
        notebook.screenshot(f"{name}-{part}", locator)
    assert notebook.faint(".hw-root *:not(style):not(canvas):not(option)") == []


@pytest.mark.slow
def test_a_trusted_copy_shows_its_widgets_with_no_cell_run(context, lab):
    copy = lab.copy(NOTEBOOK, "trusted.ipynb")
    subprocess.run([sys.executable, "-m", "jupyter", "trust", copy], env=lab.env, check=True)
    notebook = Notebook.open(context.new_page(), lab, copy.name)
    view = notebook.page.locator(".hw-attention").first
    expect(view.locator(".hw-title")).to_have_text(re.compile(r"head \d\.\d"))
    before = view.locator(".hw-title").inner_text()
    view.get_by_role("grid").focus()
    for key in ("ArrowLeft", "ArrowRight", "ArrowLeft", "Enter"):
        view.get_by_role("grid").press(key)
    expect(view.locator(".hw-title")).not_to_have_text(before)
    expect(view).to_contain_text("static copy: run the notebook")
    expect(notebook.page.locator(".hw-panel").first).to_contain_text("static copy")
