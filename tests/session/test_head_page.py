"""One page of a head: what stands on it, that nothing stays behind, that nothing in it can harm."""

from __future__ import annotations

import sys
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import headwidgets as hw
from headwidgets.errors import InputError
from headwidgets.session import describing
from headwidgets.session.head_page import PARTS
from headwidgets.session.head_roles import COLUMNS, VERDICTS
from headwidgets.taxonomy import find, registry
from headwidgets.taxonomy.registry import CLAIMS
from headwidgets.taxonomy.verdict import CANDIDATE, CONSISTENT, NO, NOT_MEASURABLE

TEXT = "Mary saw the dog and John saw Mary. The dog went to the store, and Mary saw the dog run."
HARM = "</script><img src=x onerror='window.hacked = 1'>\u202e\u2028\0\ud800\n\"&amp;"
SEEN = "</script><img src=x onerror='window.hacked = 1'>‹202e›‹2028›‹0›‹d800›⏎\"&amp;"
PROMPTS = {
    "clean": ["Mary saw the dog and Mary saw", "John took the ball and John took"],
    "answer": [" the", " the"],
    "foil": [" a", " an"],
}
KINDS = ("previous token", "duplicate token", "syntactic", "induction", "function vector")
PROVED = "attributed induction"


def only(monkeypatch, *kinds):
    """Let `scores` know a few kinds only, so that it is quick."""
    module = sys.modules["headwidgets.taxonomy.score"]
    monkeypatch.setattr(module, "all_kinds", lambda: [find(name) for name in kinds])


@pytest.fixture
def few(monkeypatch):
    """A few kinds."""
    only(monkeypatch, *KINDS)


@pytest.fixture(scope="module")
def scored():
    """Scores of the planted model."""
    session = hw.Session("planted")
    with pytest.MonkeyPatch.context() as patch:
        only(patch, *KINDS)
        yield session.scores()
    session.close()


@pytest.fixture
def quick(planted, few, scored):
    """The planted model, with scores of a few kinds."""
    planted._own("scores", scored.copy())
    return planted


@pytest.fixture
def pair(quick):
    """A set of prompts of one length with answers."""
    quick.prompts = PROMPTS
    return quick


@pytest.fixture(scope="module")
def shown(scored):
    """A page, to be looked at only."""
    session = hw.Session("planted")
    session._own("scores", scored.copy())
    session.prompts = PROMPTS
    yield session.head("1.0", text=TEXT)
    session.close()


def verdicts(page):
    return dict(zip(page.roles["kind"], page.roles["verdict"], strict=True))


# ---------------------------------------------------------------- roles


def test_roles_are_those_of_the_passport_by_what_can_be_claimed(quick):
    roles = quick.head("1.0").roles
    assert tuple(roles.columns) == COLUMNS
    passport = quick.passport("1.0").set_index("kind")
    assert set(roles["kind"]) == {*KINDS} - {"function vector"}, "that one has no score yet"
    for row in roles.to_dict("records"):
        same = passport.loc[row["kind"]]
        for name in ("verdict", "reason", "n", "evidence"):
            assert row[name] == same[name]
        np.testing.assert_equal([row["score"], row["p"]], [same["score"], same["p"]])
        assert row["threshold"] == find(row["kind"]).threshold
    order = [
        (VERDICTS.index(v), CLAIMS.index(c))
        for v, c in zip(roles["verdict"], roles["claim"], strict=True)
    ]
    assert order == sorted(order)
    assert roles.iloc[0][["kind", "verdict"]].tolist() == ["induction", CONSISTENT]
    assert verdicts(quick.head("1.0"))["syntactic"] == NOT_MEASURABLE
    assert roles.set_index("kind")["measured_on"]["induction"].startswith("random tokens")


def test_scores_that_hold_are_taken_and_others_measured(quick, monkeypatch):
    quick.frames.clear()
    quick.score("previous token")  # of one kind only: all are measured
    first = quick.head("0.0")
    assert verdicts(first)["previous token"] == CONSISTENT
    monkeypatch.setattr(type(quick), "scores", lambda *_: pytest.fail("measured again"))
    assert verdicts(quick.head("1.0"))["induction"] == CONSISTENT
    monkeypatch.undo()
    quick.refresh()
    monkeypatch.setattr(type(quick), "scores", lambda *_: pytest.fail("measured"))
    with pytest.raises(pytest.fail.Exception, match="measured"):
        quick.head("1.0")


def test_of_two_scores_of_a_kind_the_later_one_counts(quick, monkeypatch):
    only(monkeypatch, "previous token")
    on_text = quick.score("previous token", on=[TEXT])
    row = quick.head("0.0").roles.set_index("kind").loc["previous token"]
    assert row["measured_on"] == on_text.attrs["measured_on"]
    quick.scores()
    row = quick.head("0.0").roles.set_index("kind").loc["previous token"]
    assert row["measured_on"].startswith("random tokens")


def test_scores_under_edits_are_not_the_heads_roles(quick, monkeypatch):
    only(monkeypatch, "previous token")
    quick.edits = [hw.zero("0.0")]
    edited = quick.scores(run="edited")
    assert set(edited["edits"]) == {"zero 0.0"}
    assert verdicts(quick.head("0.0"))["previous token"] == CONSISTENT
    assert set(quick.frames["scores"]["edits"]) == {""}
    assert quick.frames["scores (edited)"].equals(edited)


def test_a_proof_is_shown_and_goes_into_the_verdict(quick, monkeypatch):
    made = replace(
        find("induction"), name=PROVED, title=PROVED, aliases=(), evidence="direct attribution"
    )
    monkeypatch.setitem(registry._REGISTRY, PROVED, made)
    only(monkeypatch, "previous token", PROVED)
    quick.frames.clear()
    before = quick.head("1.0").roles.set_index("kind").loc[PROVED]
    assert (before["verdict"], before["proof"], before["proof_n"]) == (CANDIDATE, "", 0)
    proof = quick.confirm(PROVED, "1.0", n=20).iloc[0]
    row = quick.head("1.0").roles.set_index("kind").loc[PROVED]
    assert (row["verdict"], row["proof"]) == (CONSISTENT, "passed")
    assert row[["proof_share", "proof_p", "proof_n"]].tolist() == [
        proof["share"],
        proof["p"],
        proof["n"],
    ]
    other = quick.head("0.0").roles.set_index("kind").loc[PROVED]
    assert (other["proof"], other["verdict"]) == ("", NO)


# ---------------------------------------------------------------- the other parts


def test_offsets_and_contexts_are_those_of_the_attention(pair):
    page = pair.head("0.0")
    sums, n = {}, {}
    for index in range(2):
        pair.index = index
        pattern = pair.attention("0.0")
        for q in range(1, len(pattern)):
            for k in range(q + 1):
                to = "BOS" if k == 0 else q - k
                sums[to] = sums.get(to, 0) + pattern[q, k]
                n[to] = n.get(to, 0) + 1
    for row in page.offsets.to_dict("records"):
        to = "BOS" if row["to"] == "BOS" else row["offset"]
        assert row["attention"] == pytest.approx(sums[to] / n[to], abs=1e-5)
        assert row["n"] == n[to]
    back = page.offsets.set_index("to")["attention"]
    assert back["1 back"] == pytest.approx(1, abs=1e-5)
    contexts = page.contexts
    assert contexts["size"].is_monotonic_decreasing
    for row in contexts.to_dict("records"):
        pair.index = row["text"]
        at = row["query_position"], row["key_position"]
        assert row["attention"] == pytest.approx(pair.attention("0.0")[at], abs=1e-6)
        sizes = pair.attention("0.0", weighting="value")[at[0]]
        assert row["size"] == pytest.approx(sizes[at[1]], rel=1e-5)
        assert sizes.argmax() == at[1]
        assert (row["query"], row["key"]) == (pair.tokens[at[0]], pair.tokens[at[1]])


def test_a_text_is_looked_at_instead_of_the_prompts(pair):
    page = pair.head("1.0", text=TEXT, k=4)
    assert len(page.contexts) == 4
    assert page.attrs["measured_on"] == f"your text, {len(pair.engine.text.encode(TEXT))} tokens"
    assert page.contexts.iloc[0]["attention"] > 0.9
    same = pair.head("1.0", text=pair.engine.text.encode(TEXT), k=4)
    pd.testing.assert_frame_equal(page.contexts, same.contexts)
    two = pair.head("1.0", text=[TEXT, "John saw the cat and John saw the cat"], k=40)
    assert set(two.contexts["text"]) == {0, 1}
    assert two.attrs["measured_on"].startswith("your 2 texts")


def test_a_text_longer_than_the_context_is_read_in_parts(quick):
    words = " ".join(["one two three four five six seven"] * 50)
    page = quick.head("0.0", text=words)
    n = len(quick.engine.text.encode(words))
    assert n > quick.facts.n_ctx
    assert page.contexts.attrs["parts"] > 1
    assert page.offsets.set_index("to")["n"]["itself"] == n - 1


def test_effects_are_those_of_sweeps_and_of_edits(pair):
    page = pair.head("1.0", seed=3).effects.set_index("edit")
    for kind in ("zero", "mean", "resample"):
        options = {"seed": 3} if kind == "resample" else {}
        row = pair.sweep(kind, heads="1.0", **options).iloc[0]
        for name in ("effect", "se", "low", "high", "n"):
            assert page.loc[kind, name] == pytest.approx(row[name], nan_ok=True)
        make = getattr(hw, kind)
        pair.edits = [make("1.0", **options)]
        effect = pair.effect()["value"]
        assert page.loc[kind, "effect"] == pytest.approx(effect["change"], abs=1e-5)
        assert page.loc[kind, "clean"] == pytest.approx(effect["clean"], abs=1e-5)
        pair.edits = []
    assert page.loc["zero", "effect"] < -10


def test_what_is_not_set_is_said_instead_of_failing(quick):
    page = quick.head("1.0")
    effects = page.effects.set_index("edit")
    assert effects["n"].to_dict() == {"zero": 1, "mean": 1, "resample": 0}
    assert "resampling needs another prompt" in effects.loc["resample", "note"]
    assert np.isnan(effects.loc["resample", "effect"])
    notes = page.effects.attrs["notes"]
    assert any("no metric is set" in note for note in notes)
    assert any("one prompt gives no interval" in note for note in notes)
    assert "Resampling needs" not in page._repr_html_()
    assert "resampling needs another prompt" in page._repr_html_()


def test_a_metric_that_cannot_be_read_is_said(quick):
    quick.prompts = ["Mary saw the dog", "John saw the cat"]
    quick.metric = hw.Prob()
    effects = quick.head("1.0").effects
    assert (effects["n"] == 0).all()
    assert effects["note"].str.len().min() > 10


def test_a_set_with_answers_has_no_notes(pair):
    assert pair.head("1.0").effects.attrs["notes"] == []


# ---------------------------------------------------------------- the session


def test_nothing_stays_on_the_session(pair):
    pair.edits = [hw.scale("0.1", 0.5)]
    pair.selection = "0.1"
    names = list(pair.frames)
    before = pair._values, pair.revision, pair.engine.hooks_left()
    page = pair.head("1.0", text=TEXT)
    assert (pair._values, pair.revision, pair.engine.hooks_left()) == before
    assert list(pair.frames) == names
    assert page.attrs["edits"] == ["scale 0.1 × 0.5"]
    assert "put aside: scale 0.1 × 0.5" in page._repr_html_()
    pair.edits = []
    pd.testing.assert_frame_equal(page.effects, pair.head("1.0").effects)


def test_a_page_goes_stale_part_by_part(pair):
    page, on_text = pair.head("1.0"), pair.head("1.0", text=TEXT)
    pair.metric = hw.LogitDiff(" the", " a")
    stale = {name: pair.is_stale(getattr(page, name)) for name in PARTS}
    assert stale == dict.fromkeys(PARTS, False) | {"effects": True}
    assert pair.is_stale(page)
    pair.prompts = [TEXT]
    assert pair.is_stale(page.contexts)
    assert not pair.is_stale(on_text.contexts)
    assert not pair.is_stale(page.ov)
    pair.refresh()
    assert all(pair.is_stale(getattr(on_text, name)) for name in PARTS)


@pytest.mark.parametrize(
    ("asked", "options", "match"),
    [
        ("9.9", {}, "no head 9.9"),
        (1.0, {}, "write it as a string"),
        ("1.0", {"texts": TEXT}, "head has no option 'texts': it has text, k, tokens, seed"),
        ("1.0", {"k": 0}, "expected k= as a whole number from 1, got 0"),
        ("1.0", {"k": True}, "expected k="),
        ("1.0", {"tokens": -3}, "expected tokens= as a whole number from 1, got -3"),
        ("1.0", {"tokens": "all"}, "expected tokens="),
        ("1.0", {"seed": -1}, "expected seed= as a whole number from 0"),
        ("1.0", {"text": ""}, "expected a text of at least 2 tokens, BOS included, got 1"),
        ("1.0", {"text": []}, "expected at least one clean prompt"),
        ("1.0", {"text": 7}, "expected prompts as a text"),
        ("1.0", {"text": [0, 512]}, "expected token ids from 0 to 511, got 512"),
        ("1.0", {"text": "\ud800"}, "UTF-8"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_runs(
    planted, monkeypatch, asked, options, match
):
    monkeypatch.setattr(planted.engine, "run", lambda *_, **__: pytest.fail("it ran"))
    before = planted._values, planted.revision
    with pytest.raises(InputError, match=match):
        planted.head(asked, **options)
    assert (planted._values, planted.revision) == before
    assert not planted.frames


def test_a_page_can_be_cancelled(quick, monkeypatch):
    left = quick.engine.hooks_left()
    real = describing.look

    def stop(*args):
        quick.cancel()
        return real(*args)

    monkeypatch.setattr(describing, "look", stop)
    with pytest.raises(hw.Cancelled):
        quick.head("1.0")
    assert quick.engine.hooks_left() == left
    monkeypatch.undo()


# ---------------------------------------------------------------- architectures


@pytest.mark.parametrize("name", ["gpt2", "neox", "llama", "mistral", "gemma2"])
def test_every_architecture_has_a_page(shaped_bridges, few, name):
    session = hw.Session(shaped_bridges(name))
    session.prompts = [list(range(5, 17)), list(range(30, 42))]
    page = session.head("2.3", text=list(range(40, 200)), k=3)
    rotary = session.facts.rotary
    assert bool(len(page.qk)) is not rotary
    assert page.qk.attrs.get("why", "").startswith("not defined here: rotary") is rotary
    assert page.ov["input_id"].nunique() == 3
    assert page.ov["input"].iloc[0] == f"[{page.ov['input_id'].iloc[0]}]", "no tokenizer"
    assert len(page.contexts) == 3
    assert page.effects["n"].tolist() == [2, 2, 2]
    assert "Head 2.3" in page._repr_html_()
    with pytest.raises(InputError, match="came without a tokenizer"):
        session.head("2.3", text="words")
    session.close()


def test_the_planted_circuits_on_the_page(quick):
    copier = quick.head("1.0")
    first = copier.ov.drop_duplicates("input_id")
    assert list(first["input"]) == list(first["output"])
    assert copier.ov.attrs["copied"] == 1.0
    assert "the same score" in copier.qk.attrs["why"]
    duplicate = quick.head("0.1", tokens=50)
    assert duplicate.qk.attrs["same"] == 1.0
    assert duplicate.qk.attrs["tokens"] == 50
    assert "reads nothing" in duplicate.ov.attrs["why"]


# ---------------------------------------------------------------- as it is shown


class Elements(HTMLParser):
    """The elements of a page, its text, and whether each that opens is closed."""

    def __init__(self, page):
        super().__init__()
        self.names, self.attributes, self.text, self.open = set(), set(), "", []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.text += data


ALLOWED = {
    *("article", "style", "header", "footer", "section", "div", "span", "h2", "h3", "p", "b"),
    *("bdi", "mark", "details", "summary"),
}
ATTRIBUTES = {"class", "style", "title", "role", "aria-label", "dir"}


def checked(page):
    found = Elements(page._repr_html_())
    assert found.names <= ALLOWED
    assert found.attributes <= ATTRIBUTES
    assert not found.open
    return found


def test_a_page_shows_all_parts(shown):
    said = checked(shown).text
    for words in ("Head 1.0", "of planted", "● induction", "OV circuit", "QK circuit"):
        assert words in said
    for words in ("by distance", "strongest contexts", "zero", "mean", "resample"):
        assert words in said
    assert f"{shown.contexts['size'].iloc[0]:.2f}" in said
    assert repr(shown).startswith("<HeadPage 1.0 of 'planted'\n  roles  consistent with induction")
    assert "zero" in repr(shown)


def test_a_successor_says_where_its_study_is_opened():
    session = hw.Session("numerals")
    session.score("successor")
    assert 'hw.SuccessionLab(s, head="1.0")' in checked(session.head("1.0")).text
    assert "SuccessionLab" not in checked(session.head("1.1")).text
    session.close()


def test_words_that_mean_harm_are_words(shown):
    frames = {}
    for name in PARTS:
        frame = shown.to_frame(name)
        keep = ("verdict", "claim", "proof", "to")
        for column in frame.columns:
            if isinstance(frame[column].iloc[0] if len(frame) else 0, str) and column not in keep:
                frame[column] = pd.Series([HARM] * len(frame), dtype=object)
        frame.attrs |= {key: HARM for key, v in frame.attrs.items() if isinstance(v, str)}
        frames[name] = frame
    attrs = shown.attrs | {"model": HARM, "edits": [HARM], "measured_on": HARM}
    hostile = replace(shown, **frames, attrs=attrs)
    said = checked(hostile).text
    assert said.count(SEEN) > 20
    hostile._repr_html_().encode()  # no lone surrogate is left
    assert "hacked" in repr(hostile)


def test_a_hostile_text_is_looked_at_as_it_is(quick):
    text = "</script><b>x</b> & </script><b>x</b> &"
    page = quick.head("1.0", text=text, k=30)
    shown = checked(page).text
    assert "</script" not in page._repr_html_()
    assert any(words in shown for words in ("t><b>x", "<b>x</", "script>"))


def test_a_page_is_saved_whole(shown, tmp_path):
    path = shown.save(tmp_path / "head.html")
    text = path.read_text(encoding="utf-8")
    assert shown._repr_html_() in text
    assert "default-src 'none'" in text
    assert "<script" not in text
    with pytest.raises(InputError, match=r"ends in \.html, got"):
        shown.save(tmp_path / "head.png")
    with pytest.raises(InputError, match="there is no folder"):
        shown.save(tmp_path / "no" / "head.html")


def test_parts_are_copies(shown):
    for name, column in (("roles", "score"), ("contexts", "size")):
        frame = shown.to_frame(name)
        frame.loc[:, column] = 0.0
    assert shown.roles["score"].max() == pytest.approx(1, abs=0.01)
    assert shown.contexts["size"].max() > 0
    with pytest.raises(InputError, match="expected a part 'roles', 'ov'"):
        shown.to_frame("weights")
