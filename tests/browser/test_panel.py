"""PatchPanel in a real JupyterLab: typing, toggles by mouse and keys, a busy kernel, a copy."""

from __future__ import annotations

import json

import pytest
from browser.notebook import Notebook, write_notebook
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
slow = pytest.mark.slow

START = """
import headwidgets as hw
s = hw.Session("planted")
panel = hw.PatchPanel(s)
panel
"""
CLEAN = "Mary took the red apple and John took the red"


class Panel:
    """The panel on a page."""

    def __init__(self, notebook, folder):
        self.notebook, self.folder = notebook, folder
        self.root = notebook.page.locator(".hw-panel")

    def python(self, code):
        """What a cell prints."""
        return self.notebook.run(code)

    def ready(self):
        """Wait until the numbers on screen are the session's."""
        revision = self.python("print(s.revision)")
        expect(self.root).to_have_attribute("data-hw-revision", revision)
        expect(self.root).to_have_attribute("data-hw-state", "ready")

    def toggle(self, words):
        """The switch of an edit."""
        return self.root.get_by_role("button", name=words, exact=False).first

    def shown(self):
        """Tokens and logits of the edited run on screen."""
        items = self.root.locator('.hw-tops [data-run="edited"] li')
        return [item.split("\n")[:2] for item in items.all_inner_texts()]

    def true(self):
        """The same from Python."""
        code = """
            import json
            f = s.compare(10).sort_values("edited", ascending=False, kind="stable")[:10]
            print(json.dumps([f"{x:.2f}".replace("-", "−") for x in f["edited"]]))
        """
        return json.loads(self.python("\n".join(line[12:] for line in code.splitlines())))


@pytest.fixture(scope="module")
def opened(context, lab):
    """A notebook with a panel."""
    write_notebook(lab.folder / "panel.ipynb")
    notebook = Notebook.open(context.new_page(), lab, "panel.ipynb")
    notebook.run(START)
    return Panel(notebook, lab.folder)


@pytest.fixture
def panel(opened):
    """The panel as it was opened, with a prompt that the model does."""
    opened.python(f"s.edits = []; panel.off = []; s.prompt = {CLEAN!r}; s.corrupted_prompt = None")
    opened.ready()
    opened.root.get_by_label("at which positions").select_option("all")
    return opened


@slow
def test_a_prompt_is_typed_and_a_token_replaced(panel):
    field = panel.root.get_by_role("textbox", name="prompt", exact=True)
    field.fill("Mary took the red apple")
    field.press("Enter")
    expect(panel.root.locator(".hw-strip button")).to_have_count(6)
    assert panel.python("print(s.prompt)") == "Mary took the red apple"
    panel.root.locator(".hw-strip button").nth(5).click()
    panel.notebook.page.keyboard.type("book")
    panel.notebook.page.keyboard.press("Enter")
    expect(panel.root.locator(".hw-first i")).to_have_text("·book")
    assert panel.python("print(s.corrupted_prompt)") == "Mary took the red book"
    field.fill("red " * 400)
    field.press("Enter")
    expect(panel.root.get_by_role("alert").filter(has_text="this model's context")).to_be_visible()
    expect(field).to_have_value("red " * 400)
    field.press("Escape")
    expect(field).to_have_value("Mary took the red apple")


def test_three_edits_by_mouse_and_keys_and_the_logits_in_python(panel):
    head = panel.root.get_by_role("textbox", name="head, or mlp or resid and a layer")
    for name in ("0.0", "0.1", "1.0"):
        head.fill(name)
        head.press("Enter")
    expect(panel.root.locator(".hw-chips li")).to_have_count(3)
    panel.ready()
    assert panel.python("print(*s.edits, sep=', ')") == "mean 0.0, mean 0.1, mean 1.0"
    assert [value for _, value in panel.shown()] == panel.true()
    panel.toggle("mean 0.0").click()
    switch = panel.toggle("mean 1.0")
    switch.press("Space")
    expect(switch).to_have_attribute("aria-pressed", "false")
    expect(switch).to_be_focused()
    panel.ready()
    assert panel.python("print(*s.edits, sep=', ')") == "mean 0.1"
    assert [value for _, value in panel.shown()] == panel.true()
    switch.press("Control+z")
    expect(switch).to_have_attribute("aria-pressed", "true")
    panel.ready()
    assert panel.python("print(*s.edits, sep=', ')") == "mean 0.1, mean 1.0"
    height = panel.root.bounding_box()["height"]
    panel.python("s.edits = [hw.zero('1.0')]; panel.off = []")
    panel.ready()
    expect(panel.root.locator(".hw-chips li")).to_have_count(1)
    assert panel.root.bounding_box()["height"] == height
    panel.notebook.screenshot("panel", panel.root)


@slow
def test_kinds_that_no_click_makes_are_added_by_the_row(panel):
    kind = panel.root.get_by_label("kind of edit")
    kind.select_option("keep")
    field = panel.root.get_by_role("textbox", name="heads to keep")
    field.fill("L1H0 0.0")
    field.press("Enter")
    expect(panel.toggle("keep 0.0, 1.0")).to_have_attribute("aria-pressed", "true")
    panel.ready()
    assert [value for _, value in panel.shown()] == panel.true()
    kind.select_option("resample")
    panel.root.get_by_role("textbox", name="seed").fill("2")
    panel.root.get_by_role("button", name="add", exact=True).click()
    expect(panel.root.locator(".hw-effect")).to_contain_text("no other prompt of 11 tokens")
    assert panel.python("print(*s.edits, sep='; ')") == "keep 0.0, 1.0; resample 0.0 seed 2"
    panel.python("s.edits = [hw.add('resid 1', s.engine.weights.W_U[:, 5], 2)]")
    panel.ready()
    panel.toggle("add resid 1").click()
    panel.ready()
    assert panel.python("print(len(s.edits), len(panel.off))") == "0 1"
    panel.toggle("add resid 1").click()
    panel.ready()
    assert panel.python("print(*s.edits)") == "add resid 1 × 2 direction"
    kind.select_option("mean")


@slow
def test_a_toggle_moves_at_once_while_the_kernel_is_busy(panel):
    panel.python("s.edits = [hw.zero('1.0')]")
    panel.ready()
    with panel.notebook.busy(panel.folder):
        panel.toggle("zero 1.0").click()
        expect(panel.toggle("zero 1.0")).to_have_attribute("aria-pressed", "false")
    panel.ready()
    assert panel.python("print(list(s.edits))") == "[]"


@slow
def test_a_table_a_continuation_and_the_code(panel):
    panel.root.get_by_role("button", name="paste a table").click()
    box = panel.root.get_by_role("textbox", name="a table of prompts")
    box.fill("clean\tanswer\tfoil\n" + CLEAN + "\t apple\t xqzw\n")
    panel.root.get_by_role("button", name="use as prompt set").click()
    expect(panel.root.get_by_role("alert").filter(has_text="line 2")).to_be_visible()
    box.fill(
        f"clean\tanswer\tfoil\n{CLEAN}\t apple\t book\nthe red book and the red\t book\t apple"
    )
    panel.root.get_by_role("button", name="use as prompt set").click()
    expect(panel.root).to_contain_text("1 of 2")
    panel.root.get_by_role("button", name="next prompt").click()
    expect(panel.root).to_contain_text("2 of 2")
    assert panel.python("print(s.index, len(s.prompts))") == "1 2"
    panel.root.get_by_role("button", name="continue").click()
    expect(panel.root.locator(".hw-texts p").first).to_contain_text("book")
    panel.root.get_by_role("button", name="copy as Python").click()
    lines = panel.python("print(s.as_python().count(chr(10)))")
    said = panel.root.get_by_role("status")
    expect(said).to_have_text(f"copied, {lines} lines")


@slow
@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_it_can_be_read_in_both_themes(panel, theme):
    panel.notebook.theme(theme)
    panel.python(f"s.corrupted_prompt = {CLEAN.replace('apple', 'book')!r}")
    panel.python("s.edits = [hw.scale('1.0', 0.5), hw.zero('0.2')]")
    panel.ready()
    panel.notebook.screenshot(f"panel-{theme.split()[-1].lower()}", panel.root)
    assert panel.notebook.faint(".hw-panel *:not(style):not(option)") == []
