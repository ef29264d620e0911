"""Faithfulness, completeness and minimality: known by hand, and against plain hooks."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from swept import METRIC, session_of

import headwidgets as hw
from headwidgets.methods.circuits import circuit
from headwidgets.model.work import Work, doing
from headwidgets.zoo.toys import both, either

BETA = 40.0
WORD, BLANK = (0, 300, 5), (0, 6, 5)  # <bos>, a word, and a token without a code


def ask(session, heads, **options):
    return circuit(session.engine, session.snapshot(), heads, **options)


def value(frame, score, of):
    rows = frame[(frame["score"] == score) & (frame["of"] == of)]
    assert len(rows) == 1
    return rows["value"].iloc[0]


@pytest.fixture
def planted_circuit(planted):
    """The planted model on repeated words; the mean is over one prompt that repeats nothing."""
    words = [[0, 300, 301, 302, 303, 300], [0, 310, 311, 312, 313, 311]]
    answers = [(words[0][2], 305), (words[1][3], 305)]
    planted.use(
        hw.Prompts(clean=words, answer=[a for a, _ in answers], foil=[b for _, b in answers]),
        reference=hw.Prompts(clean=[[0, 400, 401, 402, 403, 404]]),
    )
    return planted


@pytest.fixture
def toy():
    """A session on one word, `toy(either())`; the mean is that of a prompt without a word."""
    made = []

    def open_session(bridge):
        session = hw.Session(bridge)
        session.use(hw.Prompts(clean=[WORD]), hw.LogitDiff(300, 301), hw.Prompts(clean=[BLANK]))
        made.append(session)
        return session

    yield open_session
    for session in made:
        session.close()


def test_the_planted_circuit_is_faithful_complete_and_minimal(planted_circuit):
    frame = ask(planted_circuit, ["0.0", "1.0"])
    model = value(frame, "metric", "the model, F(M)")
    assert model > 0.9 * BETA
    assert value(frame, "metric", "the circuit, F(C)") == pytest.approx(model, abs=1e-4)
    assert value(frame, "faithfulness", "|F(M) − F(C)|") == pytest.approx(0, abs=1e-4)
    assert value(frame, "faithfulness", "F(C) / F(M)") == pytest.approx(1, abs=1e-5)
    complete = frame[frame["score"] == "completeness"]
    assert complete["of"].tolist() == ["none", "0.0", "1.0", "the whole circuit"]
    assert complete["value"].abs().max() < 1e-4
    assert value(frame, "minimality", "0.0") > 0.9 * BETA
    assert value(frame, "minimality", "1.0") > 0.9 * BETA
    assert frame["n"].eq(2).all()


def test_a_circuit_without_its_induction_head_is_neither(planted_circuit):
    frame = ask(planted_circuit, ["0.0"])
    model = value(frame, "metric", "the model, F(M)")
    assert value(frame, "faithfulness", "|F(M) − F(C)|") > 0.9 * model
    assert value(frame, "faithfulness", "F(C) / F(M)") < 0.1
    complete = frame[frame["score"] == "completeness"]
    assert complete["value"].max() > 0.9 * model


def test_a_superfluous_head_has_minimality_0(planted_circuit):
    frame = ask(planted_circuit, {"circuit": ["0.0", "1.0"], "others": ["0.2", "1.2"]})
    for head in ("0.2", "1.2"):
        assert value(frame, "minimality", head) == 0
    assert value(frame, "completeness", "others") == pytest.approx(0, abs=1e-4)
    assert frame.attrs["classes"]["others"] == ["0.2", "1.2"]


def test_a_circuit_that_lacks_a_backup_is_faithful_and_not_complete(toy):
    """Either copy head suffices: without the other one C does as M does, until it is taken."""
    session = toy(either(BETA))
    frame = ask(session, ["0.0", "1.0"])
    assert value(frame, "faithfulness", "|F(M) − F(C)|") == pytest.approx(0, abs=1e-3)
    assert value(frame, "completeness", "0.0") == pytest.approx(BETA, abs=1e-3)
    whole = ask(session, ["0.0", "0.1", "1.0"], subsets=0)
    assert whole[whole["score"] == "completeness"]["value"].max() == pytest.approx(0, abs=1e-3)
    # 0.0 shows only where 0.1 is away
    shown = whole[(whole["score"] == "minimality") & (whole["of"] == "0.0")]
    assert shown["value"].iloc[0] == pytest.approx(BETA, abs=1e-3)
    assert shown["K"].iloc[0] == "0.1, 1.0"


def test_where_both_are_needed_no_part_is_faithful(toy):
    frame = ask(toy(both(BETA)), ["0.0", "1.0"])
    assert value(frame, "metric", "the model, F(M)") == pytest.approx(BETA, abs=1e-3)
    assert value(frame, "faithfulness", "|F(M) − F(C)|") == pytest.approx(BETA, abs=1e-3)


def by_hand(bridge, session, away):
    """F with some heads at their mean, by hooks on the bridge, [prompt]."""
    given = torch.tensor([pair.clean for pair in session.snapshot().reference])
    asked = torch.tensor([pair.clean for pair in session.snapshot().pairs])
    with torch.no_grad():
        _, cache = bridge.run_with_cache(given)

        def put(layer):
            name = f"blocks.{layer}.attn.hook_z"
            mean = cache[name].mean(0)

            def give(z, hook):
                z = z.clone()
                for h in (h for i, h in away if i == layer):
                    z[:, :, h] = mean[:, h]
                return z

            return name, give

        logits = bridge.run_with_hooks(asked, fwd_hooks=[put(i) for i in range(3)])[:, -1]
    return (logits[:, 7] - logits[:, 8]).double().numpy()


@pytest.mark.parametrize("architecture", ["gpt2", "neox", "llama", "mistral", "gemma2"])
def test_every_number_is_that_of_plain_hooks(shaped_bridges, architecture):
    bridge = shaped_bridges(architecture)
    session = session_of(bridge, n=4, tokens=9)
    draw = np.random.default_rng(1)
    session.reference = hw.Prompts(clean=draw.integers(10, 200, (5, 9)).tolist())
    every = {(i, h) for i in range(3) for h in range(4)}
    classes = {"first": ["0.1", "0.3"], "last": ["2.2"]}
    frame = ask(session, classes, subsets=3)
    heads = {(0, 1), (0, 3), (2, 2)}

    def f(kept):
        return by_hand(bridge, session, every - kept)

    def read(text):
        return {tuple(map(int, head.split("."))) for head in text.split(", ") if head}

    expected = [f(every), f(heads), f(set()), f(every) - f(heads)]
    whole, part = f(every), f(heads)
    sure = abs(whole.mean()) > 2 * whole.std(ddof=1) / math.sqrt(4)
    ratio = part.mean() / whole.mean() if sure else math.nan
    found = value(frame, "faithfulness", "F(C) / F(M)")
    assert found == pytest.approx(ratio, abs=1e-4, nan_ok=True)
    plain = frame[frame["of"] != "F(C) / F(M)"].reset_index(drop=True)
    for row in plain[4:].itertuples():
        taken = read(row.K)
        assert taken <= heads
        other = every - taken if row.score == "completeness" else heads - taken - read(row.of)
        expected.append(f(heads - taken) - f(other))
    means = np.array([some.mean() for some in expected])
    means[3:] = np.abs(means[3:])
    assert np.abs(plain["value"] - means).max() < 2e-5
    errors = [some.std(ddof=1) / math.sqrt(4) for some in expected]
    assert np.abs(plain["se"] - errors).max() < 2e-5
    assert plain["value"].iloc[3:].min() > 1e-6
    # the head's K is the one that shows it most
    for head in ("0.1", "0.3", "2.2"):
        one = read(head)
        tried = [set(), heads - one, ({(0, 1), (0, 3)} if head[0] == "0" else set()) - one]
        most = max(abs((f(heads - k) - f(heads - k - one)).mean()) for k in tried)
        assert value(frame, "minimality", head) >= most - 2e-5
    session.close()


def test_a_distance_has_a_folded_interval_and_a_ratio_near_0_none(shaped_bridges):
    session = session_of(shaped_bridges("gpt2"), n=6)
    session.metric = hw.KL()
    frame = ask(session, ["0.1"])
    assert value(frame, "metric", "the model, F(M)") == 0
    assert math.isnan(value(frame, "faithfulness", "F(C) / F(M)"))
    distances = frame[frame["score"].isin(["completeness", "minimality"])]
    assert (distances["low"] >= 0).all()
    assert (distances["low"] <= distances["value"]).all()
    assert (distances["value"] <= distances["high"]).all()
    session.close()


def test_the_session_puts_its_edits_aside_and_signs(planted_circuit):
    plain = planted_circuit.circuit(["0.0", "1.0"])
    planted_circuit.edits = [hw.zero("1.0")]
    again = planted_circuit.circuit(["0.0", "1.0"])
    assert again["value"].tolist() == plain["value"].tolist()
    assert again.attrs["mean"] == "mean over 1 reference prompts"
    assert not planted_circuit.is_stale(again)
    planted_circuit.reference = None
    assert planted_circuit.is_stale(again)
    assert planted_circuit.frames["circuit"].equals(again)


def test_the_same_seed_draws_the_same_subsets(shaped_bridges):
    session = session_of(shaped_bridges("gpt2"), n=1)
    heads = [f"{i}.{h}" for i in range(2) for h in range(4)]

    def drawn(seed):
        frame = ask(session, heads, subsets=4, seed=seed)
        return frame[frame["of"] == "random"]["K"].tolist()

    first = drawn(0)
    assert len(set(first)) == 4
    assert drawn(0) == first
    assert drawn(1) != first
    session.close()


@pytest.mark.parametrize("stop", [hw.Cancelled, KeyboardInterrupt])
def test_what_is_done_before_it_is_stopped_is_kept(shaped_bridges, stop):
    session = session_of(shaped_bridges("gpt2"), n=3)
    longer = [list(pair.clean) for pair in session.snapshot().pairs]
    session.use(hw.Prompts(clean=[*longer, list(range(10, 30))]), METRIC)
    session.engine.rows_at_once = lambda _length: 3

    def watch(done, _total, what):
        if what == "circuit" and done > least:
            raise stop

    least = 28  # of the sets times prompts: the first three prompts are done
    with doing(Work(watch)), pytest.raises(stop) as caught:
        session.circuit(["0.1", "1.2"])
    kept = session.frames["circuit"]
    assert caught.value.partial.equals(kept)
    assert kept["n"].eq(3).all()
    assert np.isfinite(kept["value"]).all()
    assert kept.attrs["incomplete"] == "stopped: 3 of 4 prompts done"
    assert kept.attrs["measured_on"] == "your prompts, n = 3 of 4"
    with pytest.raises(hw.InputError, match="stopped: 3 of 4 prompts done: run it again"):
        session.as_python("circuit")
    whole = session.circuit(["0.1", "1.2"])
    assert "incomplete" not in whole.attrs
    assert whole.attrs["measured_on"] == "your prompts, n = 4"
    least = 0  # no prompt is done: what is kept stays
    with doing(Work(watch)), pytest.raises(stop) as caught:
        session.circuit(["0.1", "1.2"], subsets=1)
    assert not hasattr(caught.value, "partial")
    assert session.frames["circuit"].equals(whole)
    session.close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"heads": []}, "at least one head in the circuit"),
        ({"heads": {"movers": []}}, "at least one head in the circuit"),
        ({"heads": ["9.9"]}, "no head 9.9"),
        ({"heads": ["0.1"], "subsets": -1}, "expected subsets as a whole number"),
        ({"heads": ["0.1"], "seed": "x"}, "expected seed as a whole number"),
        ({"heads": ["0.1"], "at": "nowhere"}, "no role 'nowhere'"),
        ({"heads": ["0.1"], "draws": 3}, "circuit has no option 'draws': it has subsets, seed"),
    ],
)
def test_what_cannot_be_meant_is_refused(planted_circuit, arguments, message):
    with pytest.raises(hw.InputError, match=message):
        ask(planted_circuit, **arguments)
