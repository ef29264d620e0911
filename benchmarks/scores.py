"""Every kind of head scored, beside the forwards that it needs.

`s.scores` draws new prompts in every round; the peer runs the same batches of token ids through
the bridge and nothing else: no hook, logits of the last position. On random weights of GPT-2
small's shape (with the bundled model's tokenizer, which spells the tasks) the model is at chance
and many kinds would end after their first forwards: they are measured once as they are, and once
with the gate of the tasks off, so that every kind does all its work. On the bundled model, which
knows the tasks, the forwards are so small that the arithmetic of nulls and names shows: for
information.

``s.scores(causal=True)`` runs most of its copies from the block on in which they begin to differ.
Its peer runs bare forwards of batches of those sizes, as many as the blocks make up that were run
(a copy from the third of five blocks on is three fifths of a forward), and the whole forwards
besides. `s.scores_cost` is set against what the kinds that it counts added to ``s.scores()``.
``python benchmarks/scores.py causal`` measures these only.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections import Counter
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _bench import Cost, Row, against, conclude, take_turns, timed
from _models import random_bridge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROUNDS = 3
BAR, MOST_SECONDS = 1.5, 60.0


def gpt2_shaped() -> Any:
    """Open random weights of GPT-2 small's shape with a tokenizer that spells the tasks."""
    import transformers

    import headwidgets as hw
    from headwidgets.model.text import Text
    from headwidgets.zoo.shipped import FOLDER

    session = hw.Session(random_bridge("GPT2Config", bos_token_id=0, vocab_size=50_257))
    # A tokenizer of far fewer tokens than the model has is none to a session: handed over.
    session.engine.text = Text.of(transformers.AutoTokenizer.from_pretrained(FOLDER))
    return session


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


def compared(session: Any, what: str, bar: float | None) -> Row:
    """Take `s.scores` and its own forwards in turns."""
    import torch

    ran: list[Any] = []
    seeds = itertools.count(1)
    engine = session.engine
    forward = engine._forward  # noqa: SLF001 - what is run is what is to be run again

    def note(ids: Any, bound: Any, options: dict[str, Any]) -> Any:
        if "stop_at_layer" not in options:
            ran.append(ids)
        return forward(ids, bound, options)

    def ours() -> Cost:
        ran.clear()
        engine._forward = note  # noqa: SLF001 - as above
        try:
            return timed(lambda: session.scores(seed=next(seeds)))
        finally:
            del engine._forward  # noqa: SLF001 - the class's own again

    def theirs() -> Cost:
        def run() -> None:
            with torch.inference_mode():
                for ids in ran:
                    engine.view(ids, logits_to_keep=1)

        return timed(run)

    ran.extend([torch.zeros(1, 4, dtype=torch.long)])
    costs = take_turns({"ours": ours, "theirs": theirs}, ROUNDS)
    sizes = f"{sum(ids.shape[0] for ids in ran)} prompts, {sum(ids.numel() for ids in ran)} tokens"
    return against(f"{what}: {sizes}", costs["ours"], costs["theirs"], bar)


def seconds(session: Any, what: str, bar: float) -> Row:
    """Time it once more on two threads."""
    import torch

    torch.set_num_threads(2)
    took = min(timed(partial(session.scores, seed=seed)).seconds for seed in (90, 91))
    torch.set_num_threads(1)
    return Row(f"{what}, two threads", [f"{took:.1f} s", "", "", ""], took, bar)


def main(only: str | None = None) -> int:
    """Measure and print; `only`: those that intervene."""
    import torch

    import headwidgets as hw

    columns = ["scores", "ours, ms", "forwards, ms", "ratio", "ratio of a processor"]
    torch.set_num_threads(1)
    small = hw.Session()
    rows = causal(small, "bundled model, causal")
    if only == "causal":
        return conclude(columns, rows)

    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "taxonomy"))
    gates: Any = import_module("gates")
    large = gpt2_shaped()
    rows += [compared(large, "GPT-2 shape", BAR), seconds(large, "GPT-2 shape", MOST_SECONDS)]
    with gates.gates_off():
        rows.append(compared(large, "GPT-2 shape, gates off", BAR))
        rows.append(seconds(large, "GPT-2 shape, gates off", MOST_SECONDS))
    large.close()
    rows.append(compared(small, "bundled model", None))
    small.close()
    return conclude(columns, rows)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
