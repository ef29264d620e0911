"""CONTRIBUTING.md adds a kind of head as it says: one function, one test, nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

import headwidgets as hw
from headwidgets.taxonomy import registry, score

TEXT = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def test_a_kind_is_one_function_and_its_planted_test(monkeypatch):
    before = set(hw.kinds()["name"])
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    space = {"np": np, "score": score}
    for block in BLOCKS:
        exec(compile(block, "CONTRIBUTING.md", "exec"), space)  # noqa: S102 - our own document
    assert set(hw.kinds()["name"]) - before == {"two back"}
    space["test_two_back"]()
    whole = hw.kinds().set_index("name").loc["two back"]
    assert whole["stage"] == "in-context identification"
