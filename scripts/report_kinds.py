"""Write reports/kinds.md: what the kinds claim where the truth is known, and on a real model."""

from __future__ import annotations

import importlib
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import report
import torch
import transformers
from transformer_lens import TransformerBridge

from headwidgets.model.engine import Engine
from headwidgets.taxonomy import all_kinds, score, scores
from headwidgets.taxonomy.verdict import CANDIDATE, CONSISTENT
from headwidgets.zoo.planted import planted, planted_decoys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

STORIES = report.ROOT.parent / "shared" / "data" / "stories260k"
STORIES_TOKENS: dict[str, Any] = {"ids": range(259, 500), "length": 20}
STORY = (
    "Once upon a time, there was a little girl named Lily. She loved to play outside in the "
    "park. One day, she saw a big, red ball. She wanted to play with it, but it was too high."
)
NATIVE = {
    "n_layers": 2,
    "n_heads": 4,
    "d_model": 32,
    "d_head": 8,
    "n_ctx": 128,
    "d_vocab": 200,
    "attn_only": True,
    "normalization_type": "LN",
}
OWN = {
    "previous token": ("0.0",),
    "positional": ("0.0",),  # it looks one back, wherever it stands
    "duplicate token": ("0.1",),
    "induction": ("1.0",),
    "global retrieval": ("0.1", "1.0"),  # earlier copies, and what followed them, at any distance
}
WITH_DECOYS = OWN | {"global retrieval": ("0.1", "1.0", "1.3")}  # 1.3 looks where 1.0 does
RANDOM_SEEDS, NOISE_SEEDS = 10, 5

KNOWN_TEXT = """Score tables on random tokens, 16 rows, 999 draws, each model over several seeds
of its weights; the kinds that could be asked. "2 × 0.0" says that head 0.0 got the verdict on two
of them. The planted heads must be "consistent with" their kind on every seed and nobody else on
any; the decoy 1.3 shares the induction head's attention and copies nothing, so of that it may be a
candidate and no more. "p" is the largest of the claimed heads, or else the least of any head.
"""
REAL_TEXT = """stories260k, a Llama with grouped queries that nobody here trained, on random tokens
with ids 259 to 499 (16 × 2 × 20) and on the beginning of a story. It has no induction head.
"""


@dataclass(frozen=True)
class Model:
    """A model whose heads are known, over some seeds; no `heads`: nothing may be claimed."""

    name: str
    builds: Sequence[Callable[[], Any]]
    heads: dict[str, tuple[str, ...]] = field(default_factory=dict)


def native(seed: int, size: float) -> Any:
    """Build an attention-only model of random weights, 2 layers of 4 heads."""
    bridge = TransformerBridge.boot_native(NATIVE)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in bridge.original_model.parameters():
            weight.copy_(size * torch.randn(weight.shape, generator=generator))
    return bridge.eval()


def models(folder: Path) -> list[Model]:
    """List the models whose heads are known."""
    shaped = importlib.import_module("shaped").shaped
    noisy = {"noise": 0.05}
    out = [
        Model("planted", [planted], OWN),
        Model("planted, 5 % noise", _seeds(planted, NOISE_SEEDS, **noisy), OWN),
        Model("planted and decoys", [planted_decoys], WITH_DECOYS),
        Model(
            "planted and decoys, 5 % noise",
            _seeds(planted_decoys, NOISE_SEEDS, **noisy),
            WITH_DECOYS,
        ),
        Model("planted, β = 0: nothing planted", [partial(planted, beta=0.0)]),
    ]
    for size in (0.3, 1.0):
        name = f"random weights of size {size:g}, 2 × 4 heads"
        out.append(Model(name, _seeds(native, RANDOM_SEEDS, size=size)))
    for name in ("gpt2", "llama", "gemma2"):
        builds = [partial(shaped, name, folder / str(s), seed=s) for s in range(2)]
        out.append(Model(f"random weights, {name}, 3 × 4 heads", builds))
    return out


def _seeds(build: Callable[..., Any], n: int, **options: Any) -> list[Callable[[], Any]]:
    return [partial(build, seed=seed, **options) for seed in range(n)]


def judge(model: Model) -> Iterator[tuple[object, ...]]:
    """Score every seed of a model; yield a row a kind, with "kept" or "MISSED" at its end."""
    tables = [scores(Engine(build(), name=model.name), causal=True) for build in model.builds]
    for kind in all_kinds():
        mine = [table[table["kind"] == kind.name] for table in tables]
        if kind.name not in model.heads and all(table["score"].isna().all() for table in mine):
            continue
        claims = [_heads(table, CONSISTENT) for table in mine]
        wanted = list(model.heads.get(kind.name, ()))
        p = [
            table.loc[table["verdict"] == CONSISTENT, "p"].max() if claimed else table["p"].min()
            for table, claimed in zip(mine, claims, strict=True)
        ]
        yield (
            model.name,
            len(mine),
            kind.name,
            ", ".join(wanted) or "nothing",
            _count(claims),
            _count([_heads(table, CANDIDATE) for table in mine]),
            _range([float(table["score"].max()) for table in mine]),
            f"{max(p) if any(claims) else min(p):.3g}",
            "kept" if all(claimed == wanted for claimed in claims) else "MISSED",
        )


def real() -> Iterator[tuple[object, ...]]:
    """Score stories260k; yield a row a kind and a kind of rows."""
    engine = Engine.open(str(STORIES))
    story = [engine.text.encode(STORY)]
    for kind in all_kinds():
        on_random = score(engine, kind, text=story, **STORIES_TOKENS)
        for table in (on_random, score(engine, kind, on=story)):
            if table["score"].isna().all():
                continue
            top = table.sort_values("score", ascending=False).head(4)
            first = [f"{a}.{b} ({s:.3f})" for a, b, s in _named(top)]
            claimed = _heads(table, CONSISTENT)
            kept = not (kind.name == "induction" and claimed)
            if kind.name == "previous token":
                kept = first[0].startswith("3.6 (0.7" if table is on_random else "1.3 ")
                kept = kept and "they differ" in on_random.attrs["agreement"]
            yield (
                kind.name,
                table.attrs["measured_on"],
                ", ".join(first),
                ", ".join(claimed) or "nothing",
                ", ".join(_heads(table, CANDIDATE)) or "nothing",
                "kept" if kept else "MISSED",
            )


def _named(table: Any) -> Iterator[tuple[int, int, float]]:
    yield from zip(table["layer"], table["head"], table["score"], strict=True)


def _heads(table: Any, verdict: str) -> list[str]:
    return [f"{a}.{b}" for a, b, _ in _named(table[table["verdict"] == verdict])]


def _count(found: list[list[str]]) -> str:
    counted = Counter(head for heads in found for head in heads)
    return ", ".join(f"{n} × {head}" for head, n in sorted(counted.items())) or "nothing"


def _range(values: list[float]) -> str:
    low, high = f"{min(values):.3f}", f"{max(values):.3f}"
    return low if low == high else f"{low} to {high}"


def main() -> int:
    """Score, write, and fail where a claim is wrong."""
    torch.set_num_threads(1)
    logging: Any = transformers.utils.logging
    logging.disable_progress_bar()
    sys.path.insert(0, str(report.ROOT / "tests"))
    with tempfile.TemporaryDirectory() as name:
        known = [row for model in models(Path(name)) for row in judge(model)]
    columns = ["model", "seeds", "kind", "planted", CONSISTENT, CANDIDATE, "highest score", "p"]
    body = f"{KNOWN_TEXT}\n{report.table([*columns, 'outcome'], known)}\n## A real model\n\n"
    rows: list[tuple[object, ...]] = []
    if STORIES.is_dir():
        rows = list(real())
        columns = ["kind", "measured on", "first four", CONSISTENT, CANDIDATE, "outcome"]
        body += f"{REAL_TEXT}\n{report.table(columns, rows)}"
    else:
        body += "Not run: the folder of stories260k is not there; it is not part of the project.\n"
    report.write("kinds", "The kinds where the truth is known", body)
    missed = [row for row in (*known, *rows) if row[-1] == "MISSED"]
    for row in missed:
        print(f"missed: {row}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
