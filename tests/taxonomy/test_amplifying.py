"""Amplification heads: the correlation, its random matrices, and what is read off real runs."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from direct import engine_of
from made_tasks import measuring, options, table
from planted.amplifying import ADDS, LOOKS, N, planted

from headwidgets.methods.decompose import Apart
from headwidgets.methods.record import record, stream_name
from headwidgets.model.finish import Finish
from headwidgets.taxonomy import amplifying
from headwidgets.taxonomy.asked import END
from headwidgets.taxonomy.ending import Ending, ending
from headwidgets.taxonomy.on_task import OnTask, answers
from headwidgets.taxonomy.seen import Look, see
from headwidgets.taxonomy.verdict import CANDIDATE, NO


@pytest.mark.parametrize("noise", [0.0, 0.05])
@pytest.mark.parametrize("seed", [0, 1])
def test_planted(noise, seed):
    adds = ADDS[:-1] if noise else ADDS
    with planted(adds, LOOKS[: len(adds)], noise=noise, seed=seed) as (measure, held):
        found = table(measure, "amplification")
    assert found["verdict"]["0.0"] == CANDIDATE
    assert "the proving intervention has not run" in found["reason"]["0.0"]
    assert found["p"]["0.0"] <= 0.01
    assert found["score"]["0.0"] == pytest.approx(1, abs=0.02)
    assert set(found["verdict"].drop("0.0")) == {NO}
    assert "looks at the last 3 tokens with 0.0" in found["reason"]["0.1"]
    if not noise:
        assert "adds 0.005 to a lead of 1" in found["reason"]["0.6"]
        assert found["score"].to_numpy()[[2, 3, 5]] == pytest.approx([-1, 0, 0], abs=1e-4)
        centered = held - held.mean(1, keepdims=True)
        centered -= centered.mean(0)
        rows = 0.5 * (centered**2).sum(1) / (0.5 * (centered**2).mean())
        assert found["se"]["0.0"] == pytest.approx((rows / 4).std(ddof=1) / np.sqrt(N), rel=1e-3)


def test_the_null_is_that_of_random_matrices_drawn_whole():
    """Not as [d_head, letter] but as W_O, [d_head, d_model], and read by the letters."""
    random = np.random.default_rng(0)
    shared = random.standard_normal((1, 1, 1, 5))
    z = (random.standard_normal((N, 1, 1, 5)) * [3, 1, 1, 0.3, 0.1] + shared).astype(np.float32)
    held = (z[:, :, 0] @ random.standard_normal((5, 4))).astype(np.float32)
    read = random.standard_normal((12, 4)) @ np.diag([4, 1, 1, 1]) + 2
    measure = SimpleNamespace(seed=0, draws=4000)
    null = amplifying._null(measure, Ending(held, z, held), read)[:, 0, 0]
    own = []
    for _ in range(4000):
        added = (z[:, 0, 0] @ random.standard_normal((5, 12)) @ read)[:, None]
        one, other = amplifying._centered(added), amplifying._centered(held)
        own.append((one * other).sum() / np.sqrt((one**2).sum() * (other**2).sum()))
    share = np.linspace(0.05, 0.95, 7)
    np.testing.assert_allclose(np.quantile(null, share), np.quantile(own, share), atol=0.05)
    assert null.std() > 0.15  # far wider than one over the root of 3 n


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma3"])
def test_the_ending_is_that_of_the_run(shaped_bridges, name):
    engine = engine_of(shaped_bridges(name))
    asked = options(30)
    task = SimpleNamespace(asked=asked)
    found = ending(SimpleNamespace(engine=engine, hooks=()), task, asked.options[0])
    rows = [row for row in asked.rows if len(row) == len(asked.rows[1])]
    places = [asked.rows.index(row) for row in rows]
    apart = Apart(engine, rows, [len(row) - 1 for row in rows])
    writes = [one.vectors.norm(dim=-1) for one in apart.writes() if one.part == "head"]
    for layer, written in enumerate(writes):
        stream = record(engine, rows, [stream_name(layer)])[stream_name(layer)][:, -1].float()
        with engine.exclusive(), torch.no_grad():
            end = Finish(engine)
            logits = end.logits(end.norm(stream))[:, [1, 2, 3, 4]]
        expected = amplifying._centered(logits.cpu().numpy())  # the biases go
        held = amplifying._centered(found.held[places, layer])
        np.testing.assert_allclose(held, expected, atol=1e-4)
        length = written / stream.norm(dim=-1, keepdim=True)
        np.testing.assert_allclose(found.length[places, layer], length.numpy(), rtol=1e-4)


@pytest.mark.parametrize("name", ["gpt2", "gemma3"])
@pytest.mark.parametrize(
    "kind", ["amplification", "content gatherer", "correct letter", "constant"]
)
def test_random_models_claim_nothing(shaped_bridges, name, kind):
    engine = engine_of(shaped_bridges(name))
    asked = options(40)
    looks = [Look(row, (len(row) - 1,), answers(asked, i)) for i, row in enumerate(asked.rows)]
    seen = tuple(see(engine, looks))
    for row, one in enumerate(seen):
        one.logits[asked.answer[row]] += 20  # as if it were good at it
    measure = measuring("options", OnTask(asked, seen, (END,), 1.0), draws=300)
    measure = type(measure)(engine, measure.rows, draws=300, _tasks=measure._tasks)
    found = table(measure, kind)
    assert set(found["verdict"]) <= {NO, CANDIDATE}
    assert found["score"].notna().all()
