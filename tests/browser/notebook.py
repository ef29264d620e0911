"""One notebook in JupyterLab, as a person has it before them. Nothing here waits for time."""

from __future__ import annotations

import re
import secrets
from contextlib import contextmanager
from pathlib import Path

import nbformat
from playwright.sync_api import expect

ROOT = Path(__file__).resolve().parents[2]
SCREENS = ROOT / ".verify" / "screens"
EXECUTED_MS = 300_000

_READY = """() => {
  const lab = window.jupyterapp, panel = lab?.shell.currentWidget;
  return lab?.commands.hasCommand("notebook:run-all-cells") && panel?.context?.isReady
    && panel.sessionContext.isReady && panel.sessionContext.session?.kernel?.status === "idle";
}"""
_RUN_ALL = """limit => Promise.race([
  jupyterapp.commands.execute("notebook:run-all-cells"),
  new Promise((_, no) => setTimeout(() => no(new Error("the cells still run")), limit)),
])"""
_ERRORS = """() => jupyterapp.shell.currentWidget.content.widgets
  .flatMap(cell => cell.model.outputs?.toJSON() ?? [])
  .filter(output => output.output_type === "error")
  .map(output => `${output.ename}: ${output.evalue}`)"""
_RUN = """async code => {
  const notebook = jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = notebook.widgets.length - 1;
  await jupyterapp.commands.execute("notebook:insert-cell-below");
  notebook.activeCell.model.sharedModel.setSource(code);
  const cell = notebook.activeCell;
  await jupyterapp.commands.execute("notebook:run-cell");
  return cell.model.outputs.toJSON();
}"""

# Texts with a contrast below 4.5 (WCAG 2.2, 1.4.3) to the nearest colour painted behind them.
_FAINT = """selector => {
  const read = colour => [...colour.match(/[\\d.]+/g).map(Number), 1].slice(0, 4);
  const over = ([r, g, b, a], under) =>
    [...[r, g, b].map((c, i) => a * c + (1 - a) * under[i]), 1];
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = node => {
    const colour = read(getComputedStyle(node).backgroundColor);
    return over(colour, colour[3] < 1 && node.parentElement ? behind(node.parentElement)
      : [255, 255, 255, 1]);
  };
  return [...document.querySelectorAll(selector)]
    .filter(node => [...node.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
    .map(node => {
      const under = behind(node), ink = over(read(getComputedStyle(node).color), under);
      const pair = [ink, under].map(light).sort((x, y) => x - y);
      return [node.textContent, (pair[1] + 0.05) / (pair[0] + 0.05)];
    })
    .filter(([, contrast]) => contrast < 4.5);
}"""

_START = """code => {
  const notebook = jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = notebook.widgets.length - 1;
  jupyterapp.commands.execute("notebook:insert-cell-below").then(() => {
    notebook.activeCell.model.sharedModel.setSource(code);
    window.hwFree = false;
    window.hwBusy = jupyterapp.commands.execute("notebook:run-cell")
      .then(() => { window.hwFree = true; });
  });
}"""
_KERNEL = "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.status"
_WAIT = """import pathlib, time
while not pathlib.Path({name!r}).exists(): time.sleep(0.05)
pathlib.Path({name!r}).unlink()"""


def write_notebook(path, cells=("",)):
    """Write a notebook of code cells; return where."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": kernel}), path)
    return path


class Notebook:
    """A notebook that is open in `page`."""

    def __init__(self, page):
        self.page = page
        self.card = page.locator('section[aria-label="headwidgets session"]')

    @classmethod
    def open(cls, page, lab, name):
        """Open a notebook of the lab's folder, and its kernel."""
        page.goto(lab.page(name))
        page.wait_for_function(_READY)
        return cls(page)

    def run_all(self):
        """Run all cells as the menu does; return what went wrong."""
        finished = self.page.evaluate(_RUN_ALL, EXECUTED_MS)
        errors = self.page.evaluate(_ERRORS)
        assert finished or errors, "the cells did not all run"
        return errors

    def run(self, code):
        """Run a new last cell; return what it printed."""
        outputs = self.page.evaluate(_RUN, code)
        errors = [f"{o['ename']}: {o['evalue']}" for o in outputs if o["output_type"] == "error"]
        assert not errors, errors
        return "".join("".join(o["text"]) for o in outputs if o["output_type"] == "stream").strip()

    @contextmanager
    def busy(self, folder):
        """Keep the kernel busy with a cell, from before the block to its end."""
        name = f"go-{secrets.token_hex(4)}"
        self.page.evaluate(_START, _WAIT.format(name=name))
        self.page.wait_for_function(f"({_KERNEL})() === 'busy'")
        try:
            yield
            # not by the kernel's status: an answer beside the cell makes it "idle" for JupyterLab
            assert not self.page.evaluate("window.hwFree"), "the cell did not run all the time"
        finally:
            (folder / name).touch()
        self.page.evaluate("window.hwBusy")

    def theme(self, name):
        """Change JupyterLab's theme and wait until it stands."""
        self.page.evaluate(
            "theme => jupyterapp.commands.execute('apputils:change-theme', { theme })", name
        )
        expect(self.page.locator("body")).to_have_attribute("data-jp-theme-name", name)

    def type_prompt(self, text):
        """Type into the prompt box and press Enter."""
        box = self.page.get_by_role("textbox", name="prompt")
        box.fill(text)
        box.press("Enter")

    def row(self, name):
        """A row of the table under the switches."""
        return self.page.locator(f'tr[data-row="{name}"]')

    def expect_ready(self):
        """Wait until the session's card says that it is ready."""
        expect(self.card).to_have_attribute("data-hw-state", "ready")

    def expect_tokens(self, tokens):
        """Wait until the card shows `tokens`, a leading space as a dot."""
        shown = [re.sub("^ ", "·", token) for token in tokens]
        expect(self.card.locator(".hw-token")).to_have_text(shown)

    def faint(self, selector):
        """Return the texts in `selector` that are hard to read, with their contrast."""
        return self.page.evaluate(_FAINT, selector)

    def screenshot(self, name, locator):
        """Bring a part into view and keep a picture of the window."""
        locator.scroll_into_view_if_needed()
        SCREENS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENS / f"{name}.png")
