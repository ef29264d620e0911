"""A real model from outside: grouped queries, rotary positions, its own tokenizer."""

from __future__ import annotations

import pytest
import torch

import headwidgets as hw
from headwidgets.model.boot import boot
from headwidgets.model.view import count_hooks

STORY = (
    "Once upon a time, there was a little girl named Lily. She loved to play outside in the park."
)
RANDOM = {"ids": range(259, 500), "length": 20}


@pytest.fixture(scope="module")
def bridge(stories_path):
    return boot(stories_path)[0]


@pytest.fixture(scope="module")
def stories(bridge):
    session = hw.Session(bridge)
    session.prompt = STORY
    return session


def ranked(frame):
    rows = frame.sort_values("score", ascending=False)
    return [(f"{r.layer}.{r.head}", round(r.score, 3)) for r in rows.itertuples()]


def test_previous_token_heads_on_random_tokens_and_on_a_story(stories):
    frame = stories.score("previous token", **RANDOM)
    print(ranked(frame)[:4], frame.attrs["agreement"])
    assert [head for head, _ in ranked(frame)[:4]] == ["3.6", "1.3", "1.6", "1.5"]
    for (_, found), published in zip(ranked(frame), (0.745, 0.612, 0.501, 0.461), strict=False):
        assert found == pytest.approx(published, abs=0.03)
    assert "3.6" in frame.attrs["first_on_random"]
    assert "1.3" in frame.attrs["first_on_text"]
    assert frame.attrs["agreement"].endswith("they differ")
    on_text = stories.score("previous token", on="prompts")
    assert ranked(on_text)[0][0] == "1.3"


def test_no_induction_head_is_claimed(stories):
    frame = stories.score("induction", **RANDOM)
    print(ranked(frame)[:3])
    assert frame["score"].max() == pytest.approx(0.055, abs=0.01)
    assert set(frame["verdict"]) == {"no"}


def test_zeroing_a_head_changes_the_logits_and_nothing_of_the_users(stories, bridge):
    ids = torch.tensor([stories.token_ids])
    with torch.no_grad():
        expected = bridge(ids)
    hooks = count_hooks(bridge)
    stories.edits = [hw.zero("3.6"), hw.zero("mlp 2")]
    frame = stories.effect()
    assert frame.loc["KL", "value"] > 1e-3
    assert abs(stories.logits()["change"]).max() > 1e-2
    with torch.no_grad():
        assert torch.equal(bridge(ids), expected)
    assert count_hooks(bridge) == hooks
    stories.edits = []


def test_it_tells_a_story(stories):
    stories.prompt = "Once upon a time"
    text = stories.generate(12).attrs["clean"]
    assert text.startswith(", there was a little girl named Lily.")


@pytest.mark.parametrize("dtype", ["bfloat16", "float64"])
def test_other_dtypes(stories_path, dtype):
    session = hw.Session(stories_path, dtype=dtype)
    session.prompt = STORY
    session.edits = [hw.zero("3.6"), hw.mean("1.3")]
    assert session.facts.dtype == dtype
    assert session.attention("1.3").dtype == "float32"
    assert session.effect().loc["KL", "value"] > 0
    assert session.thumbnails().max() > 100


def test_compatible_numerics_agree_in_probability(stories_path, stories):
    folded = hw.Session(stories_path, numerics="compatible")
    assert folded.facts.numerics == "compatible"
    assert folded.prompt == hw.Session(stories_path).prompt
    folded.prompt = stories.prompt
    a, b = (s.logits(unit="log-probability")["clean"] for s in (folded, stories))
    assert (a - b).abs().max() < 1e-3
    assert folded.effect().attrs["numerics"] == "compatible"


def test_a_folder_with_and_without_a_tokenizer(shaped_folders):
    for name in ("gpt2", "neox", "llama", "gemma2"):
        plain = hw.Session(shaped_folders(name))
        assert not plain.engine.text.has_tokenizer
        with pytest.raises(hw.InputError, match="without a tokenizer"):
            plain.prompt = "hello"
        worded = hw.Session(shaped_folders(name, tokenizer=True))
        worded.prompt = "When Mary and John"
        assert "".join(worded.tokens[-3:]) == " Mary and John"
        worded.edits = [hw.zero("1.1")]
        assert worded.effect().loc["KL", "value"] > 0
