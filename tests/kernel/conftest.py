"""A real kernel, spoken to as a browser does: over the wire, with and without subshells."""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import time
from pathlib import Path

import pytest
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager

ROOT = Path(__file__).parents[2]
OVERLAYS = ROOT / ".overlays"
VERSIONS = ("6.31.0", "7.0.1", "7.4.0")
# Before 7.4 a request that arrives while a reply is being sent lies unread until the next
# client connects (ipython/ipykernel issue 1554, mended by pull request 1529); so one does.
FORGETFUL = {"7.0.1"}
PATIENCE = 120.0

SETUP = """
import json, os, threading
import torch
torch.set_num_threads(1)
import headwidgets as hw
from headwidgets.zoo.planted import planted
bridge = planted()
s = hw.Session(bridge)
state = s.state
ids = torch.tensor([s.token_ids])
with torch.inference_mode():
    reference = bridge(ids).clone()
def count_hooks(model):
    points = model.hook_dict.values()
    found = sum(len(p.fwd_hooks) + len(p.bwd_hooks) for p in points)
    return found + sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())
def user_forward_is_wrong():
    with torch.inference_mode():
        return not torch.equal(bridge(ids), reference)
"""


class Kernel:
    """A running kernel and everything it has published so far."""

    def __init__(self, client, version):
        self.client, self.version = client, version
        self.published = []
        self.comm = ""
        self.marks = {}
        self.count = 0

    def until(self, found, what):
        """Return the first message for which `found(message)`; read on until there is one."""
        deadline = time.monotonic() + PATIENCE
        heard = 0
        while time.monotonic() < deadline:
            for message in self.published[heard:]:
                if found(message):
                    return message
            heard = len(self.published)
            try:
                self.published.append(self.client.get_iopub_msg(timeout=1))
            except queue.Empty:
                if self.version in FORGETFUL:
                    self.knock()
        return pytest.fail(f"waited {PATIENCE:.0f} s for {what}; last came {self.tail()}")

    def knock(self):
        """Connect once more, ask something and go."""
        other = BlockingKernelClient()
        other.load_connection_info(self.client.get_connection_info())
        other.start_channels(iopub=False, stdin=False, hb=False, control=False)
        with contextlib.suppress(queue.Empty):
            other.kernel_info()
            other.get_shell_msg(timeout=1)
        other.stop_channels()

    def tail(self):
        return [(m["msg_type"], m["content"]) for m in self.published[-8:]]

    def send(self, kind, content, subshell=None):
        message = self.client.session.msg(kind, content)
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)
        return message["header"]["msg_id"]

    def begin(self, code):
        """Start a cell; it says when it has begun."""
        self.count += 1
        mark = f"begun {self.count}"
        cell = self.send(
            "execute_request",
            {
                "code": f"print({mark!r}, flush=True)\n{code}",
                "silent": False,
                "store_history": False,
                "user_expressions": {},
                "allow_stdin": False,
                "stop_on_error": False,
            },
        )
        self.marks[cell] = mark
        self.until(lambda _: f"{mark}\n" in self.printed(), "a cell")
        return cell

    def printed(self):
        """Return all that was printed; one print may be published in several messages."""
        return "".join(
            m["content"]["text"]
            for m in self.published
            if m["msg_type"] == "stream" and m["content"]["name"] == "stdout"
        )

    def finish(self, cell):
        """Wait for a cell; return what it printed."""
        self.until(lambda m: _of(m, cell) and _is_idle(m), "the end of a cell")
        mine = [m for m in self.published if _of(m, cell)]
        errors = [m["content"] for m in mine if m["msg_type"] == "error"]
        assert not errors, "\n".join(errors[0]["traceback"])
        # Cells run one at a time, so what follows the mark is this cell's; ipykernel 7.0 may
        # name another request as the parent of what a cell prints.
        return self.printed().partition(f"{self.marks.pop(cell)}\n")[2].strip()

    def run(self, code):
        return self.finish(self.begin(code))

    def subshell(self):
        """Make a subshell and return its id."""
        message = self.client.session.msg("create_subshell_request", {})
        self.client.control_channel.send(message)
        return self.client.get_control_msg(timeout=PATIENCE)["content"]["subshell_id"]


class Browser:
    """One front end's end of the session's comm."""

    def __init__(self, kernel, subshell):
        self.kernel, self.subshell = kernel, subshell
        self.state = {}
        self.since = len(kernel.published)

    def ask(self, name, *, key=None, **body):
        self.kernel.count += 1
        request = f"request {self.kernel.count}"
        self._send(
            {
                "method": "custom",
                "content": {
                    "v": 1,
                    "kind": "req",
                    "id": request,
                    "name": name,
                    "key": key,
                    "body": body,
                },
            }
        )
        return request

    def cancel(self, request):
        self._send({"method": "custom", "content": {"v": 1, "kind": "cancel", "id": request}})

    def set(self, **traits):
        """Set traits as a front end does: the next change waits until this one is handled."""
        sent = self._send({"method": "update", "state": traits, "buffer_paths": []})
        self.state |= traits
        self.kernel.until(lambda m: _of(m, sent) and _is_idle(m), "a change to be handled")

    def messages(self, request, kind):
        return [c for c in self._custom() if c["id"] == request and c["kind"] == kind]

    def wait(self, request, kind="res"):
        """Wait for a message about a request."""
        self.kernel.until(
            lambda m: (
                self._mine(m)
                and m["content"]["data"].get("content", {}).get("id") == request
                and m["content"]["data"]["content"]["kind"] == kind
            ),
            f"{kind} of {request}",
        )
        return self.messages(request, kind)[0]

    def seen(self):
        """The traits as this front end has them: its own, then all that Python said since."""
        out = {}
        for message in self.kernel.published[self.since :]:
            if self._mine(message) and message["content"]["data"]["method"] != "custom":
                out |= message["content"]["data"]["state"]
        return out

    def _custom(self):
        data = [m["content"]["data"] for m in self.kernel.published if self._mine(m)]
        return [d["content"] for d in data if d["method"] == "custom"]

    def _mine(self, message):
        content = message["content"]
        return message["msg_type"] == "comm_msg" and content["comm_id"] == self.kernel.comm

    def _send(self, data):
        content = {"comm_id": self.kernel.comm, "data": data}
        return self.kernel.send("comm_msg", content, self.subshell)


def _of(message, parent):
    return message["parent_header"].get("msg_id") == parent


def _is_idle(message):
    return message["msg_type"] == "status" and message["content"]["execution_state"] == "idle"


def _missing(version):
    folder = OVERLAYS / f"ipykernel-{version}"
    if (folder / "ipykernel").is_dir():
        return
    reason = (
        f"ipykernel {version} is not in .overlays/: "
        f"pip install --no-deps --target .overlays/ipykernel-{version} ipykernel=={version}"
    )
    if os.environ.get("HEADWIDGETS_REQUIRE_OVERLAYS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session", params=VERSIONS, ids=lambda v: f"ipykernel {v}")
def kernel(request):
    """A kernel with a session over a bridge that the user holds; one a version."""
    version = request.param
    _missing(version)
    paths = [str(OVERLAYS / f"ipykernel-{version}"), str(ROOT), os.environ.get("PYTHONPATH", "")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "OMP_NUM_THREADS": "1"}
    manager = KernelManager()
    manager.kernel_spec.argv[0] = sys.executable
    manager.start_kernel(env=env, cwd=str(ROOT))
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=PATIENCE)
        made = Kernel(client, version)
        assert made.run("import ipykernel; print(ipykernel.__version__)") == version
        made.run(SETUP)
        made.comm = made.run("print(state.comm.comm_id)")
        yield made
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.fixture(params=["subshell", "main shell"])
def browser(request, kernel):
    """A front end that sends over a subshell (JupyterLab), or over the main one (others)."""
    subshell = None
    if request.param == "subshell":
        if kernel.version.startswith("6."):
            pytest.skip("ipykernel 6 has no subshells")
        subshell = kernel.subshell()
    kernel.run(
        "s.edits = []; s.selection = None; s.prompt = 'a b a b a b'\n"
        "ids = torch.tensor([s.token_ids])\n"
        "with torch.inference_mode(): reference = bridge(ids).clone()"
    )
    return Browser(kernel, subshell)
