"""Copied code of a discovery method gives the frame's numbers, row by row."""

from __future__ import annotations

import numpy as np
import pytest
from copied import agree

import headwidgets as hw
from headwidgets.errors import InputError

CLEAN = ["Mary took the red apple and John took the red", "Tom saw a blue door and Anna saw a blue"]
CORRUPTED = [
    "Mary took the red book and John took the red",
    "Tom saw a blue key and Anna saw a blue",
]
ANSWERS = {"answer": [" apple", " door"], "foil": [" book", " key"]}
SHAPES = ("gpt2", "llama", "gemma2", "neox")
WHERE_PARALLEL_MATTERS = ("zero", "frozen", "effects", "components", "lens", "slopes")


def every(s):
    """One frame of each family, with heads, layers and places that the shapes all have."""
    yield "sweep", s.sweep("patch")
    yield "noise", s.sweep("patch", direction="noise", at="end", heads=["0.1", "2.3"])
    yield "zero", s.sweep("zero", over="heads x positions", heads=["1.2"])
    yield "mean", s.sweep("mean", at=[-1, 2], heads=["0.0", "2.1"])
    yield "resample", s.sweep("resample", seed=3, heads=["1.0", "2.2"])
    yield "stream", s.sweep("patch", over="positions x layers")
    yield "paths", s.paths(["2.1.q", "2.2.k", "1.0.v"], senders=["0.0", "1.3", "2.0"])
    yield "frozen", s.paths(mlps="frozen", at="end", senders=["0.2", "2.1"], direction="denoise")
    yield "edges", s.edges(["0.1", "1.2"], ["logits", "2.3.v"], kind="mean")
    yield "effects", s.head_effects(["0.1", "2.2"])
    yield "components", s.attribution()
    yield "sources", s.attribution("source token", at=2, heads=["2.3", "0.1"])
    yield "lens", s.logit_lens(k=3)
    yield "heads lens", s.logit_lens("head", k=2, at=3)
    yield "slopes", s.attribution_patching()
    yield "slopes by place", s.attribution_patching("heads x positions", "noise")


@pytest.fixture(scope="module", params=SHAPES)
def shape(request, shaped_folders):
    """A session on a random model's folder."""
    session = hw.Session(str(shaped_folders(request.param, tokenizer=request.param == "llama")))
    draw = np.random.default_rng(0)
    clean = draw.integers(10, 200, (2, 7))
    corrupted = clean.copy()
    corrupted[:, 3:] = draw.integers(10, 200, (2, 4))
    session.use(
        hw.Prompts(clean=clean.tolist(), corrupted=corrupted.tolist()), hw.LogitDiff(7, [8, 9])
    )
    if request.param != "gpt2":  # there: the shuffles of the prompts themselves
        session.reference = hw.Prompts(clean=[*clean.tolist(), corrupted[0, 1:].tolist()])
    yield session
    session.close()


def test_every_method_on_every_shape(shape):
    parallel = shape.facts.parallel
    for name, frame in every(shape):
        if parallel and name not in WHERE_PARALLEL_MATTERS:
            continue
        try:
            agree(shape, frame)
        except BaseException as error:
            error.add_note(name)
            raise


METRICS = {
    "probability": hw.Prob(),
    "log-probability": hw.LogProb([" apple", " door"]),
    "rank": hw.Rank(),
    "KL": hw.KL(),
    "default": None,
}


@pytest.mark.parametrize("name", METRICS)
def test_every_metric(planted, name):
    metric = METRICS[name]
    answers = {} if metric is None else ANSWERS
    planted.use(hw.Prompts(clean=CLEAN, corrupted=CORRUPTED, **answers), metric)
    agree(planted, planted.sweep("patch", heads=["0.0", "1.0"]))
    if name == "KL":
        agree(planted, planted.head_effects(["1.0"], kind="zero"))
        agree(planted, planted.logit_lens())
        agree(planted, planted.attribution_patching())
    if name == "probability":
        given = planted.sweep("patch", heads=["1.0"], metric=hw.LogitDiff(" apple", " book"))
        assert given.attrs["unit"] == "logits"
        agree(planted, given)
        agree(planted, planted.edges(["0.0"], "1.0.k", metric=hw.LogProb()))


def test_prompts_of_several_lengths(planted):
    sets = hw.Prompts(
        clean=[CLEAN[0], "the red apple and the red", "Tom took the red apple and the red"],
        corrupted=[CORRUPTED[0], "the red book and the red", "Tom took the red book and the red"],
        answer=[" apple"] * 3,
        foil=[" book"] * 3,
        roles={"it": [5, 3, 5], "</script>\n": [1, 1, 1]},
    )
    planted.use(sets, reference=hw.Prompts(clean=CLEAN, roles={"it": [5, 5]}))
    frame = planted.sweep("mean", over="heads x positions")
    assert list(frame["position"][:3]) == ["</script>\n", "it", "end"]
    agree(planted, frame)
    agree(planted, planted.sweep("patch", over="positions x layers"))
    denoise = planted.sweep("patch", at=["end", "</script>\n"])
    assert np.isfinite(denoise["normalised"]).all()
    agree(planted, denoise)
    agree(planted, planted.paths("1.0.k", at="it"))
    agree(planted, planted.attribution("source token"))
    agree(planted, planted.attribution(at="end"))
    agree(planted, planted.head_effects(kind="mean", at="end"))
    agree(planted, planted.attribution_patching("heads x positions"))


HOSTILE = ["</script> ' \" '''", "\u202e\u2028 {x} \\", "a\nraise SystemExit"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text(planted, text):
    clean, corrupted = (f"{text} red {word} and the red" for word in ("apple", "book"))
    prompts = hw.Prompts(clean=[clean], corrupted=[corrupted], roles={text: [1]})
    planted.use(prompts, hw.LogitDiff(" apple", " book"))
    agree(planted, planted.sweep("zero", at=[text, "end"]))
    agree(planted, planted.logit_lens(at=text, k=2), least=-1)


def test_a_bridge_that_is_held_and_a_saved_session(planted_bridge, tmp_path):
    session = hw.Session(planted_bridge)
    session.use(hw.Prompts(clean=CLEAN, corrupted=CORRUPTED, **ANSWERS))
    frame = session.sweep("patch")
    agree(session, frame, planted_bridge)
    agree(session, frame.sort_values("effect").sort_index(), planted_bridge)
    assert session.as_python("sweep: patch") == session.as_python(frame)
    session.save(tmp_path / "kept")
    again = hw.load(tmp_path / "kept", model=planted_bridge)
    agree(again, again.frames["sweep: patch"], planted_bridge)
    for one in (session, again):
        one.close()


CHANGES = {
    "some rows": lambda frame: frame.head(3),
    "a part": lambda frame: frame[frame["layer"] == 1],
    "sorted": lambda frame: frame.sort_values("effect"),
    "sorted and counted anew": lambda frame: frame.sort_values("effect", ignore_index=True),
    "a number": lambda frame: frame.assign(effect=frame["effect"] + 1),
    "a name": lambda frame: frame.rename(columns={"effect": "se", "se": "effect"}),
    "one column": lambda frame: frame["effect"],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_frame_of_other_rows_is_refused(planted, tmp_path, change):
    planted.use(hw.Prompts(clean=CLEAN, corrupted=CORRUPTED, **ANSWERS))
    frame = planted.sweep("patch")
    code = planted.as_python(frame.copy())
    later = planted.sweep("patch", heads=["0.0"])  # of the same name, in its place
    assert planted.as_python(frame) == code != planted.as_python(later)
    with pytest.raises(InputError, match=r"other rows, .*, than the one that was measured"):
        planted.as_python(change(frame))
    planted.frames["sweep: patch"] = frame
    planted.save(tmp_path / "kept")
    again = hw.load(tmp_path / "kept")
    assert again.as_python("sweep: patch") == code
    with pytest.raises(InputError, match=r"give s\.frames\[\.\.\.\] or the frame as it came"):
        again.as_python(change(again.frames["sweep: patch"]))
    again.close()


def test_a_lens_is_of_the_prompt_on_screen(planted):
    planted.use(hw.Prompts(clean=CLEAN, corrupted=CORRUPTED, **ANSWERS))
    frames = [planted.logit_lens(k=2), planted.logit_lens("head", k=2)]
    effects = planted.attribution()
    planted.index = 1
    assert not planted.is_stale(effects)
    for frame, shown in zip(frames, ("top", "promoted"), strict=True):
        assert planted.is_stale(frame)
        again = planted.logit_lens(frame.attrs["lens"], k=2)
        assert again[shown].tolist() != frame[shown].tolist()
        assert not planted.is_stale(again)


def test_what_is_no_frame_of_this_session_is_refused(planted, planted_bridge):
    planted.use(hw.Prompts(clean=CLEAN, corrupted=CORRUPTED, **ANSWERS))
    other = hw.Session(planted_bridge)
    other.use(hw.Prompts(clean=CLEAN, corrupted=CORRUPTED, **ANSWERS))
    frame = planted.sweep("zero", heads=["0.0"])
    with pytest.raises(InputError, match="another session"):
        other.as_python(frame)
    with pytest.raises(InputError, match=r"one of s\.sweep, .* returned"):
        planted.as_python(planted.effect())
    with pytest.raises(InputError, match="got list"):
        planted.as_python([frame])
    with pytest.raises(InputError, match=r"the name of a frame in s\.frames, got 'sweep'"):
        planted.as_python("sweep")
    partial = frame.copy()
    partial.attrs["incomplete"] = "stopped: 1 of 2 edits done"
    with pytest.raises(InputError, match="stopped: 1 of 2"):
        planted.as_python(partial)
    planted.edits = [hw.zero("0.1")]  # put aside by a sweep: its frame holds
    agree(planted, frame)
    planted.prompt = CLEAN[1]
    with pytest.raises(InputError, match=r"of revision \d+, .* measure it again"):
        planted.as_python(frame)
    other.close()
