"""A score split by what either side wrote: the parts sum to the model's own, on every shape."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from shaped import NAMES, QUICK
from shaped import reading as random_model

from headwidgets.errors import InputError, NotMeasurable
from headwidgets.methods.query_key import query_key
from headwidgets.model.engine import Engine

IDS = (1, 14, 5, 2, 27, 8, 5)
HEAD = (1, 2)


def scores_of(engine, layer, head):
    seen = []
    name = f"blocks.{layer}.attn.hook_attn_scores"
    engine.run(torch.tensor([IDS]), [(name, lambda value, _: seen.append(value[0, head]))])
    return torch.cat(seen).double().numpy()


@pytest.mark.parametrize("name", [n for n in QUICK if n != "gemma2"])
@pytest.mark.parametrize("against", [(), (0,), (1, 3, 4)])
def test_the_parts_sum_to_the_models_own_score(name, against):
    engine = Engine(random_model(name), name=name)
    left = engine.hooks_left()
    row = scores_of(engine, *HEAD)[6]
    whole = row[2] - (row[list(against)].mean() if against else 0)
    found = query_key(engine, IDS, HEAD, 6, 2, against)
    assert found.score == pytest.approx(whole, abs=1e-6)
    assert found.table.sum() == pytest.approx(whole, abs=1e-5)
    assert found.error < 1e-5
    for side, rows in found.sides().groupby("side"):
        assert rows["value"].sum() == pytest.approx(whole, abs=1e-5), side
    assert np.abs(found.table).max() > 1e-3, "a split of nothing would sum as well"
    assert engine.hooks_left() == left


REFUSED = ("gemma3",)
SHOWS_THE_PATTERN = ("opt", "gpt-neo")


@pytest.mark.parametrize("name", [n for n in NAMES if n not in (*QUICK, *REFUSED)])
def test_every_other_shape_is_split_too(name):
    engine = Engine(random_model(name), name=name)
    found = query_key(engine, IDS, HEAD, 6, 2, (1,))
    row = scores_of(engine, *HEAD)[6]
    if name in SHOWS_THE_PATTERN:
        assert row.sum() == pytest.approx(1)
        row = np.log(row)
    assert found.table.sum() == pytest.approx(row[2] - row[1], abs=1e-4)


@pytest.mark.parametrize("name", REFUSED)
def test_a_shape_whose_scores_are_another_sum_is_refused(name):
    engine = Engine(random_model(name), name=name)
    with pytest.raises(NotMeasurable, match="queries or keys"):
        query_key(engine, IDS, HEAD, 6, 2, (1,))


def test_a_soft_cap_is_undone():
    engine = Engine(random_model("gemma2"), name="gemma2")
    row = 4.0 * np.arctanh(scores_of(engine, *HEAD)[6] / 4.0)
    found = query_key(engine, IDS, HEAD, 6, 2)
    assert found.table.sum() == pytest.approx(row[2], abs=1e-4)


def test_places_that_do_not_exist_are_named():
    engine = Engine(random_model("gpt2"), name="gpt2")
    with pytest.raises(InputError, match=r"expected positions 0 to 3 .* got 5"):
        query_key(engine, IDS, HEAD, 3, 5)
    with pytest.raises(InputError, match="got 9"):
        query_key(engine, IDS, HEAD, 6, 2, (9,))
    with pytest.raises(InputError, match=r"9\.0"):
        query_key(engine, IDS, "9.0", 6, 2)
