"""The least that a widget can do: the browser says a number, the kernel sends so many bytes.

Its element says `data-hw-head` and `data-hw-state` as ours do, so that one stopwatch serves both.
"""

from __future__ import annotations

import os

import anywidget
import traitlets as t


class Echo(anywidget.AnyWidget):
    """Sends `size` random bytes, two blocks in turn, for each click."""

    _esm = """
    export default { render({ model, el }) {
      const root = document.createElement("button");
      root.className = "hw-echo";
      root.textContent = "echo";
      root.dataset.hwState = "ready";
      root.dataset.hwHead = String(model.get("asked"));
      root.onclick = () => {
        root.dataset.hwState = "busy";
        model.set("asked", model.get("asked") + 1);
        model.save_changes();
        root.dataset.hwHead = String(model.get("asked"));
      };
      model.on("change:answer", () => { root.dataset.hwState = "ready"; });
      el.append(root);
    } };
    """
    asked = t.Int(0).tag(sync=True, echo_update=False)
    answer = t.Bytes(b"").tag(sync=True)

    def __init__(self, size: int) -> None:
        self._blocks = os.urandom(size), os.urandom(size)
        super().__init__()

    @t.observe("asked")
    def _reply(self, change: t.Bunch) -> None:
        self.answer = self._blocks[change.new % 2]
