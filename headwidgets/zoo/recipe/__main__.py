"""Train the bundled model: ``python -m headwidgets.zoo.recipe --out DIR [--export]``."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import transformers

from headwidgets.errors import InputError
from headwidgets.zoo.recipe import store
from headwidgets.zoo.recipe.shape import Shape
from headwidgets.zoo.recipe.train import SAVED, begin, keep, say, train
from headwidgets.zoo.shipped import FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable


def main(argv: list[str] | None = None) -> int:
    """Read the command line, train, export."""
    asked = _parser().parse_args(argv)
    logging: Any = transformers.utils.logging
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(asked.threads)
    shape = Shape(**{f.name: getattr(asked, f.name) for f in fields(Shape)})
    plan = store.Plan(
        shape=shape, steps=asked.steps, rows=asked.rows, seed=asked.seed, rate=asked.rate
    )
    try:
        run = begin(asked.out, plan, device=asked.device, resume=asked.resume, start=asked.start)
    except InputError as error:
        say(f"error: {error}")
        return 2
    weights = sum(p.numel() for p in run.model.parameters())
    say(
        f"{weights / 1e6:.2f} million weights, {2 * weights / 1e6:.1f} MB in float16, "
        f"{len(run.tokenizer)} tokens, {len(run.source.tasks)} tasks"
    )
    try:
        train(run)
    except KeyboardInterrupt:
        say(f"stopped; the state of up to {SAVED} steps ago is kept: go on with --resume")
        return 130
    if asked.export:
        keep(run, asked.export)
        say(f"written: {asked.export}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m headwidgets.zoo.recipe",
        description="Train a model on the tasks, from nothing or from weights; it can be resumed.",
    )
    add = parser.add_argument
    add("--out", type=Path, required=True, help="folder of the run: state, log, checkpoints")
    add("--steps", type=_from(1), default=6_000)
    add("--rows", type=_from(1), default=64, help="prompts in a step")
    add("--rate", type=_from(1e-6, float), default=2e-3, help="highest learning rate")
    add("--seed", type=_from(0), default=0)
    add("--threads", type=_from(1), default=2)
    add("--device", default="cpu", help="cpu or cuda")
    add("--resume", action="store_true", help="go on with the run in --out")
    add("--start", type=Path, help="folder of a trained model to begin with; default: nothing")
    add("--export", type=Path, nargs="?", const=FOLDER, help="write the model here when it is done")
    for size in fields(Shape):
        kind = str if isinstance(size.default, str) else _from(1)
        add(f"--{size.name.replace('_', '-')}", type=kind, default=size.default)
    return parser


def _from(least: float, kind: type[int | float] = int) -> Callable[[str], float]:
    """Return what reads a number of the command line, of a kind and not below the least."""

    def read(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = kind(-1)
        if least <= value < float("inf"):
            return value
        number = "a whole number" if kind is int else "a number"
        message = f"expected {number} from {least}, got {text!r}"
        raise argparse.ArgumentTypeError(message)

    return read


if __name__ == "__main__":
    raise SystemExit(main())
