"""Walks and hand-over in a real JupyterLab: each walk with its switches, the matrix, themes."""

from __future__ import annotations

import json
import re

import pytest
from browser.conftest import ROOT
from browser.notebook import Notebook, write_notebook
from browser.test_explore import AXE
from browser.test_taxonomy import Taxonomy
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
slow = pytest.mark.slow

START = """
import json
import headwidgets as hw
s = hw.Session()
v = hw.TaxonomyView(s, part="walks", walk="parity")
v
"""
LONG = 120_000


class Walking(Taxonomy):
    """The one taxonomy on a page, where heads work together."""

    def __init__(self, notebook, root):
        super().__init__(notebook, root)
        self.steps = root.get_by_role("listbox", name="steps of the walk")
        self.detail = root.get_by_role("region", name="the open step")
        self.switch = self.detail.get_by_role("switch")
        self.together = root.locator('.hw-walk [role="status"]')

    def step(self, name):
        return self.steps.locator(f'[data-step="{name}"]')

    def row(self, name):
        """What Python has of a step of the walk that is open."""
        code = f"print(s.frames['walk: ' + v.walk].set_index('step').loc[{name!r}].to_json())"
        return json.loads(self.python(code))

    def take(self, name):
        """Take a walk, once in this file."""
        self.root.get_by_role("radio", name=name, exact=True).click()
        expect(self.root.get_by_role("radio", name=name, exact=True)).to_be_checked()
        if self.python(f"print('walk: {name}' in s.frames)") == "False":
            self.button("walk").click()
        expect(self.steps.get_by_role("option").first).to_be_visible(timeout=LONG)
        expect(self.root).to_have_attribute("data-hw-state", "ready", timeout=LONG)


def two(value):
    """A number as the view writes it."""
    text = f"{value:.2f}"
    return ("0.00" if text == "-0.00" else text).replace("-", "−")


@pytest.fixture(scope="module")
def opened(context, lab):
    """A notebook with a taxonomy on its walks."""
    write_notebook(lab.folder / "together.ipynb")
    notebook = Notebook.open(context.new_page(), lab, "together.ipynb")
    notebook.run(START)
    made = Walking(notebook, notebook.page.locator(".hw-kindview").first)
    made.ready()
    return made


@pytest.fixture
def walking(opened):
    opened.python("v.part = 'walks'; v.step = ''; v.broken = []; s.selection = None")
    opened.ready(part="walks", head="")
    return opened


def is_as_measured(walking, name):
    """Hold what the open step says against Python's frame."""
    row = walking.row(name)
    text = walking.detail
    expect(text).to_have_attribute("data-step", name)
    expect(text).to_contain_text(name)
    expect(text).to_contain_text(f"lead {two(row['before'])} → {two(row['after'])} logits")
    expect(text).to_contain_text(f"costs {two(row['cost'])} ± {two(row['se'])}")
    expect(text).to_contain_text(f"Either side sums to the score, {two(row['qk'])}")
    code = f"print(s.walk_sides(v.walk, {name!r}).to_json(orient='values'))"
    for side, part, value in json.loads(walking.python(code)):
        shown = text.locator(".hw-bars").nth(0 if side == "query" else 1)
        if part in shown.locator(".hw-mono").all_inner_texts():
            expect(shown).to_contain_text(two(value))
    return row


def breaks(walking, *names):
    """Switch steps off one after another and hold the price against Python's."""
    for name in names:
        walking.step(name).click()
        walking.switch.click()
        expect(walking.switch).to_be_checked()
    expect(walking.together).to_contain_text(f"broken: {', '.join(names)}")
    found = json.loads(walking.python(f"print(json.dumps(s.break_walk(v.walk, *{list(names)!r})))"))
    words = f"lead {two(found['before'])} → {two(found['after'])} logits"
    expect(walking.together).to_contain_text(words)
    assert walking.python("print(v.broken)") == str(list(names))
    assert walking.python("print(len(s.edits))") == "0"
    for name in names:
        walking.step(name).click()
        walking.switch.click()
        expect(walking.switch).not_to_be_checked()
    expect(walking.together).to_have_text("")


def test_parity_is_walked(walking):
    walking.take("parity")
    walking.step("iteration").click()
    row = is_as_measured(walking, "iteration")
    assert row["cost"] > 1
    expect(walking.detail).to_contain_text("are you position t?")
    breaks(walking, "iteration")
    walking.detail.get_by_role("button", name=f"select head {row['head']}", exact=True).click()
    walking.ready(head=row["head"])
    assert walking.python("print(s.selection)") == row["head"]
    walking.step("mover").click()
    expect(walking.detail).to_contain_text("no head was found")
    expect(walking.switch).to_have_count(0)


def test_a_walk_is_copied_as_python(walking):
    walking.take("parity")
    walking.step("iteration").click()
    walking.switch.click()
    expect(walking.together).to_contain_text("broken: iteration")
    expect(walking.together).to_contain_text("costs")
    walking.root.get_by_role("button", name="copy as Python").click()
    lines = walking.python("print(s.walk_as_python('parity', 'iteration').count(chr(10)))")
    expect(walking.root).to_contain_text(f"copied, {lines} lines")
    walking.switch.click()
    expect(walking.together).to_have_text("")


def test_multiple_choice_is_walked_by_keys(walking):
    walking.take("multiple choice")
    walking.steps.focus()
    walking.steps.press("Home")
    row = is_as_measured(walking, "gather")
    walking.steps.press("Enter")
    walking.ready(head=row["head"])
    walking.steps.press("ArrowDown")
    expect(walking.detail).to_have_attribute("data-step", "match")
    expect(walking.detail).to_contain_text("no head was found")
    walking.steps.press("End")
    is_as_measured(walking, "letter")
    walking.steps.press("Space")
    expect(walking.switch).to_be_checked()
    expect(walking.together).to_contain_text("broken: letter · lead")
    walking.steps.press("Space")
    expect(walking.switch).not_to_be_checked()
    breaks(walking, "gather", "letter")


@slow
def test_the_names_are_walked_and_the_order_differs(walking):
    walking.take("ioi")
    for name in ("s-inhibition", "name mover"):
        walking.step(name).click()
        row = is_as_measured(walking, name)
        assert row["differs"]
        expect(walking.step(name)).to_contain_text("⇅")
        expect(walking.root.locator(".hw-orders")).to_contain_text(f"{name}: here {row['differs']}")
    breaks(walking, "s-inhibition", "name mover")
    for name in ("subject", "previous token", "induction"):
        walking.step(name).click()
        is_as_measured(walking, name)
        breaks(walking, name)


@slow
def test_a_hand_over_is_cancelled_and_what_was_done_is_kept(walking):
    walking.python(
        "v.part = 'hand-over'; v.task = 'ioi'; v.candidates = True\n"
        "for kind in ('induction', 'retrieval', 'successor', 'name mover'): s.score(kind)"
    )
    walking.ready(part="hand-over")
    walking.button("hand over").click()
    expect(walking.root).to_have_attribute("data-hw-state", "busy")
    expect(walking.root.locator("progress")).to_have_attribute("value", re.compile("0"))
    walking.button("cancel").click()
    walking.ready()
    expect(walking.root.locator(".hw-matrix")).to_be_visible()
    expect(walking.root).to_contain_text("runs done")
    code = "print(s.frames['hand-over'].attrs['incomplete'], s.engine.hooks_left())"
    said = walking.python(code)
    assert said.startswith("stopped: ")
    assert walking.python("print(s.state.status)") == "ready"
    walking.python("v.candidates = False")


@slow
def test_who_hands_over_is_measured_and_read(walking):
    walking.python("s.score('induction'); s.score('iteration'); s.score('previous token')")
    walking.root.get_by_role("tab", name="hand-over").click()
    walking.ready(part="hand-over")
    walking.root.get_by_label("what it is measured on").select_option("parity")
    walking.button("hand over").click()
    expect(walking.root.locator(".hw-matrix")).to_be_visible(timeout=LONG)
    walking.ready()
    matrix = json.loads(walking.python("print(s.hand_over_by_stage().to_json(orient='values'))"))
    for i, row in enumerate(matrix):
        for j, value in enumerate(row):
            cell = walking.root.locator(f'[data-cell="{i + 1}{j + 1}"]')
            expect(cell).to_contain_text("–" if value is None else two(value))
            back = "hw-back" in (cell.get_attribute("class") or "")
            assert back == (j < i and value is not None)
    first = json.loads(walking.python("print(s.frames['hand-over'].iloc[0].to_json())"))
    pair = walking.root.locator(f'[data-pair="{first["from"]} {first["to"]}.{first["input"]}"]')
    expect(pair).to_contain_text(two(first["effect"]))
    pair.get_by_role("button").first.click()
    walking.ready(head=first["from"])
    assert walking.python("print(s.selection)") == first["from"]


@slow
def test_a_saved_page_shows_the_walk(walking, lab):
    walking.take("multiple choice")
    walking.python("_ = v.save('walk.html')")
    page = walking.page.context.new_page()
    page.goto((lab.folder / "walk.html").as_uri())
    root = page.locator(".hw-kindview")
    expect(root.get_by_role("listbox", name="steps of the walk")).to_be_visible()
    root.locator('[data-step="letter"]').click()
    expect(root.get_by_role("region", name="the open step")).to_contain_text("costs")
    expect(root.get_by_role("switch")).to_be_disabled()
    page.close()


@slow
@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_both_parts_can_be_read_in_both_themes(walking, theme):
    walking.notebook.theme(theme)
    short = theme.split()[-1].lower()
    walking.take("ioi")
    walking.step("name mover").click()
    code = (ROOT / "js" / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    everything = ".hw-kindview *:not(style):not(option)"
    walking.notebook.screenshot(f"walk-{short}", walking.root)
    assert walking.page.evaluate(AXE, code) == []
    assert walking.notebook.faint(everything) == []
    walking.python("v.part = 'hand-over'; _ = s.score('s-inhibition')")
    walking.python(
        "_ = s.hand_over('ioi', {'s-inhibition': ['0.3', '3.2'], 'induction': ['3.0'],"
        " 'name mover': ['3.1', '3.2', '4.0'], 'previous token': '2.3', 'correct':"
        " ['4.0', '4.1'], 'memory': ['3.5']}, n=8)"
    )
    expect(walking.root.locator(".hw-matrix")).to_be_visible()
    walking.ready(part="hand-over")
    walking.notebook.screenshot(f"hand-over-{short}", walking.root)
    assert walking.page.evaluate(AXE, code) == []
    assert walking.notebook.faint(everything) == []
