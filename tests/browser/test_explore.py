"""The explorer in a real JupyterLab: all of it linked, both ways, by clicks and keys."""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager

import pytest
from browser.conftest import ROOT
from browser.notebook import SCREENS, Notebook, write_notebook
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
slow = pytest.mark.slow

START = """
import headwidgets as hw
text = "When Mary and John went to the store,"
table = {"clean": [text + " Mary", text + " John"], "corrupted": [text + " John", text + " Mary"],
         "answer": [" and", " went"], "foil": [" went", " and"]}
s = hw.Session("planted")
s.use(table)
e = s.explore()
e
"""
RESET = "s.use(table); s.edits = []; e.off = []; s.state.edit_kind = 'mean'; s.selection = '1.0'"
EDITED = """
import json
print(json.dumps(sorted((float(x) for x in s.compare(10)["edited"]), reverse=True)[:10]))
"""
LINES = """import json
print(json.dumps([str(s.selection or ""), [str(edit) for edit in s.edits], s.revision]))"""
SHOWN = "([panel, revision]) => Number(panel.dataset.hwRevision) >= revision"
GUTTER, RULER = 24, 18


class Explorer:
    """One explorer on a page."""

    def __init__(self, notebook, root, folder=None):
        self.notebook, self.root, self.page, self.folder = notebook, root, notebook.page, folder
        self.grid, self.attention = root.locator(".hw-grid"), root.locator(".hw-attention")
        self.panel, self.heads = root.locator(".hw-panel"), self.grid.get_by_role("grid")

    def python(self, code):
        """What a cell prints."""
        return self.notebook.run(code)

    def ready(self, revision=None, head=None):
        """Wait until all of it shows a revision of the session, and one head."""
        if revision is not None:
            expect(self.panel).to_have_attribute("data-hw-revision", str(revision))
        for part in (self.grid, self.attention) if head is not None else ():
            expect(part).to_have_attribute("data-hw-head", head)
        expect(self.root).to_have_attribute("data-hw-state", "ready")

    def same(self):
        """Wait until the screen says what Python says; return selection, edits, revision."""
        said, shown = None, self.panel.element_handle()
        while said != (said := json.loads(self.python(LINES))):  # until nothing is on its way
            self.page.wait_for_function(SHOWN, arg=[shown, said[2]])
        head, edits, revision = said
        self.ready(revision, head)
        on = self.panel.locator('.hw-chips [aria-pressed="true"]')
        expect(on).to_have_text([f"● {edit}" for edit in edits])
        return head, edits, revision

    def place(self, head):
        """Where a head's cell lies on the grid."""
        layer, index = map(int, head.split("."))
        wide = self.grid.locator(".hw-cursor").evaluate("box => parseFloat(box.style.width) - 2")
        high = self.grid.locator(".hw-cursor").evaluate("box => parseFloat(box.style.height) - 2")
        return {"x": GUTTER + wide * (index + 0.5), "y": RULER + high * (layer + 0.5)}

    def click(self, head):
        """Click a head on the grid."""
        self.heads.locator("canvas").click(position=self.place(head))

    def logits(self):
        """The ten largest logits of the edited run, on screen."""
        items = self.panel.locator('.hw-tops [data-run="edited"] li').all_inner_texts()
        return [float(item.split("\n")[1].replace("−", "-")) for item in items]

    def check_logits(self):
        """Compare them with Python's."""
        assert self.logits() == pytest.approx(json.loads(self.python(EDITED)), abs=0.0051)


def opened_on(context, lab, name, code=START):
    """Open a new notebook and run a cell that shows an explorer."""
    write_notebook(lab.folder / name)
    notebook = Notebook.open(context.new_page(), lab, name)
    notebook.run(code)
    made = Explorer(notebook, notebook.page.locator(".hw-explore").first, lab.folder)
    made.ready()
    return made


@pytest.fixture(scope="module")
def opened(context, lab):
    """A notebook with an explorer."""
    return opened_on(context, lab, "explore.ipynb")


@pytest.fixture
def explorer(opened):
    """The explorer as it was opened."""
    opened.python(RESET)
    opened.same()
    expect(opened.page.locator(".hw-explore")).to_have_count(1)
    return opened


def test_three_heads_are_toggled_and_python_sets_what_the_screen_shows(explorer):
    before = explorer.logits()
    for head in ("0.0", "0.1", "1.0"):
        explorer.click(head)
        expect(explorer.heads).to_be_focused()
        explorer.page.keyboard.press("Space")
    head, edits, _ = explorer.same()
    assert (head, edits) == ("1.0", ["mean 0.0", "mean 0.1", "mean 1.0"])
    assert explorer.logits() != before
    explorer.check_logits()
    expect(explorer.attention.locator(".hw-title")).to_have_text("head 1.0")

    explorer.python("s.edits = [hw.zero('0.0'), hw.scale('1.1', 0.5)]; s.selection = '0.2'")
    assert explorer.same()[1] == ["zero 0.0", "scale 1.1 × 0.5"]
    expect(explorer.grid.locator(".hw-headcard b")).to_have_text("head 0.2")
    explorer.check_logits()


class Hands:
    """What a person does, counted."""

    def __init__(self, page):
        self.keyboard, self.actions = page.keyboard, 0

    def click(self, locator, **where):
        locator.click(**where)
        self.actions += 1

    def press(self, key):
        self.keyboard.press(key)
        self.actions += 1

    def paste(self, text):
        self.keyboard.insert_text(text)
        self.actions += 1

    def choose(self, menu, value):
        menu.select_option(value)
        self.actions += 1


STORIES = ROOT.parent / "shared" / "data" / "stories260k"
NAMES = """clean\tcorrupted\tanswer\tfoil
When Mary and John went to the store, John gave a drink to\tWhen Mary and John went to the store, \
Mary gave a drink to\t Mary\t John
When Tom and Anna went to the market, Anna gave a ring to\tWhen Tom and Anna went to the market, \
Tom gave a ring to\t Tom\t Anna"""
STORY = """clean\tcorrupted\tanswer\tfoil
Lily had a cat.\tTim had a cat.\t She\t He
Lily was very sad.\tTim was very sad.\t She\t He"""
MODELS = {
    "bundled": ("hw.Session()", NAMES),
    "stories": (f"hw.Session({str(STORIES)!r})", STORY),
}


@slow
@pytest.mark.parametrize("model", MODELS)
def test_from_loading_to_a_picture_in_twelve_actions(context, lab, model):
    if model == "stories" and not STORIES.is_dir():
        pytest.skip("../shared/data/stories260k is not there")
    session, table = MODELS[model]
    write_notebook(lab.folder / f"scenario-{model}.ipynb", ["", ""])
    notebook = Notebook.open(context.new_page(), lab, f"scenario-{model}.ipynb")
    page, hands = notebook.page, Hands(notebook.page)
    cells = page.locator(".jp-CodeCell .cm-content")

    hands.click(cells.first)
    hands.paste(f"import headwidgets as hw\ns = {session}\ne = s.explore()\ne")
    hands.press("Shift+Enter")
    explorer = Explorer(notebook, page.locator(".hw-explore"))
    explorer.ready()
    began = time.monotonic()

    hands.click(explorer.panel.get_by_role("button", name="paste a table"))
    hands.paste(table)
    hands.click(explorer.panel.get_by_role("button", name="use as prompt set"))
    expect(explorer.panel).to_contain_text("1 of 2")
    hands.choose(explorer.grid.get_by_label("score", exact=True), "patch")
    expect(explorer.grid).to_have_attribute("data-hw-score", "patch")
    explorer.ready()
    before = explorer.logits()
    # Where a person sees the strongest colour; asked of Python, for a canvas has no words.
    top = "print('{:.0f}.{:.0f}'.format(*max(e.to_frame().values, key=lambda row: abs(row[2]))))"
    top = explorer.python(top)
    hands.click(explorer.heads.locator("canvas"), position=explorer.place(top))
    hands.press("Space")
    assert explorer.same()[:2] == (top, [f"mean {top}"])
    assert explorer.logits() != before
    explorer.check_logits()
    assert float(explorer.python("print(s.logits()['change'].abs().max())")) > 0.1

    hands.click(cells.nth(1))
    hands.paste("print(e.save('picture.png'))")
    hands.press("Shift+Enter")
    expect(page.get_by_text("picture.png", exact=True)).to_be_visible()
    took = time.monotonic() - began
    assert (lab.folder / "picture.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    (lab.folder / "picture.png").unlink()
    assert hands.actions <= 12
    assert took <= (60 if "PYTEST_XDIST_WORKER" in os.environ else 20)  # others run beside it
    page.close()


@slow
def test_three_cells_are_linked_while_the_kernel_sleeps(explorer):
    explorer.python(
        "from IPython.display import display\nview = hw.AttentionView(s); display(view)"
    )
    explorer.python("grid = hw.HeadGrid(s, 'patch'); display(grid)")
    parts = [explorer.page.locator(name) for name in (".hw-attention", ".hw-grid")]
    for part in parts:
        expect(part).to_have_count(2)
    explorer.same()
    with explorer.notebook.busy(explorer.folder):
        explorer.click("1.1")
        explorer.page.keyboard.press("Space")
        for view in [view for part in parts for view in part.all()]:
            expect(view).to_have_attribute("data-hw-head", "1.1")
        chips = explorer.panel.locator('.hw-chips [aria-pressed="true"]')
        expect(chips).to_have_text(["● mean 1.1"])
    assert explorer.same()[:2] == ("1.1", ["mean 1.1"])
    explorer.check_logits()
    explorer.python("view.close(); grid.close()")


@slow
def test_after_two_hundred_quick_actions_both_sides_say_the_same(explorer):
    heads = [f"{layer}.{head}" for layer in range(2) for head in range(3)]
    spots = {head: explorer.place(head) for head in heads}
    canvas = explorer.heads.locator("canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    on = set()
    for i in range(100):
        head = heads[(i * i + 2 * i) % 6]
        explorer.page.mouse.click(box["x"] + spots[head]["x"], box["y"] + spots[head]["y"])
        explorer.page.keyboard.press("Space")
        on ^= {head}
    # What the browser holds back until Python has answered comes after the next cell.
    for _ in range(50):
        selection, edits, _ = json.loads(explorer.python(LINES))
        if selection == head and {edit.removeprefix("mean ") for edit in edits} == on:
            break
    assert (selection, {edit.removeprefix("mean ") for edit in edits}) == (head, on)
    assert explorer.same()[:2] == (selection, edits)
    explorer.check_logits()


@slow
def test_closing_one_of_two_leaves_the_other_working(explorer):
    explorer.python("other = s.explore(); other")
    roots = explorer.page.locator(".hw-explore")
    expect(roots).to_have_count(2)
    second = Explorer(explorer.notebook, roots.nth(1))
    second.click("0.1")
    explorer.ready(head="0.1")
    second.python("other.close()")
    expect(roots).to_have_count(1)
    explorer.click("0.2")
    explorer.page.keyboard.press("Space")
    assert explorer.same()[:2] == ("0.2", ["mean 0.2"])
    explorer.check_logits()


@slow
def test_two_sessions_of_two_models_do_not_mix(explorer):
    explorer.python("from headwidgets.zoo.planted import planted_decoys")
    explorer.python("s2 = hw.Session(planted_decoys()); e2 = s2.explore('induction'); e2")
    roots = explorer.page.locator(".hw-explore")
    expect(roots).to_have_count(2)
    other = Explorer(explorer.notebook, roots.nth(1))
    other.ready()
    explorer.click("0.1")
    other.click("1.4")
    other.page.keyboard.press("Space")
    other.ready(head="1.4")
    assert explorer.same()[:2] == ("0.1", [])
    said = explorer.python("print(s2.selection, *s2.edits, s2.facts.n_heads, s.facts.n_heads)")
    assert said == "1.4 mean 1.4 5 3"
    chips = other.panel.locator('.hw-chips [aria-pressed="true"]')
    expect(chips).to_have_text(["● mean 1.4"])
    explorer.python("e2.close(); s2.close()")


@slow
def test_nothing_moves_while_numbers_do(explorer):
    explorer.heads.scroll_into_view_if_needed()
    explorer.page.evaluate(
        """() => {
          const parts = [...document.querySelectorAll(".hw-explore, .hw-explore section, "
            + ".hw-metric, .hw-tops, .hw-chips, .hw-below, .hw-pair, .hw-split")];
          const seen = window.hwSeen = new Map();
          const look = () => {
            for (const [i, part] of parts.entries()) {
              const { height, width } = part.getBoundingClientRect();
              const key = `${i} ${part.className}`;
              seen.set(key, (seen.get(key) ?? new Set()).add(`${width} × ${height}`));
            }
            window.hwLook = requestAnimationFrame(look);
          };
          look();
        }"""
    )
    for head in ("0.0", "1.1", "1.0", "0.2"):
        explorer.click(head)
        explorer.page.keyboard.press("Space")
        explorer.same()
    explorer.python("s.edits = []")
    explorer.same()
    moved = explorer.page.evaluate(
        """() => {
          cancelAnimationFrame(window.hwLook);
          return [...window.hwSeen].filter(([, sizes]) => sizes.size > 1)
            .map(([name, sizes]) => [name, ...sizes]);
        }"""
    )
    assert moved == []


AXE = """async code => {
  new Function(code)();
  const { violations } = await window.axe.run({ include: [[".hw-root"]] });
  return violations.filter(({ impact }) => ["serious", "critical"].includes(impact))
    .map(({ id, nodes }) => [id, ...nodes.map(({ html, failureSummary }) =>
      `${html.slice(0, 200)} ${failureSummary}`)]);
}"""


@slow
@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_axe_finds_nothing_serious(explorer, theme):
    explorer.notebook.theme(theme)
    explorer.python("s.edits = [hw.scale('1.0', 0.5), hw.zero('0.2')]")
    explorer.same()
    code = (ROOT / "js" / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    assert explorer.page.evaluate(AXE, code) == []
    faint = ".hw-explore *:not(style):not(canvas):not(option)"
    assert explorer.notebook.faint(faint) == []
    with sized(explorer.page, 1460, 1500):
        explorer.ready()
        explorer.notebook.screenshot(f"explore-{theme.split()[-1].lower()}", explorer.root)
    explorer.notebook.theme("JupyterLab Light")


@contextmanager
def sized(page, width, height):
    """Give the window another size for a while, the notebook all of it."""
    before = page.viewport_size
    page.evaluate("jupyterapp.shell.collapseLeft()")
    page.mouse.move(0, 0)
    page.set_viewport_size({"width": width, "height": height})
    yield
    page.set_viewport_size(before)


WIDER = """root => [...root.querySelectorAll("section, .hw-map, .hw-tops, .hw-metric")]
  .filter(part => part.getBoundingClientRect().right > root.getBoundingClientRect().right + 0.5)
  .map(part => part.className)"""


PICTURE = """
import headwidgets as hw
s = hw.Session()
s.prompts = hw.task("ioi", n=40, split="test")
s.edits = [hw.mean("3.2")]
e = s.explore()
s.selection = "3.2"
e
"""


@slow
def test_the_picture_of_the_readme(context, lab):
    """notebooks/explorer.png is what this one leaves in .verify/screens."""
    explorer = opened_on(context, lab, "picture.ipynb", PICTURE)
    with sized(explorer.page, 1460, 1500):
        assert explorer.same()[:2] == ("3.2", ["mean 3.2"])
        explorer.check_logits()
        expect(explorer.grid).to_have_attribute("data-hw-state", "ready")
        SCREENS.mkdir(parents=True, exist_ok=True)
        explorer.root.screenshot(path=SCREENS / "explorer.png")


@slow
@pytest.mark.parametrize(("width", "tokens"), [(596, 11), (1460, 254)])
def test_it_fits_narrow_and_with_a_long_prompt(explorer, width, tokens):
    if tokens > 11:
        explorer.python("s.prompt = ' '.join(['the red apple, Mary took it'] * 60)[:1000]")
    with sized(explorer.page, width, 1500):
        explorer.same()
        assert explorer.python("print(len(s.tokens))") == str(tokens)
        assert explorer.root.evaluate(WIDER) == []
        assert explorer.root.evaluate("root => root.scrollWidth - root.clientWidth") <= 0
        explorer.notebook.screenshot(f"explore-{width}-{tokens}", explorer.root)


@slow
def test_a_restarted_kernel_leaves_a_copy_that_says_so(context, lab):
    explorer = opened_on(context, lab, "restarted.ipynb")
    wrong = []
    explorer.page.on("pageerror", lambda error: wrong.append(str(error)))
    explorer.page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
    explorer.page.evaluate(
        "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
    )
    expect(explorer.panel).to_contain_text("static copy")
    explorer.click("0.1")
    for part in (explorer.grid, explorer.attention):
        expect(part).to_have_attribute("data-hw-head", "0.1")
    expect(explorer.attention.locator(".hw-sketch")).to_contain_text("static copy")
    assert wrong == []
    explorer.python(START)
    again = Explorer(explorer.notebook, explorer.page.locator(".hw-explore").last)
    again.click("0.1")
    assert again.same()[0] == "0.1"
    explorer.page.close()


@slow
def test_a_closed_kernel_leaves_a_copy_that_says_so(context, lab):
    explorer = opened_on(context, lab, "closed.ipynb")
    explorer.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    expect(explorer.panel).to_contain_text("static copy: run the notebook to patch")
    explorer.click("0.1")
    for part in (explorer.grid, explorer.attention):
        expect(part).to_have_attribute("data-hw-head", "0.1")
    expect(explorer.attention.locator(".hw-sketch")).to_contain_text("static copy")
    explorer.page.keyboard.press("Space")
    expect(explorer.grid).to_contain_text("static copy: run the notebook to edit")
    expect(explorer.panel.locator(".hw-chips li")).to_have_count(0)
    explorer.page.close()
