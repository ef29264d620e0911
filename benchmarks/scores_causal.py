"""Every kind of head scored, those that intervene too, beside the forwards that it needs.

``s.scores(causal=True)`` on the bundled model runs most of its copies from the block on in which
they begin to differ. Its peer runs bare forwards of batches of those sizes, as many as the blocks
make up that were run (a copy from the third of five blocks on is three fifths of a forward), and
the whole forwards besides. `s.scores_cost` is set against what the kinds that it counts added to
``s.scores()``.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from _bench import Cost, Row, against, conclude, timed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROUNDS = 3
BAR = 1.5


class Ran:
    """What went through the blocks while it was watched: whole forwards, and blocks run again."""

    def __init__(self, session: Any) -> None:
        self._engine = session.engine
        self.forwards: list[tuple[Any, int]] = []
        self.blocks: Counter[tuple[int, int]] = Counter()

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Note what runs."""
        from headwidgets.model.replay import Recording

        engine, layers = self._engine, self._engine.facts.n_layers
        forward, call = engine._forward, Recording.call  # noqa: SLF001 - what is run is run again
        self.forwards.clear()
        self.blocks.clear()

        def note(ids: Any, bound: Any, options: dict[str, Any]) -> Any:
            self.forwards.append((ids, options.get("stop_at_layer", layers)))
            return forward(ids, bound, options)

        def note_call(recording: Any, layer: int, rows: Any, *rest: Any) -> Any:
            self.blocks[rows.shape[0], rows.shape[1]] += 1
            return call(recording, layer, rows, *rest)

        engine._forward, Recording.call = note, note_call  # noqa: SLF001 - as above
        try:
            yield
        finally:
            del engine._forward  # noqa: SLF001 - the class's own again
            Recording.call = call

    def tokens(self) -> int:
        """Return the tokens of so many whole forwards."""
        layers = self._engine.facts.n_layers
        whole = sum(ids.numel() * stop for ids, stop in self.forwards)
        again = sum(n * rows * length for (rows, length), n in self.blocks.items())
        return round((whole + again) / layers)

    def again(self) -> None:
        """Run bare forwards of the same batches."""
        import torch

        view, layers = self._engine.view, self._engine.facts.n_layers

        def bare(ids: Any, stop: int) -> None:
            view(ids, **({"stop_at_layer": stop} if stop < layers else {"logits_to_keep": 1}))

        with torch.inference_mode():
            for ids, stop in self.forwards:
                bare(ids, stop)
            for shape, calls in self.blocks.items():
                ids = torch.randint(self._engine.facts.d_vocab, shape)
                for _ in range(calls // layers):
                    bare(ids, layers)
                if calls % layers:
                    bare(ids, calls % layers)


def causal(session: Any, what: str) -> list[Row]:
    """Take every kind with its forwards in turns, and the estimate with what it estimates."""
    ran, seeds = Ran(session), itertools.count(1)
    session.scores(seed=0)  # warm

    def ours() -> Cost:
        with ran.watching():
            return timed(lambda: session.scores(causal=True, most=None, seed=next(seeds)))

    def plain() -> Cost:
        return timed(lambda: session.scores(seed=next(seeds)))

    def estimate() -> Cost:
        seconds = float(session.scores_cost().attrs["seconds"])
        return Cost(seconds, seconds)

    theirs = {"theirs": lambda: timed(ran.again)}
    calls = {"estimate": estimate, "plain": plain, "ours": ours, **theirs}
    costs = in_order(calls, ROUNDS)
    row = against(f"{what}: {ran.tokens()} tokens", costs["ours"], costs["theirs"], BAR)
    took = costs["ours"].seconds - costs["plain"].seconds
    said = costs["estimate"].seconds
    off = max(said / took, took / said)
    shown = [f"{1e3 * took:.0f}", f"said {1e3 * said:.0f}", round(off, 3), ""]
    return [row, Row(f"{what}: the estimate", shown, off, BAR)]


def in_order(calls: dict[str, Callable[[], Cost]], rounds: int) -> dict[str, Cost]:
    """Take turns in one order, for what the one runs is what the next runs again; the minima."""
    seen = [{name: call() for name, call in calls.items()} for _ in range(rounds)]
    return {
        name: Cost(min(one[name].seconds for one in seen), min(one[name].cpu for one in seen))
        for name in calls
    }


def main() -> int:
    """Measure and print."""
    import torch

    import headwidgets as hw

    torch.set_num_threads(1)
    session = hw.Session()
    rows = causal(session, "bundled model")
    session.close()
    return conclude(["scores", "ours, ms", "forwards, ms", "ratio", "ratio of a processor"], rows)


if __name__ == "__main__":
    sys.exit(main())
