"""How a session is asked: the question frozen, the work cancellable, the answer signed."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING, Any

from headwidgets.errors import ModelError
from headwidgets.model.work import Work, current, doing
from headwidgets.session.digest import digest
from headwidgets.session.progress import Bar
from headwidgets.session.question import Question

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.methods.vector import Direction
    from headwidgets.model.engine import Engine
    from headwidgets.model.facts import Facts

ASKED = ("prompts", "index", "edits", "metric", "reference", "weights")
"""What a number of the edited run depends on."""


class Asking(Question):
    """A question and the model that answers it; the latest answers are kept.

    Parameters
    ----------
    engine : Engine

    Attributes
    ----------
    frames : dict of str to DataFrame
        The latest of each name.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.frames: dict[str, pd.DataFrame] = {}
        self._works: list[Work] = []
        self._name = secrets.token_hex(4)  # tells its frames from those of other sessions

    @property
    def facts(self) -> Facts:
        """Shape, architecture and numerics of the model."""
        return self.engine.facts

    def is_stale(self, frame: pd.DataFrame | Direction) -> bool:
        """Whether something that a frame or a direction depends on changed since then."""
        revision = int(frame.attrs.get("revision", 0))
        return self.engine.weights_changed() or bool(
            self.changed_since(revision, frame.attrs.get("depends_on", ASKED))
        )

    def is_own(self, frame: pd.DataFrame | Direction) -> bool:
        """Whether this session found a frame or a direction, or took it over from a saved one."""
        return bool(frame.attrs.get("session") == self._name)

    def _own(self, name: str, frame: pd.DataFrame) -> None:
        """Take over a frame that was saved."""
        frame.attrs["session"] = self._name
        if "asked" in frame.attrs:
            frame.attrs["digest"] = digest(frame)
        self.frames[name] = frame

    def refresh(self) -> None:
        """Take the model's weights as they are now, and forget every number of the old ones."""
        with self.engine.exclusive():
            self.engine.refresh()
        with self._changing():
            self._set("weights")

    def cancel(self) -> None:
        """Stop whatever this session is computing at its next step, from any thread."""
        for work in list(self._works):
            work.cancel()

    @contextlib.contextmanager
    def _asking(self, label: str) -> Iterator[Snapshot]:
        """Freeze the question and make the work cancellable."""
        self._require_weights()
        snapshot = self.snapshot()
        with contextlib.ExitStack() as stack:
            work = current()
            if work is None:
                work = stack.enter_context(doing(Work(stack.enter_context(Bar(label)))))
            self._works.append(work)
            stack.callback(self._works.remove, work)
            yield snapshot

    def _require_weights(self) -> None:
        """Raise if the weights are no longer those that the numbers belong to."""
        if self.engine.weights_changed():
            message = (
                "the model's weights were replaced or written to since this session last read "
                "them: call s.refresh(), which forgets every number of the old weights"
            )
            raise ModelError(message)

    def _signed(
        self, frame: pd.DataFrame, name: str, snapshot: Snapshot, depends: tuple[str, ...]
    ) -> pd.DataFrame:
        """Say on a frame what it belongs to, and remember it as the latest of its name."""
        self._sign(frame.attrs, snapshot, depends)
        if "asked" in frame.attrs:
            frame.attrs["digest"] = digest(frame)
        self.frames.pop(name, None)  # the order is that in which they were found
        self.frames[name] = frame.copy()
        return frame

    def _sign(self, attrs: dict[str, Any], snapshot: Snapshot, depends: tuple[str, ...]) -> None:
        """Say what an answer belongs to."""
        attrs |= {
            "model": self.facts.name,
            "model_revision": self.facts.revision,
            "numerics": self.facts.numerics,
            "dtype": self.facts.dtype,
            "revision": snapshot.revision,
            "session": self._name,
            "depends_on": list(depends),
        }
