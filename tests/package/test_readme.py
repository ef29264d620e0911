"""What the README promises is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_cell_runs_as_it_stands():
    (cell,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names = {}
    exec(cell, names)  # noqa: S102 - the cell is ours
    session = names["s"]
    try:
        frame = session.logits(k=5)
        assert len(frame) >= 5
        assert (frame["clean"] != frame["edited"]).any()
    finally:
        session.close()


def test_every_link_and_command_exists():
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target).exists(), target
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in re.findall(r"make (\w+)", README):
        assert re.search(rf"^{command}:", makefile, flags=re.MULTILINE), command
