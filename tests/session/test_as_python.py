"""Copied code gives the session's numbers, whatever the prompt is made of."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import headwidgets as hw

CLEAN = ["Mary took the red apple and John took the red", "Tom saw a blue door and Anna saw a blue"]
CORRUPTED = [
    "Mary took the red book and John took the red",
    "Tom saw a blue key and Anna saw a blue",
]
HOSTILE = [
    "</script><script>alert(1)</script>",
    "quotes ' \" ''' \"\"\" and \\ \\n \\",
    "two\nlines\r\nand\ttabs",
    "\u202egnirts\u202c \u05e9\u05dc\u05d5\u05dd",
    "a\x00b",
    "<!-- {x} {{y}} %s <bos>",
    "\ud7ff\u2028\u2029\ufeff",
]


def copied(session, bridge=None):
    """Run the code that a session writes; return what it leaves."""
    code = session.as_python()
    assert code.isprintable() or all(c.isprintable() or c == "\n" for c in code)
    assert "</" not in code
    names = {}
    if bridge is not None:
        lines = code.splitlines()
        held = [line for line in lines if line.startswith("bridge = ...")]
        assert len(held) == 1
        code = code.replace(held[0], "")
        names["bridge"] = bridge
    with torch.random.fork_rng():
        exec(compile(code, "copied.py", "exec"), names)  # noqa: S102 - to run it is the test
    return names


def agree(session, names):
    """Whether logits and metric are the session's own.

    The normalised effect divides by the gap between clean and corrupted: what either run may be
    off counts in it as often as the gap and the effect say.
    """
    effect = session.effect()
    values = effect["value"]
    for run, value in names["metric"].items():
        within = 1e-5
        if run == "normalised":
            gap = abs(values["clean"] - values["corrupted"])
            within *= max(1.0, 2 * (1 + abs(value)) / gap) if gap else 1.0
        assert value == pytest.approx(values[run], abs=within, nan_ok=True), run
    frame = session.compare(20)
    for run in ("clean", "corrupted", "edited"):
        there = names[f"{run}_logits"][session.index]
        if there is not None:
            ours = frame[run].to_numpy()
            assert np.abs(there[frame.index.to_list()].numpy() - ours).max() <= 1e-5


EDITS = {
    "none": [],
    "zero and scale": [hw.zero("0.1"), hw.scale("1.0", 0.3, at="end")],
    "mean": [hw.mean("1.0"), hw.mean("0.0", at=[2, "end"])],
    "patch": [hw.patch("0.0", at=6), hw.patch("1.0")],
    "denoise": [hw.patch("1.0", into="corrupted"), hw.scale("1.0", 0.5)],
}


@pytest.mark.parametrize("edits", EDITS.values(), ids=EDITS)
def test_on_the_planted_model_as_a_bridge_that_is_held(planted_bridge, edits, capsys):
    session = hw.Session(planted_bridge)
    answers = {"answer": [" apple", " door"], "foil": [" book", " key"]}
    session.prompts = hw.Prompts(clean=CLEAN, corrupted=CORRUPTED, **answers)
    session.edits = edits
    agree(session, copied(session, planted_bridge))
    assert "normalised" in capsys.readouterr().out
    session.close()


def test_roles_a_reference_and_lengths_that_differ(planted):
    planted.prompts = hw.Prompts(
        clean=[CLEAN[0], "the red apple and the red"],
        corrupted=[CORRUPTED[0], None],
        answer=[" apple", " apple"],
        foil=[" book", " book"],
        roles={"it": [5, 3]},
    )
    planted.reference = hw.Prompts(
        clean=["Tom saw a red book and John", CLEAN[1], "Anna took a key"],
        roles={"it": [5, 5, None]},
    )
    planted.edits = [hw.mean("0.0"), hw.scale("1.0", 0.7, at="it"), hw.zero("0.1", at="end")]
    agree(planted, copied(planted))


def test_the_default_metric_and_token_ids(planted):
    planted.prompt = (0, 5, 17, 99, 5, 17)
    planted.edits = [hw.zero("0.0")]
    names = copied(planted)
    assert names["clean"] == [[0, 5, 17, 99, 5, 17]]
    assert "text" not in planted.as_python().split("def activation")[0].split("clean =")[1][:30]
    agree(planted, names)


def along(n, name="up"):
    return hw.Direction(np.random.default_rng(n).normal(size=n), "resid 1", name)


NEW_EDITS = {
    "resample": lambda d, h: [hw.resample("0.1", seed=1), hw.resample("1.0", at="end")],
    "add": lambda d, h: [hw.add("resid 1", d, 2.5), hw.add("0.1", h, -1, at=[2, "end"])],
    "the last stream": lambda d, h: [hw.add("resid 2", d, 0.5, at="end"), hw.scale("resid 2", 0.9)],
    "subtract": lambda d, h: [hw.subtract("resid 1", d), hw.subtract("1.0", h, at=3)],
    "subtract to the mean": lambda d, h: [hw.subtract("resid 0", d, to="mean"), hw.mean("0.1")],
    "subtract to the other": lambda d, h: [
        hw.subtract("resid 1", d, to="patch", into="corrupted", at="end"),
        hw.patch("1.0", into="corrupted"),
        hw.resample("0.0"),
    ],
    "keep": lambda d, h: [hw.keep("0.0", "1.0"), hw.scale("1.0", 0.5)],
    "keep at": lambda d, h: [hw.keep("0.0", at=[2, "end"]), hw.add("0.0", h)],
}


@pytest.mark.parametrize("edits", NEW_EDITS.values(), ids=NEW_EDITS)
def test_edits_of_the_stream_and_along_directions(planted, edits):
    answers = {"answer": [" apple", " door"], "foil": [" book", " key"]}
    planted.prompts = hw.Prompts(clean=CLEAN, corrupted=CORRUPTED, **answers)
    facts = planted.facts
    before = planted.effect()["value"]["clean"]
    planted.edits = edits(along(facts.d_model, "a\nraise SystemExit"), along(facts.d_head))
    names = copied(planted)
    agree(planted, names)
    assert abs(names["metric"]["edited"] - before) > 1e-3


@pytest.mark.parametrize(
    "metric",
    [
        hw.LogitDiff(),
        hw.Prob(),
        hw.Prob([" apple", " door", " apple"]),
        hw.LogProb(" apple"),
        hw.Rank(),
        hw.KL(),
    ],
    ids=str,
)
def test_every_metric(planted, metric):
    answers = {"answer": [" apple", " door"], "foil": [" book", " key"]}
    planted.use(hw.Prompts(clean=CLEAN, corrupted=CORRUPTED, **answers), metric)
    planted.edits = [hw.scale("1.0", 0.05)]
    names = copied(planted)
    agree(planted, names)
    assert len(set(names["metric"].values())) > 1


def test_new_edits_on_another_architecture(shaped_folders):
    session = hw.Session(str(shaped_folders("gemma2", tokenizer=True)))
    session.prompts = hw.Prompts(clean=[[1, 5, 9, 5], [1, 7, 9, 5]], corrupted=[[1, 5, 8, 5]] * 2)
    d = along(session.facts.d_model)
    session.edits = [
        hw.keep("0.1", "2.0"),
        hw.add("resid 3", d, at="end"),
        hw.resample("resid 1", at=2),
    ]
    agree(session, copied(session))
    session.close()


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_gives_the_same_tokens(planted, text):
    planted.prompt = text
    planted.corrupted_prompt = text + " red"
    planted.edits = [hw.zero("1.0")]
    names = copied(planted)
    assert names["clean"] == [planted.token_ids]
    assert names["corrupted"] == [list(planted.snapshot().pair.corrupted)]
    agree(planted, names)


@pytest.mark.parametrize("tokenizer", [True, False])
def test_on_a_folder(shaped_folders, tokenizer):
    session = hw.Session(str(shaped_folders("llama", tokenizer=tokenizer)))
    if not tokenizer:
        session.prompt, session.corrupted_prompt = [1, 5, 9, 5], [1, 5, 8, 5]
    session.edits = [hw.mean("0.0"), hw.zero("mlp 1"), hw.scale("1.1", 2, at=1)]
    agree(session, copied(session))
    session.close()


def test_a_model_s_options_are_written(shaped_folders):
    folder = str(shaped_folders("llama", tokenizer=True))
    session = hw.Session(folder, numerics="compatible")
    code = session.as_python()
    assert "bridge.enable_compatibility_mode()" in code
    assert f"boot_transformers({folder!r}, dtype=torch.float32)" in code
    session.close()


ROLES = ["a\nraise SystemExit", "\x00", "\r\u2028'\"\\ {x} \u202e", "</script>"]


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_never_code(planted, role):
    prompts = hw.Prompts(clean=["the red blue"], roles={role: [1]})
    planted.use(prompts=prompts, reference=prompts)
    planted.edits = [hw.zero("0.0", at=role), hw.mean("1.0", at=role)]
    agree(planted, copied(planted))
