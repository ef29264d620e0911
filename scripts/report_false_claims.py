"""Write reports/false_claims.md: what the kinds claim where nothing of them can be."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import report
import torch
import transformers

from headwidgets.taxonomy import all_kinds

if TYPE_CHECKING:
    from collections.abc import Sequence

AT_ONCE = 5
"""Seeds that one process takes at a time."""
COLUMNS = ["kind", "gate open", "measured", "models with a claim", "heads claimed", "unproved"]
TEXT = """How often a kind is "consistent with" a head where it must not be. The bars: at most 5 %
of the models with any claim, at most 1 % of the heads. All is as in `s.scores()`, but the gate of
the tasks is off: a model that is at chance is asked all the same. "Gate open" says in how many
models the kind would have been asked at all. "Measured": a kind may still have no number, for want
of a lead to have a share of, say. A kind that asks for a proof gets it, `s.confirm`, for every head
that lacks nothing else, corrected for their number by Holm; "unproved" counts those that failed.
"""
RANDOM = """## Random models

{shapes}: 3 layers of 4 heads, d_model 64, random weights, {seeds} seeds each; the tokenizer and the
vocabulary of the bundled model. Every second one has weights twice as large, so that its attention
is sharp.
"""
NOTHING = """## Nothing planted

The planted model at β = 0, where all heads attend alike and write nothing: as it is, then with 5 %
noise on all weights, {seeds} in all. Its tokenizer spells few of the tasks.
"""
PERMUTED = """## The bundled model, permuted answers

{seeds} permutations, in the score and in the proof. Over the prompts of a task go answer, foil and
options; in "ioi" the two names are exchanged in half of the prompts; in "rare words" any noun is
the rare one, in "parity" any input the next one, in "acronyms" the words change places, in "key
value" the values (an episode of retrieval is a prompt whose answer the model says itself: permuted
over prompts, those would be the ones that got their own by accident), and in "syntactic arcs"
subject and noun between stand where they do in another sentence. Kinds that go by
no answer are left out, for what they claim is no less true: {left}.
"""


def populations() -> list[dict[str, Any]]:
    """Count every population, a few seeds at a time, on all processors; for `report.once`."""
    claims = load()
    names = {**dict.fromkeys(claims.SHAPES, "random"), "nothing": "nothing", "permuted": "permuted"}
    parts = [(model, seeds) for model in names for seeds in batched(claims.SEEDS)]
    found: dict[str, list[Any]] = {name: [] for name in names.values()}
    with ProcessPoolExecutor(processors(), get_context("spawn")) as pool:
        for (model, seeds), counts in zip(
            parts, pool.map(count, *zip(*parts, strict=True)), strict=True
        ):
            found[names[model]].append([claims.Count(**one) for one in counts])
            print(f"{model}, seeds {seeds[0]} to {seeds[-1]}", flush=True)
    return [
        {"name": name, "counts": [one.plain() for one in claims.added(some)]}
        for name, some in found.items()
    ]


def processors() -> int:
    """Return how many this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def batched(seeds: int) -> list[range]:
    """Return the seeds in ranges of a few."""
    return [range(at, min(at + AT_ONCE, seeds)) for at in range(0, seeds, AT_ONCE)]


def count(model: str, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Count some models of one population, in a process of its own."""
    claims = load()
    if model == "nothing":
        found = claims.counts(claims.nothing_planted(seeds))
    elif model == "permuted":
        found = claims.counts(claims.permuted_answers(seeds), claims.BY_ANSWER)
    else:
        found = claims.counts(claims.random_models(model, seeds))
    return [one.plain() for one in found]


def load() -> Any:
    """Import what judges models from the tests."""
    torch.set_num_threads(1)
    logging: Any = transformers.utils.logging
    logging.disable_progress_bar()
    for folder in ("tests", "tests/taxonomy"):
        path = str(report.ROOT / folder)
        if path not in sys.path:
            sys.path.insert(0, path)
    return import_module("claims")


def line(one: Any) -> tuple[object, ...]:
    """Lay out one kind over some models."""
    share = f"{one.claimed / one.heads:.1%}" if one.heads else "–"
    return (
        one.kind,
        f"{one.open} of {one.models}",
        one.asked,
        one.some,
        f"{one.claimed} of {one.heads} ({share})",
        one.unproved or "none",
        "kept" if one.kept else "BROKEN",
    )


def body(found: dict[str, Sequence[Any]], claims: Any) -> str:
    """Return the report's text and tables."""
    shapes = ", ".join(claims.SHAPES[:-1]) + f" and {claims.SHAPES[-1]}"
    left = [kind.name for kind in all_kinds() if kind.name in claims.PLANTS]
    left = [kind for kind in left if kind not in claims.BY_ANSWER]
    words = {"shapes": shapes, "seeds": claims.SEEDS, "left": ", ".join(left)}
    parts = [TEXT]
    for name, text in (("random", RANDOM), ("nothing", NOTHING), ("permuted", PERMUTED)):
        table = report.table([*COLUMNS, "outcome"], map(line, found[name]))
        parts += [text.format(**words), table]
    return "\n".join(parts)


def main() -> int:
    """Count, write, and fail where a bar is broken."""
    claims = load()
    kept = report.once("false_claims", populations)
    found: dict[str, Sequence[Any]] = {
        str(part["name"]): [claims.Count(**one) for one in part["counts"]] for part in kept
    }
    report.write("false_claims", "What is claimed where nothing is", body(found, claims))
    broken = [(name, one) for name, some in found.items() for one in some if not one.kept]
    for name, one in broken:
        print(f"broken: {name}: {one}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
