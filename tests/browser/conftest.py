"""A real JupyterLab and a real Chromium; what fails leaves a trace in .verify/traces."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
VERIFY = ROOT / ".verify"
TOKEN = secrets.token_hex()
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
# Every cell is on the page, also where nobody has scrolled to.
SETTINGS = {"notebook-extension/tracker.jupyterlab-settings": {"windowingMode": "none"}}
URL = re.compile(r"http://127\.0\.0\.1:(\d+)/lab")
SECONDS = 180  # longer than any state takes on a loaded machine


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab and the folder that it shows."""

    url: str
    folder: Path
    env: dict[str, str]

    def page(self, name):
        """Where a notebook is opened: in a new workspace, for JupyterLab would open the tabs
        of the last one beside it, and a command may then go to another tab's notebook."""
        workspace = secrets.token_hex(4)
        return f"{self.url}/lab/workspaces/{workspace}/tree/{name}?token={TOKEN}"

    def copy(self, name, to):
        """Put a committed notebook into the folder, by the name `to`; return where it is."""
        return shutil.copyfile(ROOT / "notebooks" / name, self.folder / to)


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """JupyterLab of this environment, on a free port, with settings of its own."""
    home, folder = tmp_path_factory.mktemp("jupyter"), tmp_path_factory.mktemp("notebooks")
    for name, values in SETTINGS.items():
        file = home / "settings" / "@jupyterlab" / name
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(values))
    own = {
        "IPYTHONDIR": home / "ipython",
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": home / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
    }
    more = {"JUPYTER_PREFER_ENV_PATH": "1", "OMP_NUM_THREADS": "1"}
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--port=0", "--ip=127.0.0.1"),
        *(f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder}"),
        "--LabApp.expose_app_in_browser=True",
        *(["--allow-root"] if os.geteuid() == 0 else []),
    ]
    environment = os.environ | {name: str(path) for name, path in own.items()} | more
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as server:
        log = Log(server.stdout)
        try:
            yield Lab(f"http://127.0.0.1:{log.find(URL)}", folder, environment)
        finally:
            server.terminate()
            log.reader.join()


class Log:
    """A server's log, read to its end on a thread, so that the server never waits for us."""

    def __init__(self, stream):
        self.lines, self.news = [], threading.Condition()
        self.reader = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self.reader.start()

    def _read(self, stream):
        for line in stream:
            with self.news:
                self.lines.append(line)
                self.news.notify_all()

    def find(self, pattern):
        """Wait for a line that `pattern` matches; return its group."""
        with self.news:
            found = self.news.wait_for(lambda: pattern.search("".join(self.lines)), SECONDS)
        assert found, "JupyterLab did not start:\n" + "".join(self.lines[-20:])
        return found[1]


@pytest.fixture(scope="module")
def chromium():
    """The browser that CHROMIUM names, or the one on the path.

    Of one file: as long as it is open, Playwright marks its loop as running on this thread, and
    tests of other folders may follow in this process.
    """
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert path, "no Chromium on the path: install it, or set CHROMIUM=/path/to/chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def context(chromium):
    """A window with nothing remembered, being traced."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(SECONDS * 1000)
    expect.set_options(timeout=SECONDS * 1000)
    context.tracing.start(screenshots=True, snapshots=True)
    yield context
    context.tracing.stop()
    context.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Let fixtures know whether a test failed."""
    report = yield
    item.failed = getattr(item, "failed", False) or report.failed
    return report


@pytest.fixture(autouse=True)
def _trace(request):
    """Keep the trace of a test that failed."""
    if "context" not in request.fixturenames:
        yield
        return
    tracing = request.getfixturevalue("context").tracing
    tracing.start_chunk()
    yield
    failed = getattr(request.node, "failed", False)
    name = re.sub(r"\W+", "-", request.node.name)
    tracing.stop_chunk(path=VERIFY / "traces" / f"{name}.zip" if failed else None)
