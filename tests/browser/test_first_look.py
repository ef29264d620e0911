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
REPEAT = "Once Mary saw a red bird and Mary saw a red"
LN_V = "6.238"


@pytest.fixture(scope="module")
def executed(context, lab):
    """The notebook with all its cells run; its errors are the first test's to see."""
    copy = lab.copy(NOTEBOOK, NOTEBOOK)
    notebook = Notebook.open(context.new_page(), lab, copy.name)
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
def test_the_button_brings_the_sentences_and_their_interval(notebook):
    notebook.page.get_by_role("button", name="the eight sentences").click()
    metric = notebook.row("metric").locator("td")
    expect(metric.nth(2)).to_contain_text("n = 8")
    mean, se = notebook.run("print(*s.effect().loc['clean', ['value', 'se']])").split()
    expect(metric.nth(0)).to_have_text(f"{float(mean):.2f} ± {1.96 * float(se):.2f}")


@pytest.mark.slow
def test_a_prompt_that_is_refused_says_why_and_changes_nothing(notebook):
    notebook.type_prompt("zebra " * 60)
    alert = notebook.page.get_by_role("alert")
    expect(alert).to_contain_text("this model's context is 256")
    assert notebook.run("print(s.prompt)") == FIRST
    notebook.type_prompt("Tom and Mary")
    expect(alert).to_have_count(0)
    notebook.expect_tokens(["<bos>", "Tom", " and", " Mary"])


@pytest.mark.slow
def test_any_text_is_shown_as_text(notebook):
    notebook.type_prompt("<script>x</script> \u200b")
    expect(notebook.card.locator(".hw-token").first).to_have_text("<bos>")
    assert notebook.run("print(s.prompt)") == "<script>x</script> \u200b".strip()
    expect(notebook.page.get_by_role("alert")).to_have_count(0)


@pytest.mark.slow
def test_menu_selection_and_picture_are_one(notebook):
    menu = notebook.page.get_by_label("head", exact=True)
    picture = notebook.page.locator(".widget-output table caption")
    menu.select_option("1.1")
    expect(picture).to_contain_text("head 1.1, clean run, 15 of 15 tokens")
    expect(picture).to_contain_text("attends most to '<bos>'")
    assert notebook.run("print(s.selection)") == "1.1"
    notebook.run("s.selection = '0.0'")
    expect(picture).to_contain_text("head 0.0, clean run")
    expect(menu).to_have_value("0.0")


@pytest.mark.slow
def test_a_cell_moves_the_controls(notebook):
    notebook.run(f"s.prompts = [{FIRST!r}, {REPEAT!r}]; s.edits = [hw.zero('0.0'), hw.zero('1.1')]")
    for label, on in (("0.0 previous token", True), ("1.1", True), ("1.0 induction", False)):
        expect(notebook.page.get_by_label(label)).to_be_checked(checked=on)
    expect(notebook.card).to_contain_text("1 of 2")
    notebook.page.get_by_label("0.0 previous token").uncheck()
    expect(notebook.card.locator(".hw-edits")).to_have_text("zero 1.1")
    assert notebook.run("print(*s.edits)") == "zero 1.1"


@pytest.mark.slow
def test_the_slider_is_linked_in_the_browser(notebook):
    notebook.run(f"s.prompts = [{FIRST!r}, {REPEAT!r}]")
    slider = notebook.page.get_by_role("slider")
    slider.focus()
    slider.press("ArrowRight")
    expect(notebook.card).to_contain_text("2 of 2")
    expect(notebook.card.locator(".hw-token").nth(1)).to_have_text("Once")
    expect(notebook.page.get_by_role("textbox", name="prompt")).to_have_value(REPEAT)
    assert notebook.run("print(s.index)") == "1"


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_what_it_shows_can_be_read_in_both_themes(notebook, theme):
    notebook.theme(theme)
    notebook.run("s.edits = [hw.zero('0.0')]; s.prompts = sentences")
    switched = notebook.row("metric")
    expect(switched.locator("td").nth(1)).to_have_text("0.00 ± 0.00")
    menu = notebook.page.get_by_label("head", exact=True)
    top = notebook.page.get_by_role("heading", name="A first look")
    name = theme.split()[-1].lower()
    for part, locator in {"top": top, "card": notebook.card, "head": menu, "off": switched}.items():
        notebook.screenshot(f"{name}-{part}", locator)
    faint = notebook.faint(".hw-card span, tr[data-row] *, .widget-output table *")
    assert faint == []


@pytest.mark.slow
def test_a_trusted_copy_shows_its_controls_with_no_cell_run(context, lab):
    copy = lab.copy(NOTEBOOK, "trusted.ipynb")
    subprocess.run([sys.executable, "-m", "jupyter", "trust", copy], env=lab.env, check=True)
    notebook = Notebook.open(context.new_page(), lab, copy.name)
    notebook.expect_tokens(["<bos>", *re.findall(r" ?\w+|,", FIRST)])
    expect(notebook.page.get_by_role("textbox", name="prompt")).to_have_value(FIRST)
    expect(notebook.page.get_by_label("0.0 previous token")).not_to_be_checked()
    expect(notebook.row("metric")).to_contain_text("35.00")
    expect(notebook.page.locator("table caption").first).to_contain_text("head 0.0")
