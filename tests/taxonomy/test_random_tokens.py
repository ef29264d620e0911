"""Random rows: what is drawn, from what, and what is refused."""

from __future__ import annotations

import pytest
from fake_engine import BOS, FakeEngine, uniform

from headwidgets.errors import InputError, NotMeasurable
from headwidgets.taxonomy.random_tokens import random_rows, text_rows


def engine(**options):
    return FakeEngine([[uniform]], **options)


def test_a_row_is_bos_and_one_block_twice_and_its_control_repeats_nothing():
    rows = random_rows(engine())
    assert rows.words == "random tokens, 16 × 2 × 50"
    assert len(rows.ids) == len(rows.control) == 16
    for row, control in zip(rows.ids, rows.control, strict=True):
        assert row[0] == control[0] == BOS
        assert row[1:51] == row[51:] == control[1:51]
        assert len(set(row[1:51])) == 50
        assert len(set(control)) == 101
        assert BOS not in row[1:]
    assert len(set(rows.ids)) == 16


def test_the_same_seed_gives_the_same_rows():
    assert random_rows(engine(), seed=3) == random_rows(engine(), seed=3)
    assert random_rows(engine(), seed=3) != random_rows(engine(), seed=4)


@pytest.mark.parametrize(
    ("n_ctx", "d_vocab", "length"), [(128, 200, 50), (21, 200, 10), (128, 11, 10), (8, 200, 3)]
)
def test_the_block_is_as_long_as_context_and_vocabulary_allow(n_ctx, d_vocab, length):
    assert random_rows(engine(n_ctx=n_ctx, d_vocab=d_vocab)).period == length


def test_a_small_pool_still_gives_controls():
    rows = random_rows(engine(d_vocab=16), length=10)  # 15 usable: 5 fresh ones in each control
    for row, control in zip(rows.ids, rows.control, strict=True):
        assert len(set(control[11:]) - set(row)) == 5


def test_without_bos_there_is_no_column_for_it():
    rows = random_rows(engine(bos=None), length=5)
    assert rows.first == (0,) * 16
    assert all(len(row) == 10 for row in rows.ids)


def test_options():
    rows = random_rows(engine(), ids=range(100, 120), length=4, rows=2)
    assert rows.words == "random tokens, 2 × 2 × 4"
    assert all(100 <= i < 120 for row in rows.ids for i in row[1:])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"length": 64}, "got length=64"),
        ({"length": 2}, "got length=2"),
        ({"rows": 0}, "got rows=0"),
        ({"ids": [5, 900]}, "got 900"),
        ({"ids": range(1, 9), "length": 9}, "8 usable ids"),
    ],
)
def test_what_does_not_fit_is_refused(options, said):
    with pytest.raises(InputError, match=said):
        random_rows(engine(), **options)


@pytest.mark.parametrize("options", [{"n_ctx": 6}, {"d_vocab": 3}])
def test_a_model_that_is_too_small_is_not_measurable(options):
    with pytest.raises(NotMeasurable, match="no repeated block"):
        random_rows(engine(**options))


def test_text_rows_know_their_bos_and_their_lengths():
    rows = text_rows(engine(), [[BOS, 4, 5], [4, 5, 6, 7]])
    assert rows.first == (1, 0)
    assert rows.words == "your text, 2 × 3 to 4 tokens"
    assert rows.control == ()
    with pytest.raises(InputError, match="no empty row"):
        text_rows(engine(), [[1], []])
    with pytest.raises(InputError, match="at least one row"):
        text_rows(engine(), [])
