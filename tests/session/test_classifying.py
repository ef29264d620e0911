"""A classifier over heads: planted heads found in models left out, and nothing where labels lie."""

from __future__ import annotations

import numpy as np
import pytest
from planted_shapes import shaped_planted

import headwidgets as hw
from headwidgets.errors import Cancelled, InputError
from headwidgets.model.work import Work, doing
from headwidgets.session.classified_kinds import How, classified
from headwidgets.widgets.grid_face import lines

SHAPES = ((2, 4, 0.0), (3, 3, 0.05), (2, 6, 0.05), (4, 3, 0.0))  # layers, heads, noise
KINDS = ("previous token", "induction")


@pytest.fixture(scope="module")
def models():
    """Sessions over planted models of four shapes, and where their heads are."""
    held, places = {}, {}
    for seed, (n_layers, n_heads, noise) in enumerate(SHAPES):
        bridge, *where = shaped_planted(n_layers, n_heads, noise=noise, seed=seed)
        name = f"{n_layers} x {n_heads}"
        held[name] = hw.Session(bridge)
        places[name] = dict(zip(KINDS, where, strict=True))
    yield held, places
    for session in held.values():
        session.close()


@pytest.fixture(scope="module")
def found(models):
    return hw.classify_heads(models[0], KINDS, draws=400)


def test_planted_heads_are_told_apart_in_the_model_left_out(models, found):
    frame = found.frame.set_index("kind")
    for kind in KINDS:
        row = frame.loc[kind]
        assert row["models"] == len(SHAPES)
        assert row["auc"] == 1.0
        assert row["balanced"] > 0.9
        assert row["p_corrected"] <= 0.01
        assert row["auc"] > row["null_mean"] + 0.3
        assert row["auc"] > row["depth_auc"]
        assert row["p_in_layer"] >= row["p"]
        assert row["p_in_layer_corrected"] <= 0.05
    heads = found.heads()
    for name, places in models[1].items():
        for kind, place in places.items():
            mine = heads[(heads["model"] == name) & (heads["kind"] == kind)]
            best = mine.sort_values("probability").iloc[-1]
            assert (best["layer"], best["head"]) == place
            assert best["predicted"]
            assert best["confirmed"]


def test_it_is_told_by_what_defines_it(found):
    for kind, feature in (("previous token", "previous"), ("induction", "after_copy")):
        best = found.weights(kind).head(2)
        assert feature in set(best["feature"])
        assert (best["weight"] > 0).all()
        assert f"{feature} +" in found.frame.set_index("kind").loc[kind, "told_by"]


def test_everything_says_that_it_is_exploratory(models, found):
    predicted = found.predict(next(iter(models[0].values())))
    for frame in (found.frame, found.by_model, found.heads(), found.weights(KINDS[0]), predicted):
        assert (frame["evidence"] == "exploratory").all()
        assert frame.attrs["measured_on"].startswith("exploratory: ")
        assert "no verdict rests on it" in frame.attrs["notes"][0]
    assert "exploratory: " in found._repr_html_()


def test_a_figure_of_it_says_so_too(models, found):
    session = next(iter(models[0].values()))
    frame = found.predict(session)
    grid = hw.HeadGrid(session, score=frame[frame["kind"] == "induction"], value="probability")
    assert "exploratory: a classifier over heads" in lines(grid)
    grid.close()


def test_a_model_that_it_never_saw(found):
    bridge, _, place = shaped_planted(3, 5, noise=0.05, seed=11)
    session = hw.Session(bridge)
    frame = found.predict(session)
    session.close()
    assert not frame["left_out"].any()
    assert len(frame) == 15 * len(KINDS)
    best = frame[frame["kind"] == "induction"].sort_values("probability").iloc[-1]
    assert (best["layer"], best["head"]) == place
    assert best["predicted"]


def test_one_that_it_saw_is_left_out(models, found):
    name, session = next(iter(models[0].items()))
    frame = found.predict(session)
    assert frame["left_out"].all()
    beside = found.heads()
    beside = beside[beside["model"] == name].reset_index(drop=True)
    assert np.allclose(frame["probability"], beside["probability"])


def _table(n_models, labels, seed=0):
    """Heads with features of no meaning, and labels."""
    import pandas as pd

    random = np.random.default_rng(seed)
    rows = n_models * 30
    table = pd.DataFrame(random.standard_normal((rows, 6)), columns=[*"abcde", "depth"])
    table["model"] = np.repeat([f"m{i}" for i in range(n_models)], 30)
    table["kind"], table["layer"], table["head"] = "k", 0, np.tile(np.arange(30), n_models)
    table["confirmed"] = labels(random, table)
    return table


def _judged(table, draws=200):
    names = list(dict.fromkeys(table["model"]))
    features = (*"abcde", "depth")
    return classified(table, features, {n: n for n in names}, How("logistic", draws, 1))


def test_labels_of_no_meaning_do_not_beat_the_null():
    """Over many draws of labels p is as often below a tenth as it should be."""

    def drawn(random, table):
        return random.permutation(np.arange(len(table)) % 30 < 4)

    ps = np.array([_judged(_table(4, drawn, seed)).frame["p"].iloc[0] for seed in range(40)])
    assert (ps <= 0.01).sum() <= 2
    assert 0.3 < ps.mean() < 0.7


def test_a_kind_that_is_all_of_one_layer_is_told_by_its_layer_alone():
    """Which heads of the layer are one is drawn; what tells it is the depth."""

    def deep(random, table):
        table["layer"] = table["head"] // 10
        table["depth"] = table["layer"] / 2
        own = np.zeros(len(table), bool)
        for name in set(table["model"]):
            last = np.flatnonzero((table["model"] == name) & (table["layer"] == 2))
            own[random.choice(last, 5, replace=False)] = True
        return own

    frames = [_judged(_table(4, deep, seed)).frame.iloc[0] for seed in range(12)]
    assert all(row["p"] <= 0.01 for row in frames)
    assert all(row["auc"] > row["in_layer_mean"] - 0.2 for row in frames)
    assert all(row["in_layer_mean"] > row["null_mean"] + 0.15 for row in frames)
    ps = np.array([row["p_in_layer"] for row in frames])
    assert (ps <= 0.05).sum() <= 2
    assert ps.mean() > 0.3
    assert all(row["p_in_layer_corrected"] == row["p_in_layer"] for row in frames), "one kind"


def test_a_kind_that_its_features_tell_is_told_within_a_layer_too():
    def told(random, table):
        table["layer"] = table["head"] // 10
        table["depth"] = table["layer"] / 2
        own = random.permutation(np.arange(len(table)) % 30 < 4)
        table["a"] += 3.0 * own
        return own

    assert _judged(_table(4, told)).frame["p_in_layer"].iloc[0] <= 0.01


def test_the_null_knows_how_many_heads_of_a_kind_each_model_has():
    """A kind that one model is full of: guessing the model gets accuracy, but no AUC."""

    def crowded(random, table):
        share = np.where(table["model"] == "m0", 0.8, 0.1)
        return random.random(len(table)) < share

    frame = _judged(_table(4, crowded)).frame
    assert frame["p"].iloc[0] > 0.01
    assert frame["accuracy"].iloc[0] <= frame["majority"].iloc[0] + 0.1
    assert abs(frame["null_mean"].iloc[0] - 0.5) < 0.05


def test_a_feature_beyond_what_was_seen_counts_as_the_nearest():
    """Noise of one model must not drown what was learnt of others, where it was nearly still."""
    from headwidgets.methods.over_heads import fit_over_heads

    random = np.random.default_rng(0)
    y = np.arange(60) % 10 == 0
    x = np.stack([y + 0.1 * random.standard_normal(60), 1e-6 * random.standard_normal(60)], 1)
    fitted = fit_over_heads(x, y[:, None])
    far = fitted.probability(np.array([[1.0, 50.0], [0.0, 50.0], [1.0, np.nan]]))[:, 0]
    assert far[0] > 0.5 > far[1]
    assert far[2] > 0.5
    assert np.allclose(fitted.probability(x[:3]), fitted.probability(np.clip(x[:3], -9, 9)))


def test_scikit_learn_finds_the_same(models, found):
    pytest.importorskip("sklearn")
    some = dict(list(models[0].items())[:2])
    ours = hw.classify_heads(some, "induction", draws=200)
    theirs = hw.classify_heads(some, "induction", draws=200, how="scikit-learn")
    one, other = ours.heads()["probability"], theirs.heads()["probability"]
    assert np.allclose(one, other, atol=5e-3)


def test_permuted_labels_of_planted_models_prove_nothing(models, found):
    """The true features with labels permuted within each model: the found AUC is one of many."""
    from headwidgets.methods.over_heads import leave_one_out, mean_auc, permuted_within

    one = found._labelled["induction"]
    random = np.random.default_rng(7)
    wrong = permuted_within(one.y, one.model, 100, random)
    null = permuted_within(one.y, one.model, 400, random)
    reached = mean_auc(leave_one_out(one.x, null, one.model))
    aucs = mean_auc(leave_one_out(one.x, wrong, one.model))
    ps = (1 + (reached[None] >= aucs[:, None]).sum(1)) / 401
    assert (ps <= 0.05).mean() <= 0.12


def test_what_one_model_alone_has_is_not_judged(models):
    session = hw.Session("planted")
    some = {"planted": session, **dict(list(models[0].items())[:2])}
    frame = hw.classify_heads(some, [*KINDS, "associative memories"], draws=200).frame
    session.close()
    row = frame.set_index("kind").loc["associative memories"]
    assert row["models"] == 0
    assert np.isnan(row["auc"])
    assert "no head of these models is confirmed" in row["reason"]


def test_bad_input(models):
    held = list(models[0].values())
    cases = [
        (held[:1], {}, "at least two models"),
        (held[0], {}, "expected at least two sessions"),
        ("planted", {}, "expected at least two sessions"),
        (42, {}, "expected at least two sessions"),
        ([held[0], object()], {}, "expected a session"),
        ([held[0], held[0]], {}, "the same weights"),
        (held, {"draws": 100}, "at least 200 draws"),
        (held, {"how": "forest"}, "expected how"),
        (held, {"seed": -1}, "expected seed"),
        (held, {"kinds": "inducton"}, "induction"),
        (held, {"kinds": "associative memories"}, "no kind can be learnt"),
    ]
    for sessions, options, words in cases:
        with pytest.raises(InputError, match=words):
            hw.classify_heads(sessions, **{"kinds": "induction", **options})


def test_it_can_be_cancelled_and_leaves_no_hook(models):
    held = list(models[0].values())[:2]
    before = [one.engine.hooks_left() for one in held]
    work = Work(lambda *_: work.cancel())
    with doing(work), pytest.raises(Cancelled):
        hw.classify_heads(held, KINDS, draws=200)
    assert [one.engine.hooks_left() for one in held] == before


def test_bad_input_to_what_it_found(found):
    with pytest.raises(InputError, match="expected a session"):
        found.predict("planted")
    with pytest.raises(InputError, match="expected a kind that was judged"):
        found.weights("mover")
    with pytest.raises(InputError, match="that was judged"):
        found.weights(["mover"])


def test_a_proof_counts_and_a_candidate_does_not(planted):
    frame = planted.confirmed_heads("induction")
    assert list(frame.columns) == ["kind", "layer", "head", "score", "verdict", "confirmed"]
    assert frame.loc[frame["confirmed"], ["layer", "head"]].to_numpy().tolist() == [[1, 0]]
    assert "confirmed heads" in planted.frames


def test_a_name_is_opened_and_closed(models):
    frame = hw.classify_heads([next(iter(models[0].values())), "planted"], KINDS, draws=200).frame
    assert (frame["auc"] == 1).all()
