"""The first notebook, used as a person uses it."""

from __future__ import annotations

import json

import pytest
from browser.conftest import TOKEN
from browser.notebook import Notebook
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

FIRST = "When Mary and John went to the store, John gave a drink to"
REPEAT = "Once Mary saw a red bird and Mary saw a red"
LN_V = "6.238"


@pytest.fixture(scope="module")
def executed(context, lab):
    """The notebook with all its cells run; its errors are the first test's to see."""
    notebook = Notebook.open(context.new_page(), lab, "00_first_look.ipynb", TOKEN)
    notebook.errors = notebook.run_all()
    return notebook


@pytest.fixture
def notebook(executed):
    """The notebook as its last cell left it."""
    executed.run(f"s.edits = []; s.selection = '1.0'; s.prompts = {FIRST!r}")
    executed.expect_ready()
    return executed


def test_a_person_runs_it_types_a_prompt_and_switches_a_head_off(executed):
    notebook = executed
    assert notebook.errors == []
    notebook.expect_ready()

    notebook.type_prompt(REPEAT)
    tokens = ["<bos>", "Once", *(f" {word}" for word in REPEAT.split()[1:])]
    notebook.expect_tokens(tokens)
    assert json.loads(notebook.run("import json; print(json.dumps(s.tokens))")) == tokens

    loss, metric = notebook.row("loss of the repeat"), notebook.row("metric")
    expect(loss.locator("td").nth(1)).to_have_text("0.000")
    before = float(notebook.run("print(s.effect()['value']['edited'])"))
    expect(metric.locator("td").nth(1)).to_have_text(f"{before:.2f}")
    notebook.page.get_by_label("0.0 previous token").check()
    expect(loss.locator("td").nth(1)).to_have_text(LN_V)
    after = float(notebook.run("print(s.effect()['value']['edited'])"))
    expect(metric.locator("td").nth(1)).to_have_text(f"{after:.2f}")
    assert after < before - 1
    assert notebook.run("print(*s.edits)") == "zero 0.0"
    expect(notebook.card.locator(".hw-edits")).to_have_text("zero 0.0")
    notebook.expect_ready()


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_what_it_shows_can_be_read_in_both_themes(notebook, theme):
    notebook.theme(theme)
    name = theme.split()[-1].lower()
    heading = notebook.page.get_by_role("heading", name="A first look")
    notebook.screenshot(f"{name}-1-top", heading)
    notebook.screenshot(f"{name}-2-card", notebook.card)
    notebook.screenshot(f"{name}-3-attention", notebook.page.get_by_label("head", exact=True))
    notebook.screenshot(f"{name}-4-switches", notebook.row("metric"))
