"""Copied code of circuits, of strengths and of directions gives what the session found."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from copied import agree, copied

import headwidgets as hw
from headwidgets.errors import InputError
from headwidgets.methods.logistic import logistic
from headwidgets.session.code_direction import _LOGISTIC

CLEAN = ["Mary took the red apple and John took the red", "Tom saw a blue door and Anna saw a blue"]
CORRUPTED = [
    "Mary took the red book and John took the red",
    "Tom saw a blue key and Anna saw a blue",
]
ANSWERS = {"answer": [" apple", " door"], "foil": [" book", " key"]}
CLASSES = {"previous": ["0.0"], "</script>\nraise SystemExit": ["1.0", "1.1"]}
SHAPES = ("gpt2", "gemma2")


@pytest.fixture
def pair(planted):
    planted.use(hw.Prompts(clean=CLEAN, corrupted=CORRUPTED, **ANSWERS))
    return planted


@pytest.fixture(scope="module", params=SHAPES)
def shape(request, shaped_folders):
    """A session on a random model's folder."""
    session = hw.Session(str(shaped_folders(request.param)))
    draw = np.random.default_rng(0)
    clean = draw.integers(10, 200, (3, 6))
    corrupted = clean.copy()
    corrupted[:, 2:] = draw.integers(10, 200, (3, 4))
    session.use(
        hw.Prompts(clean=clean.tolist(), corrupted=corrupted.tolist()), hw.LogitDiff(7, [8, 9])
    )
    session.reference = hw.Prompts(clean=[*corrupted[:2].tolist(), clean[0, 1:].tolist()])
    yield session
    session.close()


def same(session, found, bridge=None):
    """Whether the copied code leaves the direction's vector."""
    result = copied(session, found, bridge)
    assert result.dtype == torch.float32
    ours = torch.from_numpy(found.vector.copy())
    assert result.shape == ours.shape
    assert float((result - ours).abs().max()) <= 1e-5 * max(1.0, float(ours.abs().max()))


def every_direction(s, groups):
    """A direction found in each way, in a head, in an MLP and in the stream."""
    yield s.direction("resid 1", at=2)
    yield s.direction("mlp 0", "pca", at=[2, -1, "end"])
    yield s.direction("resid 3", "pca", groups=groups)
    yield s.direction("1.2", "logistic", at=None)
    yield s.direction("resid 2", "logistic", at="end", groups=iter(groups))
    yield s.direction("2.3", "unembedding")
    yield s.direction("resid 3", "unembedding")
    yield s.direction("0.1", "given", vector=np.arange(16.0))


def test_every_direction_on_every_shape(shape):
    for found in every_direction(shape, [True, False, True]):
        json.dumps(found.attrs["asked"])
        same(shape, found)


def test_circuits_on_every_shape(shape):
    agree(shape, shape.circuit({"early": ["0.1", "0.2"], "late": ["2.3"]}, subsets=2, seed=3))
    agree(shape, shape.circuit(["0.0", "1.1"], at=[2, "end"]))


def test_strengths_on_every_shape(shape):
    d = shape.direction("resid 2", at="end")
    agree(shape, shape.strengths(d, [-2, 0, 1.5], draws=3, seed=4, at=["end", -1]))
    agree(shape, shape.strengths(shape.direction("1.2", "pca"), 3, draws=0, neutral=[[5, 6, 7]]))


def test_a_circuit_of_the_planted_model(pair):
    found = pair.circuit(CLASSES, subsets=2)
    assert {"previous", "random"} <= set(found["of"])
    agree(pair, found, least=1)
    pair.metric = hw.KL()
    agree(pair, pair.circuit(["0.0", "1.0"], at="end"))


def test_one_prompt_has_no_error_and_a_whole_of_zero_no_ratio(pair):
    pair.prompts = hw.Prompts(clean=CLEAN[:1], corrupted=CORRUPTED[:1], answer=[" apple"], foil=[4])
    agree(pair, pair.circuit(["0.0", "1.0"]))
    pair.metric = hw.KL()  # the model from itself: 0
    found = pair.circuit(["1.0"], subsets=0)
    assert found["value"].isna().any()
    agree(pair, found, least=-1)


METRICS = [None, hw.Prob(), hw.KL(), hw.LogitDiff([" apple", " door"], " key")]


@pytest.mark.parametrize("metric", METRICS, ids=str)
def test_strengths_of_any_metric(pair, metric):
    d = pair.direction("resid 1", at=5, name="a\nraise SystemExit</script>")
    pair.metric = metric
    found = pair.strengths(d, [-8, 0, 1], draws=2, at=5, neutral=iter(["the red apple", CLEAN[1]]))
    assert found["flips"].max() == 1
    agree(pair, found, least=1e-3)


def test_where_the_place_itself_has_no_spread_the_unit_is_of_everywhere(pair):
    d = pair.direction("resid 1", at=5)
    found = pair.strengths(d, [1], draws=0, at="end")
    assert found.attrs["notes"]
    agree(pair, found)


def test_a_head_of_the_planted_model_without_answers(pair):
    pair.prompts = hw.Prompts(clean=CLEAN, corrupted=CORRUPTED)
    d = pair.direction("1.0", at=["end"])
    agree(pair, pair.strengths(d, [-2, 2], draws=2))
    same(pair, pair.direction("1.0", "unembedding"))
    pair.metric = hw.KL()
    same(pair, pair.direction("resid 2", "unembedding"))


HOSTILE = ["</script> ' \" '''", "\u202e\u2028 {x} \\", "a\nraise SystemExit"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text(planted, text):
    prompts = hw.Prompts(
        clean=[text + " red", text + " blue"],
        corrupted=[text + " blue", text + " blue"],
        roles={text: [1, 1]},
    )
    planted.use(prompts, hw.LogitDiff(" red", " blue"))
    planted.reference = [[0, 5, 9, 5]]
    agree(planted, planted.circuit({text: ["0.0"]}, at=text), least=-1)
    d = planted.direction("resid 1", name=text)
    same(planted, d)
    agree(planted, planted.strengths(d, [1], draws=0, at=text, neutral=[text]), least=-1)


def test_text_beside_ids_is_read_in_the_code(planted):
    planted.use(hw.Prompts(clean=[[0, 5, 9, 5]]), hw.LogitDiff(5, 9), reference=["the red apple"])
    agree(planted, planted.circuit(["0.0"]), least=-1)
    planted.edits = [hw.mean("0.0")]
    names = {}
    exec(planted.as_python(), names)  # noqa: S102 - to run it is the test
    assert names["metric"]["edited"] == pytest.approx(planted.effect()["value"]["edited"], abs=1e-5)


def test_weights_of_large_activations_are_found_too():
    generator = torch.Generator().manual_seed(0)
    rows = 300 * torch.randn(40, 64, generator=generator, dtype=torch.float64)
    rows[:, 0] *= 30
    side = torch.arange(40) % 2 == 0
    names = {"torch": torch, "one": rows[side], "other": rows[~side]}
    exec(_LOGISTIC, names)  # noqa: S102 - to run it is the test
    ours, _ = logistic(rows, side)
    assert float((names["result"] - ours).abs().max()) <= 1e-5 * float(ours.abs().max())


def test_a_bridge_that_is_held_and_a_saved_session(planted_bridge, tmp_path):
    session = hw.Session(planted_bridge)
    session.use(hw.Prompts(clean=CLEAN, corrupted=CORRUPTED, **ANSWERS))
    d = session.direction("resid 1", at=5)
    same(session, d, planted_bridge)
    session.circuit(CLASSES)
    session.strengths(d, [0, 1], draws=1)
    session.save(tmp_path / "kept")
    again = hw.load(tmp_path / "kept", model=planted_bridge)
    for name in ("circuit", "strengths"):
        agree(again, again.frames[name], planted_bridge)
    for one in (session, again):
        one.close()


def test_a_direction_of_another_question_is_refused(pair):
    d = pair.direction("resid 1", at=5)
    given = pair.direction("resid 1", "given", vector=d.vector)
    assert given == hw.Direction(d.vector, "resid 1", "direction")
    pair.metric = hw.KL()
    same(pair, d)
    pair.prompts = hw.Prompts(clean=CLEAN)
    with pytest.raises(InputError, match="measure it again"):
        pair.as_python(d)
    same(pair, given)
    with pytest.raises(InputError, match=r"one of .*s\.direction returned"):
        pair.as_python(hw.Direction(d.vector, "resid 1"))
