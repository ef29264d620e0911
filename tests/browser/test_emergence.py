"""The emergence lab in a real JupyterLab: scrub, train, clamp, pause, open in a session, save."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from browser.conftest import ROOT
from browser.notebook import Notebook, write_notebook
from browser.test_explore import AXE
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

START = "import headwidgets as hw\nw = hw.EmergenceLab()\nw"
LONG = """
import headwidgets as hw
from headwidgets.labs import emergence as lab
live = hw.EmergenceLab(lab.low16(), sequences=32 * {steps}, progress=False, asked=128)
live
"""


class Emergence:
    """The last emergence lab on a page."""

    def __init__(self, notebook):
        self.notebook, self.page = notebook, notebook.page
        self.root = notebook.page.locator(".hw-emergence").last
        self.slider = self.root.get_by_label("checkpoint", exact=True)
        self.grid = self.root.get_by_role("grid")
        self.read = self.root.locator(".hw-area-a .hw-read")

    def python(self, code):
        """What a cell prints."""
        return self.notebook.run(code)

    def ready(self, **said):
        """Wait until it is ready and says so."""
        expect(self.root).to_have_attribute("data-hw-state", "ready")
        for name, value in said.items():
            expect(self.root).to_have_attribute(f"data-hw-{name.replace('_', '-')}", value)

    def switch(self, name):
        return self.root.get_by_role("switch", name=f"clamp {name}", exact=True)

    def press(self, name):
        self.root.get_by_role("button", name=name).first.click()

    def height(self):
        return self.root.evaluate("root => root.getBoundingClientRect().height")


@pytest.fixture(scope="module")
def opened(context, lab):
    """A notebook with a lab on shipped runs."""
    write_notebook(lab.folder / "emergence.ipynb")
    notebook = Notebook.open(context.new_page(), lab, "emergence.ipynb")
    notebook.run(START)
    made = Emergence(notebook)
    made.ready(run="low16", step="1875")
    return made


@pytest.fixture
def shown(opened):
    """The lab on low16, at its end."""
    opened.python(
        "for name in [n for n in w.runs if n != 'low16']: w.hide(name)\n"
        "w.look(run='low16', condition='none', step=-1, head='', part='', time='log',"
        " measure='loss')"
    )
    opened.ready(run="low16", step="1875", head="1.4")
    return opened


def test_it_opens_at_once_on_a_finished_run(shown):
    expect(shown.root.locator(".hw-chip")).to_have_text("low16")
    expect(shown.root).to_contain_text("phase change 17.4k–25.6k")
    expect(shown.read).to_contain_text("learned (first < .4 ln 2) at 25,600 sequences")
    tile = shown.grid.locator('[data-head="1.4"]')
    value = shown.python(
        "f = w.to_frame('tiles'); print(f'{f[f.layer.eq(1) & f[\"head\"].eq(4)].value.item():.2f}')"
    )
    expect(tile).to_have_text(f"1.4{value}")


def test_scrubbing_lights_the_heads_up_and_python_follows(shown):
    height = shown.height()
    shown.slider.focus()
    shown.slider.press("Home")
    shown.ready(step="0")
    expect(shown.grid.locator('[data-head="1.4"]')).to_have_text("1.40.04")
    for _ in range(45):
        shown.slider.press("ArrowRight")
    shown.ready(step="530")
    value = shown.python(
        "f = w.to_frame('tiles'); print(w.session.look['step'], f.attrs['step'],"
        " f'{f[f.layer.eq(1) & f[\"head\"].eq(4)].value.item():.2f}')"
    ).split()
    assert value[:2] == ["530", "544"]
    expect(shown.grid.locator('[data-head="1.4"]')).to_have_text(f"1.4{value[2]}")
    expect(shown.root).to_contain_text(f"as measured at step {value[1]}")
    assert shown.height() == height


def test_it_scrubs_and_plays_while_the_kernel_is_busy(shown, lab):
    with shown.notebook.busy(lab.folder):
        shown.slider.focus()
        shown.slider.press("Home")
        shown.ready(step="0")
        shown.press("play")
        shown.ready(step="1875")
        expect(shown.root.get_by_role("button", name="play").first).to_have_attribute(
            "aria-pressed", "false"
        )
    shown.ready()


def test_values_are_read_by_keys_and_a_key_goes_there(shown):
    loss = shown.python(
        "f = w.to_frame().query('step == 1856 and part == \"train\"')\n"
        "print(f'{f.loss.item():.4f}')"
    )
    chart = shown.root.get_by_role("application").first
    chart.focus()
    chart.press("End")
    chart.press("ArrowLeft")
    expect(shown.read).to_have_attribute("data-hw-step", "1856")
    expect(shown.read).to_contain_text(f"loss at 59,392 sequences, step 1,856: train {loss}")
    chart.press("Home")
    chart.press("Enter")
    shown.ready(step="0")
    chart.press("Escape")
    box = chart.bounding_box()
    chart.click(position={"x": box["width"] * 0.6, "y": 100}, force=True)
    expect(shown.root).not_to_have_attribute("data-hw-step", "0")


def test_heads_are_chosen_by_click_and_by_keys(shown):
    shown.grid.locator('[data-head="0.2"]').click()
    shown.ready(head="0.2")
    expect(shown.root.locator(".hw-map")).to_have_attribute("data-hw-head", "0.2")
    expect(shown.root.locator(".hw-area-d")).to_contain_text("y_a looks at x_a")
    shown.grid.focus()
    shown.grid.press("ArrowDown")
    shown.grid.press("Enter")
    shown.ready(head="1.2")
    assert shown.python("print(w.session.look['head'])") == "1.2"
    found = shown.python(
        "f = w.to_frame('map').set_index(['query', 'key'])\n"
        "print(f\"{f.weight['x_q', 'y_a']:.2f}\")"
    )
    expect(shown.root.locator(".hw-map .hw-cell").nth(11)).to_have_text(found)
    shown.grid.press("Escape")


def test_runs_and_conditions_are_laid_over_each_other(shown):
    shown.root.get_by_label("add a finished run").select_option("low16-clamps")
    shown.ready(run="low16-clamps", condition="none")
    expect(shown.root.locator(".hw-chip")).to_have_count(7)
    expect(shown.root.locator(".hw-upper .hw-curve")).to_have_count(7)
    expect(shown.root.locator(".hw-upper .hw-label")).to_contain_text(["match"])
    shown.root.get_by_role("button", name="match", exact=True).click()
    shown.ready(condition="match", clamped="match")
    expect(shown.switch("match")).to_have_attribute("aria-checked", "true")
    expect(shown.root.get_by_label("step 4, given")).to_be_visible()
    expect(shown.grid.locator('[data-head="1.0"]')).to_have_text("1.01.00")
    shown.root.get_by_label("axis of time").select_option("linear")
    shown.root.get_by_label("what is drawn").select_option("accuracy")
    expect(shown.root.locator(".hw-upper")).to_contain_text("one of the two labels")
    shown.ready()
    assert shown.python("print(w.session.look['measure'], w.session.look['time'])") == (
        "accuracy linear"
    )
    shown.root.get_by_role("button", name="take low16-clamps away").click()
    shown.ready(run="low16")


@contextmanager
def living(shown, steps):
    """A run that takes its time, in a cell of its own."""
    shown.python(LONG.format(steps=steps))
    made = Emergence(shown.notebook)
    made.ready(run="low16", measured="0")
    try:
        yield made
    finally:
        shown.python("live.runs['low16'].cancel(); live.close()")


def test_a_live_run_is_watched_clamped_paused_and_gone_on_with(shown):
    with living(shown, 20_000) as live:
        height = live.height()
        live.press("start")
        live.ready(run_state="running")
        for least in (2, 4):
            live.page.wait_for_function(
                "([root, n]) => Number(root.dataset.hwMeasured) >= n",
                arg=[live.root.element_handle(), least],
            )
        live.switch("match").click()
        live.ready(clamped="match")
        expect(live.root.locator(".hw-upper")).to_contain_text("clamp: match")
        expect(live.grid.locator('[data-head="1.0"]')).to_have_text("1.01.00")
        live.press("pause")
        live.ready(run_state="paused")
        assert live.height() == height
        code = "r = live.runs['low16']; print(r.state, r.switched[0]['step'] > 0, len(r.clamps()))"
        assert live.python(code) == "paused True 1"
        live.slider.focus()
        live.slider.press("Home")
        live.ready(step="0")
        live.switch("match").click()
        live.ready(clamped="")
        before = int(live.root.get_attribute("data-hw-measured"))
        live.press("go on")
        live.ready(run_state="running")
        live.page.wait_for_function(
            "([root, n]) => Number(root.dataset.hwMeasured) > n",
            arg=[live.root.element_handle(), before],
        )
        expect(live.root).to_have_attribute("data-hw-step", "0")
        live.press("end this run")
        live.ready(run_state="cancelled")
        assert live.height() == height
        live.notebook.screenshot("emergence-live", live.root)


def test_the_head_that_looks_at_the_token_before_is_chosen_on_the_page(shown):
    choice = "heads of layer 1 that look at the token before"
    expect(shown.root.get_by_label(choice)).to_have_value("2")
    with living(shown, 20_000) as live:
        live.root.get_by_label(choice).select_option("head 5")
        live.switch("previous token").click()
        live.ready(clamped="previous token")
        heads = "print(live.runs['low16'].clamps()['blocks.0.attn.hook_pattern'][0].heads)"
        assert live.python(heads) == "(5,)"
        live.root.get_by_label(choice).select_option("all heads")
        live.ready()
        assert live.python(heads) == "(0, 1, 2, 3, 4, 5, 6, 7)"
        live.python("live.runs['low16'].clamp(lab.preset('previous token', head=None))")
        expect(live.root.get_by_label(choice)).to_have_value("2")


def test_a_live_run_can_be_paused_while_a_cell_runs_and_never_blocks_one(shown):
    with living(shown, 20_000) as live:
        live.press("start")
        live.ready(run_state="running")
        assert live.python("print(live.runs['low16'].state)") == "running"
        assert live.python("print(6 * 7)") == "42"
        live.press("pause")
        live.ready(run_state="paused")


def test_a_run_is_begun_from_the_page_and_its_end_is_seen(shown):
    shown.python("w.session.defaults.update(sequences=6400, asked=64, progress=False)")
    shown.switch("copy").click()
    shown.ready(clamped="copy")
    expect(shown.root).to_contain_text("a live run begins with: copy")
    shown.root.get_by_label("data of a live run").select_option("gauss")
    shown.press("train live")
    expect(shown.root).to_have_attribute("data-hw-run", "live gauss")
    shown.ready(run_state="done", condition="copy")
    assert shown.python("r = w.runs['live gauss']; print(r.step, list(r.clamps()))") == (
        "200 ['logits']"
    )


def test_a_model_is_opened_in_a_session_and_a_head_is_chosen_there(shown):
    shown.grid.locator('[data-head="0.4"]').click()
    shown.ready(head="0.4")
    shown.press("open in a session")
    expect(shown.root.locator(".hw-foot5 code")).to_have_text("s = w.opened; hw.AttentionView(s)")
    shown.ready()
    shown.python("s = w.opened; v = hw.AttentionView(s)\nv")
    view = shown.page.locator(".hw-attention").last
    expect(view).to_have_attribute("data-hw-state", "ready")
    assert shown.python("print(s.selection, len(s.tokens), len(s.prompts))") == "0.4 5 16"
    grid = view.get_by_role("grid")
    grid.focus()
    grid.press("Home")
    grid.press("ArrowDown")
    grid.press("Enter")
    expect(view).to_have_attribute("data-hw-head", "1.0")
    assert shown.python("print(s.selection)") == "1.0"
    shown.python("v.close(); s.close()")


def test_a_run_is_copied_as_python(shown):
    shown.page.evaluate(
        "() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }"
    )
    shown.press("copy as Python")
    box = shown.root.get_by_label("the run as Python")
    expect(box).to_be_visible()
    assert box.input_value() == shown.notebook.run("print(w.to_python())") + "\n"
    box.press("Escape")
    expect(box).to_be_hidden()


def test_what_python_refuses_is_said_on_screen(shown):
    shown.python(
        "from headwidgets.labs import emergence as lab\n"
        "bad = hw.EmergenceLab(lab.low16(), rate=1e9, sequences=6400)\nbad"
    )
    made = Emergence(shown.notebook)
    made.ready()
    made.press("start")
    made.ready(run_state="failed", step="0")
    expect(made.root).to_contain_text("the loss of none is not finite at step 1")
    expect(made.slider).to_be_disabled()
    shown.python("bad.close()")


def test_words_open_their_meaning(shown):
    shown.root.get_by_role("button", name="phase change").click()
    expect(shown.root.get_by_role("tooltip")).to_contain_text("the plateau is left")
    shown.page.keyboard.press("Escape")
    expect(shown.root.get_by_role("tooltip")).to_have_count(0)


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_it_can_be_read_in_both_themes(shown, theme):
    shown.python("w.show('low16-clamps'); w.look(condition='match', step=400)")
    shown.notebook.theme(theme)
    shown.ready(step="388")
    name = f"emergence-{theme.split()[1].lower()}"
    code = (ROOT / "js" / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    assert shown.page.evaluate(AXE, code) == []
    faint = ".hw-emergence *:not(style):not(option):not(svg *):not(:disabled)"
    assert shown.notebook.faint(faint) == []
    with sized(shown.page, 1500, 1300):
        shown.ready()
        shown.notebook.screenshot(name, shown.root)
    shown.python("w.look(run='low16', step=484, part='all')")
    with sized(shown.page, 1500, 1300):
        shown.ready(run="low16", step="484")
        shown.notebook.screenshot(f"{name}-one", shown.root)
    shown.notebook.theme("JupyterLab Light")


@contextmanager
def sized(page, wide, high):
    """The window at another size."""
    before = page.viewport_size
    page.set_viewport_size({"width": wide, "height": high})
    yield
    page.set_viewport_size(before)


@pytest.mark.parametrize(("scheme", "wide"), [("light", 1180), ("dark", 480), ("light", 480)])
def test_a_saved_page_scrubs_and_selects_without_kernel_or_network(
    shown, chromium, lab, scheme, wide
):
    shown.python("w.show('gauss'); w.save('saved.html')")
    context = chromium.new_context(
        viewport={"width": wide, "height": 1100}, color_scheme=scheme, offline=True
    )
    page = context.new_page()
    wrong, fetched = [], []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda one: fetched.append(one.url))
    page.goto((lab.folder / "saved.html").as_uri())
    root = page.locator(".hw-emergence")
    expect(root).to_have_attribute("data-hw-state", "ready")
    page.get_by_label("checkpoint", exact=True).focus()
    page.keyboard.press("Home")
    expect(root).to_have_attribute("data-hw-step", "0")
    page.locator('[data-head="0.3"]').click()
    expect(root).to_have_attribute("data-hw-head", "0.3")
    page.get_by_role("button", name="low16", exact=True).click()
    expect(root).to_have_attribute("data-hw-run", "low16")
    expect(root).to_contain_text("static copy: run the notebook to train")
    expect(page.get_by_role("button", name="train live")).to_be_disabled()
    expect(page.get_by_role("switch").first).to_be_disabled()
    assert root.evaluate("root => root.scrollWidth <= root.clientWidth")
    assert wrong == []
    assert [url for url in fetched if not url.startswith(("file:", "blob:", "data:"))] == []
    page.screenshot(
        path=ROOT / ".verify" / "screens" / f"emergence-saved-{scheme}-{wide}.png", full_page=True
    )
    context.close()


def test_a_restarted_kernel_leaves_a_copy_that_scrubs(context, lab):
    write_notebook(lab.folder / "emergence-restarted.ipynb")
    notebook = Notebook.open(context.new_page(), lab, "emergence-restarted.ipynb")
    notebook.run(START)
    made = Emergence(notebook)
    made.ready(run="low16", step="1875")
    made.page.evaluate(
        "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
    )
    expect(made.root).to_contain_text("static copy: run the notebook to train")
    expect(made.root.get_by_role("button", name="train live")).to_be_disabled()
    made.slider.focus()
    made.slider.press("Home")
    made.ready(step="0")
    made.grid.locator('[data-head="0.6"]').click()
    made.ready(head="0.6")
