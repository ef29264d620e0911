"""Successor heads from weights: a planted code of ones and tens, random circuits, real ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numerals import D_MODEL, counting
from planted.weights import Spelling

import headwidgets as hw
from headwidgets.errors import InputError, NotMeasurable
from headwidgets.labs import succession as lab
from headwidgets.taxonomy.score import score

COUNTS = {
    "numbers": 199,
    "number words": 19,
    "ordinals": 9,
    "days": 7,
    "months": 12,
    "day prefixes": 7,
    "month prefixes": 12,
    "letters": 25,
}


@pytest.fixture(scope="module")
def engine():
    return counting()


def test_the_data_are_290_pairs_of_eight_sets(engine):
    frame = lab.data(engine)
    assert len(frame) == 294
    assert frame["pair"].sum() == 290
    assert frame.groupby("set")["pair"].sum().to_dict() == COUNTS
    assert frame[frame["member"] == "Sunday"]["next"].item() == "Monday"
    assert frame[frame["member"] == "Z"]["next"].item() == ""


def test_what_a_tokenizer_cuts_is_left_out():
    engine = counting(cut=("Tuesday", *(str(i) for i in range(10, 201))))
    frame = lab.data(engine)
    assert frame["token"].isna().sum() == 192
    pairs = frame.groupby("set")["pair"].sum()
    assert (pairs["numbers"], pairs["days"]) == (8, 5)
    assert (lab.scores(engine)["n"] == 290 - 191 - 2).all()


@pytest.mark.parametrize(
    ("noise", "rank", "low", "high"),
    [(0.3, None, 0.93, 1), (0.3, 32, 0.92, 1), (0.3, 8, 0.2, 0.4), (0.0, None, 0.9, 0.93)],
)
def test_a_planted_head_counts_on_as_far_as_its_code_can(noise, rank, low, high):
    frame = lab.scores(counting(noise, rank))
    assert low <= frame["micro"][0] <= high
    assert frame["micro"][1] == 0, "the other copies"
    assert frame["copying"].round(2).tolist()[1] == 1
    assert frame["copying"][0] < 0.1


def test_without_noise_every_failure_is_a_carry_or_a_wrap():
    engine = counting(0.0)
    missed = 0
    for name in COUNTS:
        found = lab.matrix(engine, "0.0", name)
        data = lab.data(engine).query("set == @name and pair").set_index("member")
        for member, row in found.iterrows():
            if member not in data.index or row.idxmax() == data["next"][member]:
                continue
            missed += 1
            carries = (data["place"][member] + 1) % 10 == 9
            wraps = member == found.index[-1]
            assert carries or wraps, (name, member, row.idxmax())
    assert missed == 290 - round(290 * lab.scores(engine)["micro"][0])


def test_random_circuits_score_what_the_notes_measured():
    """200 random OV of rank 64 in 128: micro .027 ± .009, macro .080 ± .032."""
    W_E = torch.randn(400, D_MODEL, generator=torch.Generator().manual_seed(1))
    engine = Spelling(W_E, W_E.T, [[torch.eye(D_MODEL)]])
    known = lab.known_sets(engine, "normed")
    found = lab.random_circuits(engine, known)
    assert found["micro mean"] == pytest.approx(0.027, abs=0.009)
    assert found["macro mean"] == pytest.approx(0.080, abs=0.032)
    assert found["micro largest"] < 0.1


def test_the_score_is_the_taxonomys_where_norms_change_nothing(engine):
    kind = score(engine, "successor", draws=200)["score"].to_numpy()
    for variant in ("normed", lab.KIND):
        micro = lab.scores(engine, variant, draws=0)["micro"].to_numpy()
        assert micro == pytest.approx(kind, abs=1e-6)


def test_one_variant_alone_is_the_kinds_and_says_so(bundled):
    """The bundled model's norms change the score: .966 by the kind, .952, .955 and .969 besides."""
    kind = score(bundled.engine, "successor", draws=200)["score"].to_numpy()
    frame = lab.side_by_side(bundled)
    assert list(frame.columns) == ["layer", "head", *lab.VARIANTS]
    assert frame.attrs == {"kind": "head-normed", "why": {}}
    assert frame[lab.KIND].to_numpy() == pytest.approx(kind, abs=1e-6)
    best = frame.loc[frame[lab.KIND].idxmax(), list(lab.VARIANTS)]
    assert best.astype(float).round(3).tolist() == [0.952, 0.955, 0.966, 0.969]
    told = {variant: lab.scores(bundled, variant, draws=0).attrs["kind"] for variant in best.index}
    assert told == {"raw": False, "normed": False, "head-normed": True, "stream": False}


def test_each_variant_is_its_formula_by_hand(bundled):
    """On days, in plain tensors of the bridge: what goes in, which norms, what reads."""
    bridge, ids = bundled.engine.view, lab.known_set(bundled.engine, "days", "raw").series.ids
    token = bridge.embed.weight[ids] if hasattr(bridge.embed, "weight") else bridge.W_E[ids]
    block, head = bridge.blocks[3], 1
    with torch.no_grad():
        bare, through = bridge.blocks[0].mlp(token[None])[0], bridge.blocks[0].ln2(token[None])
        normed = bridge.blocks[0].mlp(through)[0]
        W_U = bridge.W_U[:, ids]
        gain = bridge.ln_final.weight[:, None] * W_U
        made = {
            "raw": (bare, W_U),
            "normed": (normed, W_U),
            "head-normed": (block.ln1(normed[None])[0], gain),
            "stream": (block.ln1((token + normed)[None])[0], gain),
        }
        for variant, (rows, read) in made.items():
            wanted = rows @ bridge.W_V[3, head] @ bridge.W_O[3, head] @ read
            wanted = (wanted - wanted.mean(1, keepdim=True)).numpy()
            found = lab.matrix(bundled, "3.1", "days", variant).to_numpy()
            np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-3 * np.abs(wanted).max())


class Experts(torch.nn.Module):
    """A first MLP that returns what a mixture of experts does: `more` beside its stream."""

    def __init__(self, mlp, *more, stream=True):
        super().__init__()
        self.mlp, self.more, self.stream = mlp, more, stream

    def forward(self, rows):
        return (self.mlp(rows), *self.more) if self.stream else self.more


def test_a_first_mlp_that_returns_more_than_a_stream_is_unpacked(bundled, monkeypatch):
    before = lab.scores(bundled, "raw", draws=0)["micro"].tolist()
    modules = bundled.engine.view.blocks[0]._modules
    mlp = modules["mlp"]
    monkeypatch.setitem(modules, "mlp", Experts(mlp, "router"))
    assert lab.scores(bundled, "raw", draws=0)["micro"].tolist() == before
    for made, returned in ((("router",), "str"), ((torch.zeros(3, 2),), r"\[3, 2\]")):
        monkeypatch.setitem(modules, "mlp", Experts(mlp, *made, stream=False))
        with pytest.raises(NotMeasurable, match=rf"the first MLP of .* returns {returned}"):
            lab.scores(bundled, "raw", draws=0)


def test_the_variants_of_the_bundled_model_agree_on_the_best_head(bundled):
    best = []
    for variant in lab.VARIANTS:
        frame = lab.scores(bundled, variant)
        row = frame.loc[frame["micro"].idxmax()]
        best.append((int(row["layer"]), int(row["head"])))
        assert row["micro"] > 0.9
        assert row["micro"] > 5 * frame.attrs["null"]["micro largest"]
        assert frame.attrs["variant"] == variant
        assert list(COUNTS) == list(frame.columns[6:])
        share = sum(row[name] * n for name, n in COUNTS.items()) / 290
        assert row["micro"] == pytest.approx(share)
        assert row["macro"] == pytest.approx(np.mean([row[name] for name in COUNTS]))
    assert len(set(best)) == 1


def test_a_matrix_shows_the_diagonal_beside_the_main_one(bundled):
    found = lab.matrix(bundled, "3.1", "days")
    assert found.idxmax(axis=1).to_dict()["Monday"] == "Tuesday"
    assert found.to_numpy().mean(1) == pytest.approx(0, abs=1e-6)


def test_bad_input_is_told(bundled):
    with pytest.raises(InputError, match="variant"):
        lab.scores(bundled, "other")
    with pytest.raises(InputError, match="expected a set among numbers"):
        lab.matrix(bundled, "3.1", "weeks")
    with pytest.raises(InputError):
        lab.matrix(bundled, "9.9", "days")
    with pytest.raises(NotMeasurable, match="no MLP"):
        lab.scores(hw.Session("planted"), "normed")
    why = lab.side_by_side(hw.Session("planted")).attrs["why"]
    assert list(why) == ["raw", "normed", "head-normed"]
