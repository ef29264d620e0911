"""Saved, opened in a new process: the same state, the same frames."""

from __future__ import annotations

import json
import subprocess
import sys

import pandas as pd
import pytest

import headwidgets as hw


@pytest.fixture
def full(planted):
    """A session with something of everything."""
    planted.use(
        prompts=hw.Prompts(
            clean=["Mary took the red apple and John took the red", (5, 6, 7)],
            corrupted=["Mary took the red book and John took the red", None],
            roles={"noun": [5, 1]},
            name="fruit </script> שלום\n\x00",
        ),
        metric=hw.LogitDiff([" apple", " door"], 7),
        reference=["one text", "another"],
    )
    planted.edits = [hw.zero("0.0", at=["noun", "end"]), hw.mean("1.0"), hw.scale("0.1", 0.5)]
    planted.selection = "1.2"
    planted.notes = "looked at 1.0 · 🙂"
    planted.score("induction", draws=200)
    planted.edits = [*planted.edits, hw.zero("1.1")]
    planted.index = 1
    planted.logits()
    planted.index = 0
    planted.effect()
    return planted


READ = """
import sys, pandas as pd, headwidgets as hw
s = hw.load(sys.argv[1])
print(repr(s), s.notes, s.selection, s.index, s.metric, s.prompts, s.reference, s.edits, sep="\\n")
fresh = s.effect()
pd.testing.assert_frame_equal(fresh, s.frames["effect"], check_exact=True)
again = s.score("induction", draws=200)
pd.testing.assert_frame_equal(again, s.frames["score: induction"], check_exact=True)
s.save(sys.argv[2])
"""


def test_the_same_frames_in_a_new_process(full, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    assert full.save(first) == first
    done = subprocess.run(
        [sys.executable, "-c", READ, str(first), str(second)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for part in (full.notes, str(full.metric), repr(full.prompts), repr(full.edits)):
        assert part in done.stdout
    back = hw.load(second)
    assert set(back.frames) == set(full.frames)
    for name, frame in full.frames.items():
        pd.testing.assert_frame_equal(back.frames[name], frame, check_exact=True)
    assert back._values == full._values
    assert back.is_stale(back.frames["score: induction"]) == full.is_stale(
        full.frames["score: induction"]
    )
    back.close()


def test_numbers_are_kept_bit_for_bit(planted, tmp_path):
    odd = pd.DataFrame(
        {
            "number": [0.1 + 0.2, float("nan"), float("inf"), -0.0],
            "whole": [1, 2**62, -3, 0],
            "maybe": pd.array([1, None, 3, 4], dtype="Int64"),
            "yes": [True, False, True, True],
            "text": ["a", None, "</script>", "\x00"],
        },
        index=pd.Index(["w", "x", "y", "z"], name="key"),
    )
    planted.frames["odd"] = odd
    back = hw.load(planted.save(tmp_path / "saved"))
    pd.testing.assert_frame_equal(back.frames["odd"], odd, check_exact=True)
    assert str(back.frames["odd"]["number"].iloc[3]) == "-0.0"


def test_other_weights_are_refused(planted, tmp_path):
    from headwidgets.zoo.planted import planted as make

    path = planted.save(tmp_path / "saved")
    with pytest.raises(hw.ModelError, match=r"weights of .* are not those"):
        hw.load(path, make(beta=30.0))
    assert hw.load(path, make(beta=30.0), check_weights=False).prompt == planted.prompt
    assert hw.load(path, make()).prompt == planted.prompt


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (None, "has no session.json"),
        ("{", "is damaged"),
        (json.dumps({"version": 99}), "version 1, got 99"),
        ("[]", "version 1, got 'list'"),
    ],
)
def test_a_folder_that_is_no_saved_session(tmp_path, text, match):
    if text is not None:
        (tmp_path / "session.json").write_text(text)
    with pytest.raises(hw.InputError, match=match):
        hw.load(tmp_path)


def test_a_folder_of_something_else_is_not_overwritten(planted, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(hw.InputError, match="a new folder"):
        planted.save(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]
