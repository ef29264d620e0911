"""A path as an edit: what `paths` gives, beside other edits, in words, as code."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from shaped import ALL
from swept import session_of

import headwidgets as hw
from headwidgets.heads import Head
from headwidgets.methods.edit import Edit
from headwidgets.methods.edits import patch, path, zero
from headwidgets.methods.path_jobs import Jobs
from headwidgets.methods.paths import paths
from headwidgets.methods.receivers import read_receivers
from headwidgets.methods.sweep_plan import Plan

FOUR = ("gpt2", "neox", "llama", "gemma2")
ENDS = ("logits", "2.1.q", ["1.2.k", "2.0.v", "2.3.q"])
RUNS = {"clean": "noise", "corrupted": "denoise"}


def change(session, *edits):
    """What edits do to the metric of every prompt together, and what is said of it."""
    session.edits = list(edits)
    frame = session.effect()
    return frame.loc["change", "value"], frame.attrs["notes"]


@pytest.mark.parametrize("into", RUNS)
@pytest.mark.parametrize("architecture", ALL)
def test_alone_it_is_what_path_patching_gives(shaped_bridges, architecture, into):
    session = session_of(shaped_bridges(architecture))
    for to in ENDS:
        frame = paths(session.engine, session.snapshot(), to, direction=RUNS[into])
        assert frame["effect"].abs().max() > 1e-4
        for row in frame.iloc[[1, 3, 6, 11]].itertuples():
            found, _ = change(session, path((row.layer, row.head), to, into))
            assert found == pytest.approx(row.effect, abs=2e-5), (to, row.layer, row.head)
    session.close()


@pytest.mark.parametrize("architecture", FOUR)
def test_senders_are_patched_together(shaped_bridges, architecture):
    """Between sets; it is not the sum of its senders."""
    session = session_of(shaped_bridges(architecture))
    senders = [Head(0, 1), Head(0, 3), Head(1, 2)]
    for to in ENDS:
        ends = read_receivers(to, session.facts)
        plan = Plan("patch", direction="noise")
        jobs = [(senders, ends), *[([head], ends) for head in senders]]
        work = Jobs(session.engine, session.snapshot(), plan, jobs)
        work.measure()
        together, *alone = (work.edited - work.ends["clean"]).mean(1)
        found, _ = change(session, path(senders, to))
        assert found == pytest.approx(together, abs=2e-5), to
        assert abs(sum(alone) - together) > 1e-5
    session.close()


@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_where_the_senders_write(shaped_bridges, architecture):
    session = session_of(shaped_bridges(architecture))
    for to in ENDS:
        frame = paths(session.engine, session.snapshot(), to, senders=["0.1"], at=[4, "end"])
        found, _ = change(session, path("0.1", to, at=[4, "end"]))
        assert found == pytest.approx(frame["effect"].iloc[0], abs=2e-5)
        everywhere, _ = change(session, path("0.1", to))
        # the logits and a query of the last layer are read at the last position alone
        assert (abs(everywhere - found) > 1e-6) == isinstance(to, list)
    session.close()


def test_every_path_at_once_is_the_patch_itself(shaped_bridges):
    """Where the last MLP does not read the last attention: parallel blocks."""
    session = session_of(shaped_bridges("neox"))
    last = [f"2.{h}.{part}" for h in range(4) for part in "qkv"]
    both, _ = change(session, path("1.2", last), path("1.2"))
    plain, _ = change(session, patch("1.2"))
    assert both == pytest.approx(plain, abs=2e-5)
    assert abs(both - change(session, path("1.2"))[0]) > 1e-4
    session.close()


def test_it_acts_beside_other_edits(shaped_bridges):
    """What it puts in comes from the unedited runs; whatever else is edited acts as well."""
    bridge = shaped_bridges("gpt2")
    session = session_of(bridge)
    clean, other = (
        torch.tensor([pair.ids(run) for pair in session.snapshot().pairs])
        for run in ("clean", "corrupted")
    )
    with torch.no_grad():
        _, base = bridge.run_with_cache(clean)
        _, giving = bridge.run_with_cache(other)
        read = {}

        def hold(value, hook):
            value = base[hook.name].clone()
            if hook.name.startswith("blocks.0"):
                value[:, :, 1] = giving[hook.name][:, :, 1]
            return value

        def see(value, hook):
            read["q"] = value.clone()

        names = [f"blocks.{i}.attn.hook_z" for i in range(3)]
        name = "blocks.2.attn.hook_q"
        bridge.run_with_hooks(clean, fwd_hooks=[*[(n, hold) for n in names], (name, see)])

        def give(value, hook):
            value = value.clone()
            value[:, :, 1] = read["q"][:, :, 1]
            return value

        def silence(value, hook):
            value = value.clone()
            value[:, :, 3] = 0
            return value

        def metric(hooks):
            logits = bridge.run_with_hooks(clean, fwd_hooks=hooks)[:, -1]
            return (logits[:, 7] - logits[:, 8]).mean().item()

        expected = metric([(name, give), (names[1], silence)]) - metric([])
    found, _ = change(session, path("0.1", "2.1.q"), zero("1.3"))
    assert found == pytest.approx(expected, abs=2e-5)
    again, _ = change(session, zero("1.3"), path("0.1", "2.1.q"))
    assert again == pytest.approx(expected, abs=2e-5)
    assert abs(found - change(session, zero("1.3"))[0]) > 1e-5
    session.close()


def test_there_is_no_path_to_an_earlier_layer(shaped_bridges):
    session = session_of(shaped_bridges("gpt2"))
    for edit in (path("2.1", "1.0.k"), path("1.1", ["1.0.k", "0.2.q"])):
        found, notes = change(session, edit)
        assert found == 0
        why = "every sender lies in the receivers' layer or above: there is no path"
        assert notes == [f"{edit} changed nothing in the clean run: {why}"]
        assert session.compare().attrs["why"] == f"{edit}: {why}"
    some, notes = change(session, path(["0.1", "2.3"], "1.0.k"))
    alone, _ = change(session, path("0.1", "1.0.k"))
    assert some == pytest.approx(alone, abs=1e-6)
    assert "2.3: in the receivers' layer or above, so without a path" in notes[0]
    session.close()


def test_a_path_to_an_earlier_layer_leaves_other_edits_alone(shaped_bridges):
    session = session_of(shaped_bridges("gpt2"))
    plain, _ = change(session, zero("0.1"))
    both, _ = change(session, zero("0.1"), path("2.1", "1.0.k"))
    assert both == plain != 0
    session.close()


def test_a_shared_key_says_who_reads_it(shaped_bridges):
    session = session_of(shaped_bridges("llama"))  # two keys for four heads
    one, notes = change(session, path("0.1", "2.0.k"))
    same, _ = change(session, path("0.1", "2.1.k"))
    assert one == same
    assert "2.0.k is read by 2.1 too: one key and value for the group" in notes[0]
    _, notes = change(session, path("0.1", "2.0.q"))
    assert notes == []
    session.close()


def test_it_is_said_kept_and_undone(shaped_bridges, tmp_path):
    edit = path(["0.3", (0, 1)], ["2.1.k", "L2H1 q"], at="end")
    assert str(edit) == "path 0.1, 0.3 → 2.1.k, 2.1.q into clean at end"
    assert str(path("5.5", "9.9.k")).startswith("path 5.5 → 9.9.k")
    assert str(path("5.5")) == "path 5.5 → logits into clean"
    assert edit.to_json()["receivers"] == "2.1.k, 2.1.q"
    for one in (
        edit,
        path(Head(5, 5)),
        path((5, 5), ("9.9", "q"), "corrupted"),
        path({"5.5", Head(0, 1)}),
    ):
        assert Edit.from_json(json.loads(json.dumps(one.to_json()))) == one
    assert (edit.head, edit.layer, edit.source) == (None, 0, "patch")
    session = session_of(shaped_bridges("gpt2"))
    before = session.effect()["value"].to_numpy()
    session.edits += [edit]
    assert not np.allclose(session.effect()["value"], before, equal_nan=True)
    session.edits = []
    assert np.array_equal(session.effect()["value"], before, equal_nan=True)
    session.close()


def test_a_saved_session_has_it(planted, tmp_path):
    planted.use(hw.Prompts(clean=[[0, 300, 301, 300]], corrupted=[[0, 302, 301, 300]]))
    planted.edits = [path("0.0", "1.0.k")]
    moved = planted.effect().loc["edited", "value"]
    assert abs(moved - planted.effect().loc["clean", "value"]) > 1
    planted.save(tmp_path / "saved")
    again = hw.load(tmp_path / "saved")
    assert again.edits == planted.edits
    assert again.effect().loc["edited", "value"] == moved
    again.close()


@pytest.mark.parametrize("into", RUNS)
@pytest.mark.parametrize("architecture", FOUR)
def test_copied_code_gives_the_same(shaped_bridges, architecture, into):
    bridge = shaped_bridges(architecture)
    session = session_of(bridge)
    session.edits = [
        path("0.1", "2.1.q", into),
        path(["0.2", "1.3"], ["2.3.k", "2.0.v"], into, at=[4, "end"]),
        path(["0.1", "2.3"], "logits", into),
        path("2.1", "1.0.k", into),
        hw.scale("1.1", 0.5),
    ]
    code = session.as_python()
    held = next(line for line in code.splitlines() if line.startswith("bridge = ..."))
    names = {"bridge": bridge}
    exec(compile(code.replace(held, ""), "copied.py", "exec"), names)  # noqa: S102 - to run it is the test
    expected = session.effect().loc["edited", "value"]
    assert names["metric"]["edited"] == pytest.approx(expected, abs=1e-5)
    assert abs(expected - names["metric"][into]) > 1e-4
    session.close()


def test_what_it_carries_is_worked_out_once(shaped_bridges, monkeypatch):
    from headwidgets.methods import path_edit

    session = session_of(shaped_bridges("gpt2"))
    calls = []
    some = path_edit._some

    def counted(*arguments):
        calls.append(arguments)
        return some(*arguments)

    monkeypatch.setattr(path_edit, "_some", counted)
    hooks = session.engine.hooks_left()
    change(session, path("0.1", "2.1.q"))
    change(session, path("0.1", "2.1.q"), zero("1.1"))
    assert len(calls) == 1
    change(session, path("0.1", "2.1.k"))
    assert len(calls) == 2
    assert session.engine.hooks_left() == hooks
    session.close()


def test_all_attention_is_seen_with_it(shaped_bridges):
    session = session_of(shaped_bridges("gpt2"))
    session.edits = [path("0.1", "2.1.q")]
    clean, edited = (session.attention("2.1", run) for run in ("clean", "edited"))
    assert not np.allclose(clean, edited, atol=1e-4)
    others = (session.attention("2.0", run) for run in ("clean", "edited"))
    assert np.allclose(*others, atol=1e-6)
    session.close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["9.9"], "logits"), "no head 9.9"),
        (("0.1", "9.9.k"), "no head 9.9"),
        (("0.1", "2.1"), "such as '9.9.q', got '2.1'"),
        (("0.1", []), "at least one end"),
        (("0.1", ["logits", "2.1.q"]), "expected 'logits' by itself"),
        (("0.1", None), "expected receivers, such as 'logits' or '9.9.k' for path"),
        (([], "logits"), "expected at least one head"),
        (("mlp 1", "logits"), "expected a head"),
        (("0.1", "logits", "both"), "expected into='clean' or into='corrupted'"),
    ],
)
def test_what_cannot_be_meant_is_refused(shaped_bridges, arguments, message):
    session = session_of(shaped_bridges("gpt2"))
    with pytest.raises(hw.InputError, match=message):
        session.edits = [path(*arguments)]
    session.close()


def test_other_kinds_have_no_receivers():
    with pytest.raises(hw.InputError, match="only path takes a receivers"):
        Edit("zero", "0.1", receivers="logits")


def test_it_waits_for_a_partner(shaped_bridges):
    session = session_of(shaped_bridges("gpt2"))
    session.use(hw.Prompts(clean=[list(range(10, 20))]), hw.LogitDiff(7, 8))
    session.edits = [path("0.1", "2.1.q")]
    with pytest.raises(hw.InputError, match="waits for a corrupted prompt"):
        session.effect()
    session.close()
