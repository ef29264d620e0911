"""Features of heads: what is known of planted ones, and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import headwidgets as hw
from headwidgets.errors import InputError
from headwidgets.taxonomy.head_features import feature_names, head_features
from headwidgets.zoo.toys import one_layer


@pytest.fixture(scope="module")
def planted_heads():
    session = hw.Session("planted")
    frame = session.head_features()
    frame.index = [f"{a}.{b}" for a, b in zip(frame["layer"], frame["head"], strict=True)]
    yield session, frame
    session.close()


def test_planted_heads_look_where_they_were_made_to(planted_heads):
    frame = planted_heads[1]
    assert frame.loc["0.0", "previous"] > 0.99
    assert frame.loc["0.2", "self"] > 0.99
    assert frame.loc["1.1", "first"] > 0.99
    assert frame.loc["1.0", "after_copy"] > 0.99
    assert frame.loc["0.1", "copy"] > 0.99
    assert frame.loc["1.0", "after_copy_control"] < 0.01
    assert frame.loc["1.2", "entropy"] == pytest.approx(1, abs=1e-6)
    assert frame.loc["1.2", "text_entropy"] == pytest.approx(1, abs=1e-6)
    assert frame.loc["1.0", "ov_copying"] == pytest.approx(1, abs=1e-6)
    assert frame.loc["0.1", "qk_matching"] > 0.99
    assert frame.loc["1.1", "write_varies"] == pytest.approx(0, abs=1e-6)  # it always writes <bos>


def test_uniform_attention_has_its_closed_forms(planted_heads):
    _, frame = planted_heads
    length = 101
    places = np.arange(1, length)
    assert frame.loc["1.2", "peak"] == pytest.approx(float(np.mean(1 / (places + 1))), rel=1e-4)
    two = np.mean(1 / (places[places >= 2] + 1))
    assert frame.loc["1.2", "two_back"] == pytest.approx(float(two), rel=1e-4)
    mean_back = [(q * (q - 1) / 2) / (q + 1) / q for q in places]  # keys 1 … q
    assert frame.loc["1.2", "distance"] == pytest.approx(float(np.mean(mean_back)), rel=1e-4)


def test_weights_are_what_dense_matrices_give():
    session = hw.Session(one_layer())
    engine = session.engine
    frame = head_features(engine)
    W_E, W_U = engine.weights.W_E.double(), engine.weights.W_U.double()
    sizes = []
    for h in range(engine.facts.n_heads):
        OV = (engine.weights.W_V(0)[h] @ engine.weights.W_O(0)[h]).double()
        values = torch.linalg.eigvals(W_E @ OV @ W_U)
        total = float(values.abs().sum())
        copying = float(values.real.sum()) / total if total > 1e-9 else 0.0
        assert frame["ov_copying"][h] == pytest.approx(copying, abs=1e-6)
        sizes.append(np.log(float(OV.norm())) if float(OV.norm()) else np.nan)
    sizes = np.array(sizes)
    assert np.allclose(frame["ov_norm"], sizes - np.nanmedian(sizes), equal_nan=True, atol=1e-6)
    session.close()


def test_composition_is_the_ratio_of_norms(shaped_bridges):
    """Beside the dense formula of Elhage et al. 2021, on random weights."""
    session = hw.Session(shaped_bridges("gpt2"))
    engine, facts = session.engine, session.engine.facts
    frame = head_features(engine)
    weights = engine.weights
    ov = [(weights.W_V(i) @ weights.W_O(i)).double() for i in range(facts.n_layers)]
    qk = [(weights.W_Q(i) @ weights.W_K(i).transpose(1, 2)).double() for i in range(facts.n_layers)]
    read_by = {"q": qk, "k": [one.transpose(1, 2) for one in qk], "v": ov}
    for letter, readers in read_by.items():
        best, pairs = np.full((facts.n_layers, facts.n_heads), np.nan), []
        for layer in range(1, facts.n_layers):
            for h, reader in enumerate(readers[layer]):
                found = [
                    float((one @ reader).norm() / one.norm() / reader.norm())
                    for before in ov[:layer]
                    for one in before
                ]
                best[layer, h], pairs = max(found), [*pairs, *found]
        wanted = (best - np.median(pairs)).reshape(-1)
        own = frame[f"{letter}_composition"]
        assert np.allclose(own, wanted, atol=1e-5, equal_nan=True)
    session.close()


def test_rotary_models_have_no_weights_only_queries(shaped_bridges):
    session = hw.Session(shaped_bridges("llama"))
    frame = session.head_features()
    assert frame[["qk_norm", "qk_matching", "q_composition", "k_composition"]].isna().all(axis=None)
    assert frame["v_composition"].notna().any()
    assert "qk_matching" in frame.attrs["notes"][0]
    session.close()


@pytest.mark.parametrize("name", ["gpt2", "neox", "gemma2", "opt"])
def test_every_architecture_has_them(shaped_bridges, name):
    session = hw.Session(shaped_bridges(name))
    before = session.engine.hooks_left()
    frame = session.head_features()
    assert session.engine.hooks_left() == before
    assert len(frame) == session.facts.n_layers * session.facts.n_heads
    assert frame[["first", "entropy", "write_share", "ov_norm", "ov_rank"]].notna().all(axis=None)
    assert np.isfinite(frame[feature_names(frame)].fillna(0).to_numpy()).all()
    session.close()


def test_they_are_kept_while_weights_stay(planted_heads):
    session, _ = planted_heads
    runs = []
    forward = session.engine._forward
    session.engine._forward = lambda *a: runs.append(1) or forward(*a)
    try:
        again = session.head_features()
        assert not runs
        again["depth"] = 7.0
        assert session.head_features()["depth"].max() == 1
        session.head_features(seed=3)
        assert runs
    finally:
        del session.engine._forward


def test_bad_seed(planted):
    with pytest.raises(InputError, match="expected seed"):
        planted.head_features(seed="x")
