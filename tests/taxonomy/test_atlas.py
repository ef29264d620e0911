"""The atlas: rows that hold together, values as the literature has them, and the comparison."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from headwidgets.errors import InputError
from headwidgets.heads import Head
from headwidgets.taxonomy import find
from headwidgets.taxonomy.atlas import COLUMNS, COLUMNS_HERE, STATUSES, atlas, compare, published

FORTY = """associative memories, memory, constant, single letter, negative, previous token,
positional, rare words, duplicate token, retrieval, global retrieval, subword merge, syntactic,
mover, name mover, backup name mover, letter mover, negative name mover, context, content gatherer,
sentiment summarizer, semantic induction, subject, relation, summary reader, function vector,
induction, in-context, truthfulness, accuracy, vulnerable, correct letter, iteration, successor,
s-inhibition, mixed, amplification, correct, coherence, faithfulness"""
KINDS = [" ".join(name.split()) for name in FORTY.split(",")]
SHAPES = {
    "attn_only_2L_half": (2, 12),
    "chinchilla-70b": (80, 64),
    "distilgpt2": (6, 12),
    "gelu-4l": (4, 8),
    "gemma-2b": (18, 8),
    "gpt-j-6b": (28, 16),
    "gpt-neo-125m": (12, 12),
    "gpt-neox-20b": (44, 64),
    "gpt2": (12, 12),
    "gpt2-large": (36, 20),
    "gpt2-medium": (24, 16),
    "gpt2-xl": (48, 25),
    "icl-dynamics (seed 5)": (2, 8),
    "llama-2-13b": (40, 40),
    "llama-2-13b-64k": (40, 40),
    "llama-2-70b": (80, 64),
    "llama-2-7b": (32, 32),
    "llama-2-7b-80k": (32, 32),
    "llama-3-8b": (32, 32),
    "mistral-7b": (32, 32),
    "mistral-7b-v0.2": (32, 32),
    "mixtral-8x7b": (32, 32),
    "pythia-1.4b": (24, 16),
    "pythia-160m": (12, 12),
    "pythia-2.8b": (32, 32),
    "pythia-410m": (24, 16),
    "pythia-70m": (6, 8),
    "qwen-7b": (32, 32),
    "qwen1.5-14b": (40, 40),
    "qwen1.5-14b-chat": (40, 40),
    "solu-10l": (10, 20),
    "solu-2l": (2, 8),
    "stanford-gpt2-small-a": (12, 12),
    "yi-6b-200k": (32, 32),
}


def made_up(*kinds, layers=12, heads=12, first=()):
    """Scores that fall from head to head, but for the heads in `first`, which lead."""
    rows = [
        {"layer": layer, "head": head, "kind": kind, "verdict": "no"}
        for kind in kinds
        for layer in range(layers)
        for head in range(heads)
    ]
    table = pd.DataFrame(rows)
    table["score"] = np.tile(np.linspace(0.5, 0, layers * heads), len(kinds))
    for place, name in enumerate(first):
        here = (table["layer"] == Head.parse(name).layer) & (table["head"] == Head.parse(name).head)
        table.loc[here, ["score", "verdict"]] = 1 - place / 100, "consistent with"
    table.attrs["model"] = "openai-community/gpt2"
    return table


def test_every_head_is_one_of_its_model():
    rows = atlas()
    assert len(rows) > 300
    assert set(rows["model"]) == set(SHAPES)
    for model, head in zip(rows["model"], rows["head"], strict=True):
        assert str(Head.parse(head).within(*SHAPES[model])) == head


def test_every_kind_is_one_of_the_forty_in_their_order():
    assert len(set(KINDS)) == 40
    order = [KINDS.index(kind) for kind in atlas()["kind"]]
    assert order == sorted(order)


def test_rows_are_complete_and_stand_once():
    rows = atlas()
    assert not rows.duplicated(["model", "head", "kind", "measure", "source"]).any()
    assert set(rows["status"]) == set(STATUSES)
    assert (rows["method"].str.len() > 5).all()
    # a paper with its number, or a repository
    assert rows["source"].str.contains(r"\(arXiv \d{4}\.\d{5}\)|^(?:.*, )?\w+/\w+$").all()
    # a value says what it is, and what has no value measures nothing
    assert (rows["value"].isna() == (rows["measure"] == "")).all()
    texts = rows.drop(columns="value").to_numpy().ravel()
    assert all(text == text.strip() for text in texts)


def test_statuses_follow_the_source():
    rows = atlas()
    saved = rows["source"].str.contains("Retrieval_Head|SERI-MATS")
    assert set(rows.loc[saved, "status"]) == {"computed"}
    visualiser = rows["source"].str.contains("visualiser")
    assert set(rows.loc[visualiser, "status"]) == {"secondary"}


@pytest.mark.parametrize(
    ("model", "head", "kind", "measure", "value", "status"),
    [
        ("gpt2", "5.1", "induction", "matching", 0.963, "paper"),
        ("gpt2", "9.9", "name mover", "from the last token to IO", 3.112, "computed"),
        ("gpt2", "10.7", "negative name mover", "from the last token to IO", -2.382, "computed"),
        ("gpt2", "9.1", "successor", "numerals", 87.4, "paper"),
        ("gpt2", "8.10", "s-inhibition", "restored", 0.278, "code"),
        ("llama-2-7b-80k", "16.19", "retrieval", "retrieval score", 0.943, "computed"),
        ("qwen1.5-14b", "12.2", "retrieval", "retrieval score", 1.003, "computed"),
        ("gpt-j-6b", "15.5", "function vector", "indirect effect", 0.0587, "paper"),
        ("llama-2-70b", "33.63", "function vector", "indirect effect", 0.0315, "paper"),
        ("pythia-160m", "8.10", "name mover", "from the last token to IO", 2.864, "computed"),
        ("llama-3-8b", "2.21", "induction", "matching", 0.993, "paper"),
        ("icl-dynamics (seed 5)", "1.3", "induction", "alone keeps", 0.98, "paper"),
    ],
)
def test_values_as_published(model, head, kind, measure, value, status):
    rows = atlas(model, kind)
    row = rows[(rows["head"] == head) & rows["measure"].str.contains(measure)]
    assert row["value"].item() == value
    assert row["status"].item() == status


@pytest.mark.parametrize(
    ("model", "kind", "source", "heads"),
    [
        ("gpt2", "s-inhibition", "2211.00593", "7.3 7.9 8.6 8.10"),
        ("gpt2", "backup name mover", "2211.00593", "9.0 9.7 10.1 10.2 10.6 10.10 11.2 11.9"),
        ("gpt2", "letter mover", "2405.04156", "8.11 9.9 10.10 11.4"),
        ("gpt2", "sentiment summarizer", "2310.15154", "6.4 7.1 7.5"),
        ("gpt2", "vulnerable", "2407.19842", "10.10"),
        ("gpt2-medium", "content gatherer", "2310.08744", "11.6 11.7 12.15"),
        ("gpt2-medium", "mover", "2405.17969", "14.7 15.3 20.6"),
        ("pythia-2.8b", "relation", "2402.07321", "13.31 14.24 18.20 21.18"),
    ],
)
def test_lists_as_published(model, kind, source, heads):
    rows = atlas(model, kind)
    rows = rows[rows["source"].str.contains(source, regex=False)]
    assert sorted(set(map(Head.parse, rows["head"]))) == [Head.parse(h) for h in heads.split()]


@pytest.mark.parametrize(
    "name", ["gpt2", "gpt2-small", "GPT-2 small", "openai-community/gpt2", "models/gpt2/", "GPT_2"]
)
def test_one_model_many_spellings(name):
    pd.testing.assert_frame_equal(atlas(name), atlas("gpt2"))
    assert set(atlas(name)["model"]) == {"gpt2"}


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("EleutherAI/gpt-j-6B", "gpt-j-6b"),
        ("meta-llama/Llama-2-7b-hf", "llama-2-7b"),
        ("meta-llama/Meta-Llama-3-8B", "llama-3-8b"),
        ("GPT-2 medium", "gpt2-medium"),
    ],
)
def test_other_models_by_their_usual_names(name, model):
    assert set(atlas(name)["model"]) == {model}


def test_a_kind_by_its_alias_and_its_card():
    expected = atlas(kind="induction")
    assert set(expected["kind"]) == {"induction"}
    pd.testing.assert_frame_equal(atlas(kind="Prefix matching"), expected)
    pd.testing.assert_frame_equal(atlas(kind=find("induction")), expected)


def test_every_kind_of_the_atlas_has_its_card():
    for kind in atlas()["kind"].unique():
        assert find(kind).name == kind


def test_nothing_published_is_an_empty_table():
    assert list(atlas("qwen-7b", "previous token").columns) == list(atlas().columns)
    assert len(atlas("qwen-7b", "previous token")) == 0


def test_tables_are_copies():
    first = atlas()
    first["kind"] = "changed"
    first.loc[0, "value"] = 99.0
    assert set(atlas()["kind"]) <= set(KINDS)
    assert not (atlas()["value"] == 99.0).any()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"model": "gpt2-larg"}, "did you mean 'gpt2-large'"),
        ({"model": "gpt2-smal"}, "did you mean .*'gpt2'"),
        ({"model": "pythia-1.4b-deduped"}, "did you mean .*'pythia-1.4b'"),
        ({"model": "zzz"}, "; it knows .*gpt2.*qwen-7b"),
        ({"model": ""}, "it knows gpt2"),
        ({"model": 3}, "such as 'gpt2', got 3"),
        ({"kind": "inducton"}, "did you mean 'induction'"),
        ({"kind": 3}, "got 3"),
    ],
)
def test_unknown_names_get_near_ones(asked, said):
    with pytest.raises(InputError, match=said):
        atlas(**asked)


@pytest.mark.parametrize(
    ("model", "shape", "expected"),
    [
        ("GPT-2 small", (12, 12), "gpt2"),
        ("gpt2", (12, 8), None),  # another of that name: it has no head 0.10
        ("gpt2", (9, 12), None),
        ("planted", (2, 3), None),
        ("", (12, 12), None),
    ],
)
def test_a_model_that_may_be_unknown(model, shape, expected):
    rows = published(model, *shape)
    assert list(rows.columns) == list(atlas().columns)
    assert set(rows["model"]) == ({expected} if expected else set())
    assert len(rows) == (len(atlas(expected)) if expected else 0)


def test_compare_puts_ranks_beside_the_published_heads():
    frame = made_up("s-inhibition", "negative name mover", first=["8.6", "10.7", "7.9", "0.3"])
    table = compare(frame)
    assert list(table.columns) == [*COLUMNS, *COLUMNS_HERE]
    assert table["kind"].tolist() == ["negative name mover"] * 3 + ["s-inhibition"] * 4
    rows = table.set_index(["kind", "head"])
    assert rows.loc[("s-inhibition", "8.6"), "rank"] == 1
    assert rows.loc[("s-inhibition", "7.9"), "rank"] == 3
    # the four that lead, then all heads from 0.0 on but for 0.3
    assert rows.loc[("s-inhibition", "7.3"), "rank"] == 12 * 7 + 3 + 1 + 3
    suppressor = rows.loc[("negative name mover", "10.7")]
    assert suppressor["published"] == -2.382
    assert (suppressor["rank"], suppressor["verdict"]) == (2, "consistent with")
    assert (table["n_heads"] == 144).all()
    assert table.attrs == {
        "model": "gpt2",
        "in_top_k": {"negative name mover": 1 / 3, "s-inhibition": 2 / 4},
        "k": {"negative name mover": 3, "s-inhibition": 4},
    }


def test_one_row_a_head_with_the_value_nearest_the_score():
    table = compare(made_up("induction"))
    assert table["head"].is_unique
    rows = table.set_index("head")
    assert rows.loc["5.1", "published"] == 0.963
    assert "2405.14992" in rows.loc["5.1", "source"]
    assert np.isnan(rows.loc["5.8", "published"])  # named by the IOI paper, without a value
    assert "2211.00593" in rows.loc["5.8", "source"]


def test_a_model_that_agrees_has_all_published_heads_on_top():
    heads = atlas("gpt2", "induction")["head"].unique()
    table = compare(made_up("induction", first=heads))
    assert table.attrs["in_top_k"] == {"induction": 1.0}
    assert sorted(table["rank"]) == list(range(1, len(heads) + 1))


def test_a_tie_is_no_agreement():
    frame = made_up("s-inhibition").assign(score=0.25)
    table = compare(frame, "gpt2")
    assert set(table["rank"]) == {144}
    assert table.attrs["in_top_k"] == {"s-inhibition": 0.0}


def test_what_was_not_measured_has_no_rank():
    frame = made_up("s-inhibition", "letter mover", first=["8.11"])
    frame.loc[frame["kind"] == "s-inhibition", "score"] = np.nan
    frame.loc[(frame["layer"] == 9) & (frame["head"] == 9), "score"] = np.nan
    table = compare(frame)
    nothing = table[table["kind"] == "s-inhibition"]
    assert nothing["rank"].isna().all()
    assert set(nothing["n_heads"]) == {0}
    rows = table[table["kind"] == "letter mover"].set_index("head")
    assert (rows.loc["8.11", "rank"], rows.loc["8.11", "n_heads"]) == (1, 143)
    assert rows["rank"].isna().sum() == 1
    assert np.isnan(table.attrs["in_top_k"]["s-inhibition"])
    assert table.attrs["in_top_k"]["letter mover"] == 0.25


def test_kinds_that_nobody_published_leave_an_empty_table():
    table = compare(made_up("constant"))
    assert list(table.columns) == [*COLUMNS, *COLUMNS_HERE]
    assert (len(table), table.attrs["k"]) == (0, {})


def test_the_model_of_a_table_of_several_kinds():
    frame = made_up("s-inhibition")
    frame.attrs = {"kinds": {"s-inhibition": {"model": "gpt2-small"}}}
    assert compare(frame).attrs["model"] == "gpt2"
    assert compare(made_up("mover", layers=24, heads=16), "gpt2-medium").attrs["k"] == {"mover": 3}


def test_a_frame_is_left_as_it_was():
    frame = made_up("induction")
    before = frame.copy()
    compare(frame)
    pd.testing.assert_frame_equal(frame, before)
    assert frame.attrs == before.attrs


@pytest.mark.parametrize(
    ("frame", "model", "said"),
    [
        ([1], None, r"got \[1\]"),
        (made_up("induction").drop(columns="verdict"), None, r"has no \['verdict'\]"),
        (pd.concat([made_up("induction")] * 2), None, "'induction' this table has 0.0 twice"),
        (made_up("induction", layers=6), None, "'induction' it has no head 6.9"),
        (made_up("induction"), "planted", "'planted'.* it knows .*gpt2"),
        (made_up("induction"), 7, "got 7"),
    ],
)
def test_what_cannot_be_compared(frame, model, said):
    with pytest.raises(InputError, match=said):
        compare(frame, model)


def test_a_table_without_a_model_needs_one():
    frame = made_up("induction")
    frame.attrs = {}
    with pytest.raises(InputError, match="give model="):
        compare(frame)
