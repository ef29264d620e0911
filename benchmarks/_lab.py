"""A real JupyterLab in a browser, for the benchmarks: cells, the WebSocket's bytes, clicks."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))

from browser.notebook import Notebook  # noqa: E402 - found by the line above

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
SECONDS = 120
# Every cell is on the page, also where nobody has scrolled to.
SETTINGS = {"notebook-extension/tracker.jupyterlab-settings": {"windowingMode": "none"}}
EMPTY = {
    "cells": [
        {
            "cell_type": "code",
            "source": "",
            "id": "a",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
        }
    ],
    "metadata": {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
    },
    "nbformat": 4,
    "nbformat_minor": 5,
}
START = f"""
import sys, time, torch
sys.path.insert(0, {str(HERE)!r})
torch.set_num_threads(1)
import headwidgets as hw
from _models import D_VOCAB, random_bridge
"""
_ACTIVE = "jupyterapp.shell.currentWidget.content.activeCellIndex"
_RERUN = """async cell => {
  jupyterapp.shell.currentWidget.content.activeCellIndex = cell;
  await jupyterapp.commands.execute("notebook:run-cell");
}"""


class Traffic:
    """What the kernel's WebSocket carries, in bytes as they are before any compression."""

    def __init__(self, page: Any) -> None:
        self.received = self.sent = self.messages = 0
        page.on("websocket", self._listen)

    def _listen(self, socket: Any) -> None:
        if "/channels" in socket.url:
            socket.on("framereceived", self._received)
            socket.on("framesent", self._sent)

    def _received(self, frame: Any) -> None:
        self.received += len(frame)
        self.messages += 1

    def _sent(self, frame: Any) -> None:
        self.sent += len(frame)


class Desk:
    """One notebook with a kernel of its own, and what to measure on it."""

    def __init__(self, page: Any, lab: Bench, name: str) -> None:
        self.page, self.traffic = page, Traffic(page)
        self.notebook = Notebook.open(page, lab, name)
        self.run(START)

    def run(self, code: str) -> str:
        """Run a new last cell; return what it printed."""
        return str(self.notebook.run(code))

    def views(self, kind: str) -> Any:
        """Return the views of that kind on the page."""
        return self.page.locator(f".hw-{kind}")

    def show(self, code: str, kind: str = "attention") -> tuple[int, str]:
        """Run a cell that ends in a view; return the bytes until it is ready, and its print."""
        count, before = self.views(kind).count(), self.traffic.received
        printed = self.run(code)
        expect(self.views(kind)).to_have_count(count + 1)
        self.ready(self.views(kind).nth(count))
        return self.traffic.received - before, printed

    def ready(self, view: Any) -> None:
        """Wait until a view is ready, and until what arrived is counted."""
        expect(view).to_have_attribute("data-hw-state", "ready", timeout=SECONDS * 1000)
        self.page.evaluate("0")

    def active(self) -> int:
        """Return the place of the cell that ran last."""
        return int(self.page.evaluate(_ACTIVE))

    def rerun(self, cell: int) -> None:
        """Run a cell again."""
        self.page.evaluate(_RERUN, cell)

    def heap(self) -> int:
        """Return the bytes of the page's JavaScript heap after two collections."""
        devtools = self.page.context.new_cdp_session(self.page)
        for _ in range(2):
            devtools.send("HeapProfiler.collectGarbage")
        used = devtools.send("Runtime.getHeapUsage")["usedSize"]
        devtools.detach()
        return int(used)


TOKEN = secrets.token_hex()


@contextmanager
def jupyterlab() -> Iterator[tuple[str, Path]]:
    """Start JupyterLab of this environment on a free port; yield its address and its folder."""
    with tempfile.TemporaryDirectory() as base:
        root = Path(base)
        folder = root / "notebooks"
        folder.mkdir()
        for name, values in SETTINGS.items():
            file = root / "settings" / "@jupyterlab" / name
            file.parent.mkdir(parents=True)
            file.write_text(json.dumps(values), encoding="utf-8")
        own = {
            "IPYTHONDIR": "ipython",
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        }
        places = {name: str(root / path) for name, path in own.items()}
        environment = os.environ | places | {"JUPYTER_PREFER_ENV_PATH": "1"}
        command = [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--port=0", "--ip=127.0.0.1"),
            *(f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder}"),
            "--LabApp.expose_app_in_browser=True",
            *(["--allow-root"] if os.geteuid() == 0 else []),
        ]
        with (
            (root / "log").open("w", encoding="utf-8") as log,
            subprocess.Popen(command, stdout=log, stderr=log, env=environment) as server,
        ):
            try:
                yield _address(server, root), folder
            finally:
                server.terminate()


def _address(server: subprocess.Popen[bytes], root: Path) -> str:
    """Wait until the server has written down where it listens."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and server.poll() is None:
        for file in (root / "runtime").glob("jpserver-*.json"):
            with suppress(ValueError):  # half written
                return f"http://127.0.0.1:{json.loads(file.read_text(encoding='utf-8'))['port']}"
        time.sleep(0.1)
    sys.exit("JupyterLab did not start:\n" + (root / "log").read_text(encoding="utf-8")[-2000:])


class Bench:
    """A browser on a JupyterLab; every desk is a notebook in a window of its own."""

    def __init__(self, browser: Any, url: str, folder: Path) -> None:
        self._browser, self._url, self._folder = browser, url, folder

    def page(self, name: str) -> str:
        """Where a notebook is opened: in a workspace of its own."""
        workspace = secrets.token_hex(4)
        return f"{self._url}/lab/workspaces/{workspace}/tree/{name}?token={TOKEN}"

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        """Open a new notebook; its kernel ends with it."""
        name = f"{secrets.token_hex(4)}.ipynb"
        (self._folder / name).write_text(json.dumps(EMPTY), encoding="utf-8")
        context = self._browser.new_context(viewport={"width": 1280, "height": 900})
        context.set_default_timeout(SECONDS * 1000)
        page = context.new_page()
        try:
            yield Desk(page, self, name)
            page.evaluate("jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        finally:
            context.close()


@contextmanager
def bench() -> Iterator[Bench]:
    """Start everything; stop it after."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        sys.exit("no Chromium on the path: install it, or set CHROMIUM=/path/to/chromium")
    with jupyterlab() as (url, folder), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        try:
            yield Bench(browser, url, folder)
        finally:
            browser.close()
