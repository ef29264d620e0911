"""Who hands over to whom: on a planted circuit one arrow and nothing else; the sums by stage."""

from __future__ import annotations

import numpy as np
import pytest
from planted import name_circuit
from test_walks import prompts

from headwidgets.errors import Cancelled, InputError
from headwidgets.heads import Head
from headwidgets.methods.path_jobs import Jobs
from headwidgets.methods.receivers import Receiver
from headwidgets.methods.sweep_plan import Plan
from headwidgets.model.work import Work, doing
from headwidgets.taxonomy.hand_over import by_stage, cycling, hand_over, skipping, stages_of
from headwidgets.taxonomy.registry import IDENTIFICATION, PREPARATION, REASONING, STAGES

CLAIMED = {
    "s-inhibition": ["0.0", "0.1", "0.2", "0.3"],
    "name mover": ["1.0", "1.1", "1.2", "1.3"],
}


@pytest.fixture(scope="module")
def found():
    _, snapshot = prompts()
    return hand_over(name_circuit.engine_of(), snapshot, CLAIMED)


def test_one_arrow_was_planted_and_one_is_found(found):
    assert len(found) == 4 * 4 * 3
    first, others = found.iloc[0], found.iloc[1:]
    assert (first["from"], first["to"], first["input"]) == ("0.0", "1.0", "q")
    assert first["effect"] < -1
    assert first["high"] < 0
    assert others["effect"].abs().max() < 1e-4


def test_noise_leaves_it_the_strongest_by_far():
    _, snapshot = prompts()
    found = hand_over(name_circuit.engine_of(0.05), snapshot, CLAIMED)
    assert list(found.loc[0, ["from", "to", "input"]]) == ["0.0", "1.0", "q"]
    assert abs(found.loc[0, "effect"]) > 5 * found["effect"].iloc[1:].abs().max()


def test_the_matrix_has_it_below_the_diagonal(found):
    matrix = by_stage(found)
    assert matrix.shape == (4, 4)
    assert list(matrix.index) == list(STAGES)
    assert matrix.loc[REASONING, IDENTIFICATION] == pytest.approx(found["effect"].sum())
    assert by_stage(found, "se").loc[REASONING, IDENTIFICATION] > 0
    assert by_stage(found, "edges").loc[REASONING, IDENTIFICATION] == len(found)
    assert matrix.isna().to_numpy().sum() == 15, "no other stages are claimed"
    assert cycling(found) == 1


def test_an_edge_is_what_path_patching_gives(found):
    _, snapshot = prompts()
    engine = name_circuit.engine_of()
    jobs = Jobs(
        engine, snapshot, Plan("patch", direction="noise"), [([Head(0, 0)], (Receiver(1, 0, "q"),))]
    )
    jobs.measure()
    change = jobs.edited[0] - jobs.ends["clean"]
    row = found.iloc[0]
    assert row["effect"] == pytest.approx(change.mean(), abs=1e-6)
    assert row["se"] == pytest.approx(change.std(ddof=1) / np.sqrt(len(change)), abs=1e-6)


def test_a_head_of_two_stages_counts_half_in_each():
    _, snapshot = prompts(n=6)
    both = {**CLAIMED, "amplification": ["1.0"]}
    found = hand_over(name_circuit.engine_of(), snapshot, both)
    matrix = by_stage(found)
    whole = found["effect"].sum()
    assert found.loc[0, "stage_to"] == f"{IDENTIFICATION} + {PREPARATION}"
    assert matrix.loc[REASONING, PREPARATION] == pytest.approx(whole / 2, abs=1e-4)
    assert np.nansum(matrix) == pytest.approx(whole, abs=1e-6)
    assert cycling(found) == pytest.approx(0.5, abs=1e-4)
    assert stages_of(("name mover", "amplification")) == (IDENTIFICATION, PREPARATION)


def test_who_writes_the_answer_skips_nothing_and_who_writes_nothing_skips_all():
    _, snapshot = prompts()
    engine = name_circuit.engine_of()
    mover, rests = (skipping(engine, snapshot, [head]) for head in (Head(1, 0), Head(1, 3)))
    assert mover["share"] == 0
    assert mover["mean"] > 0.5
    assert rests["share"] == 1
    assert rests["mean"] == pytest.approx(0, abs=1e-6)
    assert rests["n"] == len(snapshot.pairs)
    none = skipping(engine, snapshot, [])
    assert np.isnan(none["share"])
    assert "no head of expression preparation" in none["reason"]


def test_what_cannot_be_measured_is_refused():
    _, snapshot = prompts()
    engine = name_circuit.engine_of()
    with pytest.raises(InputError, match=r"at least two layers, got 0\.0, 0\.1"):
        hand_over(engine, snapshot, {"s-inhibition": ["0.0", "0.1"]})
    with pytest.raises(InputError, match="48 paths on 40 prompts are 1,920 runs"):
        hand_over(engine, snapshot, CLAIMED, most=1000)
    with pytest.raises(InputError, match="s-inhibition"):
        hand_over(engine, snapshot, {"s-inhibitor": ["0.0"]})
    with pytest.raises(InputError, match=r"9\.0"):
        hand_over(engine, snapshot, {"name mover": ["9.0", "0.0"]})


def test_what_was_done_is_kept_when_it_is_stopped():
    _, snapshot = prompts()
    engine = name_circuit.engine_of()
    left, work = engine.hooks_left(), Work()
    work.progress = lambda done, *_: work.cancel() if done > 100 else None
    with doing(work), pytest.raises(Cancelled) as stopped:
        hand_over(engine, snapshot, CLAIMED)
    frame = stopped.value.partial
    assert (frame["n"] > 0).sum() > 0
    assert frame.attrs["incomplete"].startswith("stopped")
    assert engine.hooks_left() == left
