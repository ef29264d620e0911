"""What the widgets need of a session: typed by protocol, so that a fake fits as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence, Sized

    import numpy as np
    from numpy.typing import NDArray
    from pandas import DataFrame

    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.facts import Facts


class SessionLike(Protocol):
    """The part of `headwidgets.session.Session` that a browser can see.

    Setters validate, raise `InputError` and keep the old state; they may be called from
    any thread. Subscribers are called after a change, outside the session's locks.
    """

    prompt: Any
    corrupted_prompt: Any
    index: int
    metric: Any
    edits: Any
    selection: Any

    @property
    def prompts(self) -> Sized:
        """The prompt set; its length is the number of pairs."""

    @property
    def tokens(self) -> Sequence[str]:
        """Pieces of the prompt on screen, BOS included."""

    def tokens_of(self, run: str) -> Sequence[str]:
        """Pieces of the prompt on screen in a run."""

    @property
    def revision(self) -> int:
        """Grows with each change that makes numbers stale."""

    @property
    def facts(self) -> Facts:
        """Shape and name of the model; has ``to_json``."""

    def subscribe(self, callback: Callable[[frozenset[str]], None]) -> Callable[[], None]:
        """Call back after each change; returns the way to stop that."""

    def snapshot(self) -> Snapshot:
        """Return everything that decides a number, frozen."""

    def attention(
        self,
        head: object,
        run: str = "clean",
        *,
        weighting: str = "raw",
        over: str = "pair",
        queries: tuple[int, int] | None = None,
        keys: tuple[int, int] | None = None,
    ) -> NDArray[np.float32]:
        """Return one head's pattern [query, key], or a window of it."""

    def thumbnails(
        self, run: str = "clean", *, bos: bool = True, over: str = "pair"
    ) -> NDArray[np.uint8]:
        """Return all heads, pooled [layer, head, edge, edge]."""

    def logits(self, k: int = 10, at: object = "end") -> DataFrame:
        """Return the k most likely next tokens, clean and edited."""

    def effect(self) -> DataFrame:
        """Return the metric, clean, corrupted and edited."""

    def score(self, kind: str) -> DataFrame:
        """Return one kind's score of every head."""

    def generate(self, n: int) -> DataFrame:
        """Return n greedy tokens, clean and edited."""

    def cancel(self) -> None:
        """Stop what the session is computing at its next checkpoint."""
