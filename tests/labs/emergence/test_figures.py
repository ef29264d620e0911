"""The figures as functions: counted by hand, on models whose wiring is known."""

from __future__ import annotations

import math

import pytest
import torch

from headwidgets.errors import InputError
from headwidgets.labs import emergence as lab
from headwidgets.labs.emergence import figures, sweeps
from headwidgets.labs.emergence.batch import generator
from headwidgets.labs.emergence.toy import toy

Z = "blocks.1.attn.hook_z"


def test_what_a_head_is_worth_is_counted(shipped):
    trained = shipped
    frame = figures.heads(trained, n=300, seed=4).set_index("head")
    batch = trained.data.draw(300, generator(4, figures._SALT))
    right = lambda clamps: trained.logits(batch, clamps)[:, 0].argmax(1) == batch.targets[:, 0]  # noqa: E731 - four times
    alone = {h: right({Z: lab.zero([o for o in range(8) if o != h])}) for h in range(8)}
    for head in range(8):
        assert frame.loc[head, "keep_one"] == pytest.approx(float(alone[head].float().mean()))
    best = frame["keep_one"].idxmax()
    wrong = ~alone[best]
    other = next(h for h in range(8) if h != best)
    assert frame.loc[other, "corrected"] == pytest.approx(float(alone[other][wrong].float().mean()))
    assert frame.loc[best, "corrected"] == 0
    assert frame.loc[best, "drop_one"] == pytest.approx(
        float(right({Z: lab.zero([int(best)])}).float().mean())
    )
    assert (frame["perfect"] >= frame["keep_one"] - 0.02).all(), "a perfect match does not hurt"


def test_heads_add_up(shipped):
    frame = figures.adding(shipped)
    assert frame["heads"].tolist() == list(range(1, 9))
    assert frame["loss"].iloc[-1] < frame["loss"].iloc[0] / 2
    assert frame["loss"].diff().dropna().max() < 0.01, "each head that is added lowers the loss"
    given = figures.adding(shipped, order=[3, 0])
    assert given["added"].tolist() == [3, 0]


def test_a_pair_does_better_than_its_best(shipped):
    frame = figures.pairs(shipped)
    assert len(frame) == 7
    assert (frame["alone"] <= frame["other_alone"]).all()
    assert (frame["together"] <= frame["alone"] + 0.02).all()
    assert frame["together"].min() < frame["alone"].min() - 0.02


def test_previous_token_heads_feed_keys_and_the_others_values(shipped):
    """The paper: with patterns kept its previous-token heads are not needed, and the reverse."""
    frame = figures.wiring(shipped)
    found = frame.set_index(["removed", "preserved"])["accuracy"]
    print(frame, frame.attrs)
    assert found["previous-token heads", "patterns"] > found["previous-token heads", "values"] + 0.1
    assert found["other heads", "values"] > found["other heads", "patterns"] + 0.1
    assert found["previous-token heads", "patterns"] > 0.95
    assert found["other heads", "values"] > 0.95
    assert found["stream", "patterns and values"] > 0.97, "layer 2 needs nothing of the stream"


def test_times_and_properties_read_curves(small):
    data, shape = small
    options = {"shape": shape, "sequences": 32 * 60, "every": 10, "rate": 1e-2, "asked": 50}
    conditions = {"a": None, "b": lab.preset("none", head=1)}
    runs = {stream: lab.run(data, conditions, stream=stream, **options) for stream in (0, 1)}
    for one in runs.values():
        one.train()
    frame = figures.times(runs[0])
    curves = runs[0].curves().query("part == 'train'")
    for name in ("a", "b"):
        mine = curves[curves["condition"] == name]
        below = mine[mine["loss"] < 0.4 * math.log(2)]["sequences"]
        row = frame.set_index("condition").loc[name]
        assert row["final"] == mine["loss"].iloc[-1]
        assert (math.isnan(row["learned"]) and below.empty) or row["learned"] == below.min()
    both = figures.properties(runs)
    assert both["value"].tolist() == [0, 0, 1, 1]
    ratios = both.query("value == 0")["ratio"].dropna()
    assert (ratios == 1).all()
    with pytest.raises(InputError, match="expected a run by value"):
        figures.properties({})


def test_runs_of_figures_are_prepared(small):
    data, shape = small
    options = {"shape": shape, "sequences": 64, "asked": 20, "kept": 2}
    assert sweeps.six_clamps(data, previous=1, **options).conditions == list(sweeps.SIX)
    assert sweeps.one_head_each(data, **options).conditions == ["all", "head 0", "head 1"]
    sweep = sweeps.strengths(data, (0.5, 0.9), **options).train()
    assert sweep.conditions == ["0", "0.8"]
    heads = sweep.heads().query("measure == 'induction strength' and head == 0")
    for name, want in (("0", 0.0), ("0.8", 0.8)):
        found = heads[heads["condition"] == name]["value"].to_numpy()
        assert found == pytest.approx(want, abs=1e-6)
    source = lab.run(data, seed=9, **options).train().trained()
    grafts = sweeps.grafts(data, {"seed 9": source}, **options).train()
    held = grafts.trained("seed 9").run(data.draw(4, generator(0)), lab.grafted(source))
    own = source.run(data.draw(4, generator(0)))
    same = [torch.equal(held[n], own[n]) for n in held if n.startswith("blocks.0.attn.hook_z")]
    assert same == [False], "embeddings are the graft's own"
    frame = sweeps.over_seeds(data, [1, 2], previous=0, shape=shape, sequences=64, kept=0)
    assert frame["seed"].tolist() == [1] * 6 + [2] * 6


def test_figures_of_nonsense_are_refused(small, tmp_path):
    data, shape = small
    options = {"shape": shape, "sequences": 64, "asked": 20, "kept": 0}
    made = lab.run(data, **options)
    with pytest.raises(InputError, match="expected a part among none yet, got 'train'"):
        lab.times(made)
    made.train()
    with pytest.raises(InputError, match=r"expected a part among train, .*, got 'x'"):
        lab.times(made, "x")
    with pytest.raises(InputError, match="expected a baseline among"):
        lab.properties({50: made}, baseline=7)
    with pytest.raises(InputError, match="keeps checkpoints"):
        lab.ship(made, tmp_path / "made.safetensors")
    with pytest.raises(InputError, match="expected n as a whole number from 1"):
        lab.heads(made.trained(), n=0)
    assert lab.strengths(data, [0.75, 0.7505], **options).conditions == ["0.5", "0.501"]
    with pytest.raises(InputError, match=r"values that differ, got 0\.5 twice"):
        lab.strengths(data, [0.5, 0.5], **options)
    with pytest.raises(InputError, match="expected p from 0 to 1, got 'a'"):
        lab.strengths(data, ["a"], **options)
    with pytest.raises(InputError, match="other names than 'none'"):
        lab.grafts(data, {"none": made.trained()}, **options)


def test_figures_ask_for_two_layers(small):
    data, _ = small
    shape = lab.Shape(n_layers=1, n_heads=2, d_model=16, n_features=16)
    trained = lab.run(data, shape=shape, sequences=64, asked=20).train().trained()
    for figure in (figures.heads, figures.adding, figures.pairs, figures.wiring):
        with pytest.raises(InputError, match="of two layers"):
            figure(trained)
    with pytest.raises(InputError, match="of two layers"):
        figures.heads(3)


@pytest.mark.parametrize("options", [{"dims": 0}, {"steps": 0}, {"rate": 0}, {"seed": -1}])
def test_a_toy_of_nonsense_is_refused(options):
    with pytest.raises(InputError):
        toy(**options)
    with pytest.raises(InputError, match="the loss is not finite at a rate of 1e\\+06"):
        toy(rate=1e6)
