"""Train the finished runs: ``python -m headwidgets.labs.emergence.recipe [NAME ...] [--long]``."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import torch

from headwidgets.errors import HeadwidgetsError
from headwidgets.labs.emergence.finished import FOLDER, ship
from headwidgets.labs.emergence.recipe.settings import SETTINGS, Setting
from headwidgets.labs.emergence.storage import load_run, save_run

_SAVED = 2_000  # steps between two states that are kept


def main(argv: list[str] | None = None) -> int:
    """Read the command line, train what is asked for, one run after the other."""
    asked = _parser().parse_args(argv)
    torch.set_num_threads(asked.threads)
    wrong = [name for name in asked.names if name not in SETTINGS]
    if wrong:
        say(f"error: expected runs among {', '.join(SETTINGS)}, got {wrong[0]!r}")
        return 2
    chosen = asked.names or [n for n, one in SETTINGS.items() if asked.long or not one.long]
    for name in chosen:
        try:
            _make(name, SETTINGS[name], asked)
        except KeyboardInterrupt:
            say(f"stopped; the same command goes on with {name!r}")
            return 130
        except HeadwidgetsError as error:
            say(f"error: {error}")
            return 1
    return 0


def _make(name: str, setting: Setting, asked: argparse.Namespace) -> None:
    """Train one run, from where it stands, and write what is kept of it."""
    file = f"{name.replace(' ', '-')}.safetensors"
    target, state = asked.out / file, asked.state / file
    if target.exists() and not asked.again:
        say(f"{name}: there; --again trains it anew")
        return
    began, made = time.monotonic(), setting.prepare(asked.sequences)
    if state.exists():
        kept = load_run(state)
        if kept.plan == made.plan:
            made = kept
            say(f"{name}: goes on at step {made.step}")
    while made.step < made.plan.steps:
        made.advance(_SAVED)
        save_run(made, state)
        say(f"{name}: step {made.step} of {made.plan.steps}, {time.monotonic() - began:.0f} s")
    ship(made, target, setting.weights)
    state.unlink(missing_ok=True)
    say(f"{name}: written, {target.stat().st_size / 1e3:.0f} kB")


def say(text: str) -> None:
    """Write a line."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m headwidgets.labs.emergence.recipe",
        description="Train the finished runs of the emergence lab; what was stopped goes on.",
    )
    add = parser.add_argument
    add("names", nargs="*", help=f"runs: {', '.join(SETTINGS)}; none: all that are not long")
    add("--long", action="store_true", help="those at the paper's rate too, an hour and a half")
    add("--again", action="store_true", help="also those that are there")
    add("--out", type=Path, default=FOLDER, help="folder of what is kept")
    add("--state", type=Path, default=Path(".recipe/emergence"), help="folder of states")
    add("--sequences", type=int, help="stop each run after as many")
    add("--threads", type=int, default=1)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
