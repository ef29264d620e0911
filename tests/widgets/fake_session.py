"""A session with no model in it, and a comm that keeps what was sent."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from comm.base_comm import BaseComm

from headwidgets.errors import InputError
from headwidgets.heads import Head
from headwidgets.methods.snapshot import Pair, Snapshot
from headwidgets.model.work import checkpoint


class Facts:
    def to_json(self):
        return {"name": "fake", "numerics": "raw", "n_layers": 2, "n_heads": 4}


@dataclass(eq=False)
class FakeSession:
    """Two layers of four heads; one word is one token; numbers depend on the prompt only."""

    texts: list = field(default_factory=lambda: ["one two", "three", "four five six"])
    steps: int = 0

    def __post_init__(self):
        self._lock = threading.RLock()
        self._callbacks = []
        self._index, self._selection, self._metric = 0, None, None
        self._edits, self._corrupted = [], None
        self.revision = 1
        self.cancels = 0
        self.started, self.go_on = threading.Event(), threading.Event()
        self.facts = Facts()

    def subscribe(self, callback):
        self._callbacks.append(callback)
        return lambda: callback in self._callbacks and self._callbacks.remove(callback)

    def _changed(self, what, *, stale=True):
        self.revision += stale
        for callback in list(self._callbacks):
            callback(frozenset({what}))

    @property
    def prompts(self):
        return list(self.texts)

    @property
    def tokens(self):
        prompt = self.prompt
        return ["<bos>", *(prompt.split() if isinstance(prompt, str) else map(str, prompt))]

    def tokens_of(self, run="clean"):
        return self.tokens

    @property
    def prompt(self):
        return self.texts[self._index]

    @prompt.setter
    def prompt(self, value):
        if not value:
            message = "expected a prompt of at least one token, got none"
            raise InputError(message)
        self.texts = [*self.texts[: self._index], value, *self.texts[self._index + 1 :]]
        self._changed("prompts")

    @property
    def corrupted_prompt(self):
        return self._corrupted

    @corrupted_prompt.setter
    def corrupted_prompt(self, value):
        self._corrupted = value
        self._changed("prompts")

    @property
    def index(self):
        return self._index

    @index.setter
    def index(self, value):
        if not 0 <= value < len(self.texts):
            message = f"expected an index from 0 to {len(self.texts) - 1}, got {value}"
            raise InputError(message)
        self._index = value
        self._changed("index")

    @property
    def selection(self):
        return self._selection

    @selection.setter
    def selection(self, value):
        self._selection = None if value is None else Head.parse(value).within(2, 4)
        self._changed("selection", stale=False)

    @property
    def edits(self):
        return list(self._edits)

    @edits.setter
    def edits(self, value):
        self._edits = list(value)
        self._changed("edits")

    @property
    def metric(self):
        return self._metric

    @metric.setter
    def metric(self, value):
        self._metric = value
        self._changed("metric")

    def snapshot(self):
        return Snapshot(pairs=(Pair((0,) * len(self.tokens)),) * len(self.texts))

    def attention(
        self, head, run="clean", *, weighting="raw", over="pair", queries=None, keys=None
    ):
        head = Head.parse(head).within(2, 4)
        size = len(self.tokens)
        window = np.full((size, size), head.head / 8, np.float32)
        return window[slice(*(queries or (0, size))), slice(*(keys or (0, size)))]

    def thumbnails(self, run="clean", *, bos=True, over="pair"):
        return np.arange(2 * 4 * 8 * 8, dtype=np.int64).reshape(2, 4, 8, 8).astype(np.uint8)

    def logits(self, k=10, at="end"):
        frame = pd.DataFrame({"token": list("abcdefghijklmnop")[:k], "clean": np.arange(k) / 2})
        frame.attrs = {"at": at, "numerics": "raw"}
        return frame

    def effect(self):
        return pd.DataFrame({"run": ["clean", "edited"], "value": [1.5, np.nan], "n": [3, 3]})

    def score(self, kind):
        """Step by step, held up after the first step where a test waits for it."""
        if kind == "broken":
            message = "broken on purpose"
            raise ZeroDivisionError(message)
        for step in range(self.steps):
            checkpoint(step, self.steps, "rows")
            if step == 0:
                self.started.set()
                self.go_on.wait(10)
        return pd.DataFrame({"layer": [0, 1], "head": [3, 2], "score": [0.5, np.inf]})

    def generate(self, n):
        return pd.DataFrame({"run": ["clean", "edited"], "text": ["x" * n, "y" * n]})

    def cancel(self):
        self.cancels += 1


class KeepingComm(BaseComm):
    """Keeps (message type, data, buffers) instead of publishing."""

    def __init__(self, sent, **kwargs):
        self.sent = sent
        super().__init__(**kwargs)

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        self.sent.append((msg_type, data, [bytes(b) for b in buffers or ()]))
