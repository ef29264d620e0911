"""EmergenceLab: runs as traits, exact numbers, live training, clamps, faces, bad input."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import weakref
from io import BytesIO

import comm
import numpy as np
import pytest
import torch
from ipywidgets.widgets.widget import _instances
from PIL import Image
from test_grid import browser_sets

import headwidgets as hw
from headwidgets.errors import InputError
from headwidgets.labs import emergence as lab
from headwidgets.widgets.emergence_code import code
from headwidgets.widgets.emergence_face import array
from headwidgets.widgets.emergence_serve import handlers
from headwidgets.widgets.wire import RELATIVE_BOUND

SMALL = {"sequences": 32 * 60, "every": 10, "kept": 6, "asked": 64, "progress": False}
PATTERN = "blocks.0.attn.hook_pattern"
SLOW = 60


@pytest.fixture(autouse=True)
def _wire(wire):
    return wire


@pytest.fixture
def live():
    """A widget whose own run is short, and that run, not begun."""
    widget = hw.EmergenceLab(lab.low16(), **SMALL)
    yield widget, widget.runs["low16"]
    widget.close()


def ask(widget, name, **body):
    """What the widget's model answers."""
    queued, at_once = handlers(widget.session)
    return {**queued, **at_once}[f"emergence {name}"](body).body


def part(widget, name):
    return {**widget.session.settled, **widget.session.moving}[name]


def test_a_shipped_run_travels_exactly():
    widget = hw.EmergenceLab()
    run, sent = lab.finished("low16"), part(widget, "low16")
    curves = array(sent["curves"])
    for row in run.curves().itertuples():
        at = sent["parts"].index(row.part), sent["measured"].index(row.step)
        assert curves[0, at[0], 0, at[1]] == np.float32(row.loss)
        assert curves[0, at[0], 1, at[1]] == np.float32(row.accuracy)
    heads = array(sent["heads"])
    assert heads.shape == (1, 2, len(sent["measured"]), 8)
    last = run.heads().query("step == 1875 and measure == 'induction strength'")["value"]
    np.testing.assert_array_equal(heads[0, 1, -1], last.to_numpy(np.float32))
    patterns, own = array(sent["patterns"]), run.patterns()
    assert patterns.shape == (60, 1, 2, 8, 5, 5)
    assert np.abs(patterns[:, 0] - own).max() <= RELATIVE_BOUND * sent["patterns"]["array"]["scale"]
    assert sent["weights"] == run.checkpoints
    json.dumps({k: v for k, v in sent.items() if not isinstance(v, dict)}, allow_nan=False)


def test_tiles_are_what_was_measured_nearest_to_the_step():
    widget = hw.EmergenceLab("low16", step=484)
    found = widget.to_frame("tiles")
    assert found.attrs["step"] == 480
    own = lab.finished("low16").heads().query("step == 480")
    assert found["value"].tolist() == own["value"].tolist()
    assert found["measure"].tolist() == own["measure"].tolist()
    assert "at step 480:" in repr(widget)


def test_clamped_runs_say_what_is_held_and_their_tiles_show_it():
    widget = hw.EmergenceLab("low16-clamps", condition="match")
    clamps = part(widget, "low16-clamps")["clamps"]
    assert clamps["none"] == {"held": [], "head": 0, "previous": [], "others": []}
    assert clamps["previous token"]["held"] == ["previous token"]
    assert clamps["layer 1 + copy"]["held"] == ["layer 1", "copy"]
    tiles = widget.to_frame("tiles").set_index(["layer", "head"])["value"]
    assert tiles[1, 0] == pytest.approx(1)
    widget.look(head="1.0")
    weights = widget.to_frame("map").set_index(["query", "key"])["weight"]
    assert weights["x_q", "y_a"] == pytest.approx(1)


def test_a_live_run_is_shown_as_it_goes_and_at_its_end(live):
    widget, run = live
    assert (part(widget, "low16")["state"], part(widget, "low16")["measured"]) == ("ready", [])
    assert "ready at step 0 of 60" in repr(widget)
    assert widget._png()
    seen = []
    widget.session.observe(
        lambda c: seen.append(c.new["low16"]["step"]) if c.new else None, "moving"
    )
    ask(widget, "go", run="low16")
    assert run.wait(SLOW)
    assert widget.session.moving == {}
    assert seen
    sent = part(widget, "low16")
    assert (sent["state"], sent["step"]) == ("done", 60)
    assert sent["measured"] == list(range(0, 61, 10))
    assert len(sent["checkpoints"]) == array(sent["patterns"]).shape[0] == len(run.checkpoints)
    np.testing.assert_array_equal(
        array(sent["curves"])[0, 0, 0], run.curves().query("part == 'train'")["loss"].to_numpy("f4")
    )


def test_a_run_that_python_trains_is_shown_too(live):
    widget, run = live
    run.advance(20)
    assert part(widget, "low16")["measured"] == [0, 10, 20]
    run.clamp(lab.preset("match", head=None))
    assert part(widget, "low16")["clamps"]["none"]["held"] == ["match"]
    assert part(widget, "low16")["switched"] == [
        {"step": 20, "conditions": ["none"], "words": "match"}
    ]


def test_clamps_are_switched_while_it_runs_and_others_stay(live):
    widget, run = live
    run.clamp({"blocks.0.attn.hook_z": lab.zero([5])})
    run.advance(10)
    asked = {"run": "low16", "condition": "none"}
    ask(widget, "clamp", **asked, held=["previous token", "copy"], head=3)
    held = part(widget, "low16")["clamps"]["none"]
    assert held == {
        "held": ["previous token", "copy"],
        "head": 3,
        "previous": [2],
        "others": ["blocks.0.attn.hook_z"],
    }
    assert run.clamps()["logits"][0].given == 3
    ask(widget, "clamp", **asked, held=[], head=None)
    assert list(run.clamps()) == ["blocks.0.attn.hook_z"]


def test_the_heads_that_look_at_the_token_before_are_chosen(live):
    widget, run = live
    run.advance(5)
    asked = {"run": "low16", "condition": "none", "held": ["previous token"], "head": None}
    for previous, heads in (
        (None, (2,)),  # the preset's
        ([5], (5,)),
        (None, (5,)),  # as it is
        ([0, 7], (0, 7)),
        (list(range(8)), tuple(range(8))),
    ):
        ask(widget, "clamp", **asked, previous=previous)
        assert run.clamps()[PATTERN][0].heads == heads
        assert part(widget, "low16")["clamps"]["none"]["previous"] == list(heads)
    run.clamp({PATTERN: lab.previous_token().during(2, 50)})
    assert part(widget, "low16")["clamps"]["none"]["previous"] is None
    ask(widget, "clamp", **asked, previous=None)
    assert run.clamps()[PATTERN][0].stop == 50, "what no one turned stays as it is"
    for wrong in ([8], [1, 1], [-1], "x", [], {}):
        with pytest.raises(InputError, match=r"no head 8|heads of layer 1 as numbers"):
            ask(widget, "clamp", **asked, previous=wrong)
    for wrong in ({"held": None}, {"held": [3]}, {"head": "x"}, {"previous": "x"}):
        with pytest.raises(InputError, match="expected"):
            widget.train(**wrong)
    begun = widget.train("low16", "previous token", previous=3)
    assert begun.clamps()[PATTERN][0].heads == (3,)
    begun.cancel()
    assert begun.wait(SLOW)


def test_seeds_of_several_conditions_leave_one_for_the_browser_s_runs():
    conditions = {"free": None, "held": {PATTERN: lab.previous_token([1])}}
    for seeds in ([7, 8], (7, 8), np.array([7, 8])):
        widget = hw.EmergenceLab(lab.low16(), conditions=conditions, seed=seeds, **SMALL)
        assert widget.runs["low16"].plan.seeds == (7, 8)
        assert "seed=[7, 8]" in widget.to_python()
        begun = widget.train("low16", "match")
        assert begun.plan.seeds == (7,)
        widget.close()
        assert begun.wait(SLOW)
    for seeds in ([7], [7, 8, 9], "78", [7, "x"], []):
        with pytest.raises(InputError, match=r"expected (a )?seed"):
            hw.EmergenceLab(lab.low16(), conditions=conditions, seed=seeds, **SMALL)


def test_a_run_does_not_keep_alive_who_looks_at_it(live):
    """What ipywidgets keeps of an open widget is let go by hand, as no one closes it."""
    _, run = live
    widget = hw.EmergenceLab(run)
    state = weakref.ref(widget.session)
    here = len(run._listeners)
    run.advance(1)
    _forget(widget, widget.session)
    del widget
    gc.collect()
    assert state() is None
    assert len(run._listeners) == here - 1
    run.advance(1)


def _forget(*widgets):
    for one in widgets:
        _instances.pop(one.model_id)
        comm.get_comm_manager().comms[one.comm.comm_id] = None  # its id alone


Z, MATCH = "blocks.1.attn.hook_z", "blocks.1.attn.hook_pattern"


@pytest.mark.parametrize(
    ("clamps", "on", "others"),
    [
        ({Z: lab.only([1, 2])}, [], [Z]),
        ({Z: lab.zero([2])}, [], [Z]),
        ({MATCH: lab.zero([0])}, [], [MATCH]),
        ({"blocks.0.hook_attn_out": lab.zero()}, [], ["blocks.0.hook_attn_out"]),
        ({PATTERN: lab.previous_token([0, 1])}, ["previous token"], []),
        ({MATCH: lab.correct_label([5], 0.75).during(0, 30)}, ["match"], []),
    ],
)
def test_clamps_of_one_s_own_are_told_and_a_switch_leaves_them(live, clamps, on, others):
    widget, run = live
    run.clamp(clamps)
    before = {name: [one.to_json() for one in many] for name, many in run.clamps().items()}
    said = part(widget, "low16")["clamps"]["none"]
    before_it = [0, 1] if on == ["previous token"] else []
    assert said == {"held": on, "head": None, "previous": before_it, "others": others}
    ask(widget, "clamp", run="low16", condition="none", held=[*on, "copy"], head=None)
    after = {name: [one.to_json() for one in many] for name, many in run.clamps().items()}
    assert after.pop("logits")
    assert after == before
    ask(widget, "clamp", run="low16", condition="none", held=[], head=None)
    assert list(run.clamps()) == others


def test_a_switch_on_what_is_clamped_otherwise_is_refused(live):
    widget, run = live
    run.clamp({Z: lab.zero([2])})
    with pytest.raises(InputError, match=r"one clamp on 'blocks\.1\.attn\.hook_z'"):
        ask(widget, "clamp", run="low16", condition="none", held=[], head=3)
    assert list(run.clamps()) == [Z]


def test_pause_cancel_and_going_on(live):
    widget, run = live
    reached, go = threading.Event(), threading.Event()

    def hold():
        if run.step >= 16 and not reached.is_set():
            reached.set()
            go.wait(SLOW)

    run.start(hold)
    assert reached.wait(SLOW)
    ask(widget, "pause", run="low16")
    assert part(widget, "low16")["state"] == "paused"
    go.set()
    ask(widget, "cancel", run="low16")
    assert run.wait(SLOW)
    sent = part(widget, "low16")
    assert sent["state"] == "cancelled"
    assert 16 <= sent["step"] < 60
    ask(widget, "go", run="low16")
    assert run.wait(SLOW)
    assert part(widget, "low16")["state"] == "done"
    straight = lab.run(lab.low16(), **SMALL).train()
    assert torch.equal(run.now()["weights"], straight.now()["weights"])


def test_it_trains_on_one_thread_and_leaves_the_others_as_they_were(live):
    _, run = live
    seen = set()
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        run.start(lambda: seen.add(torch.get_num_threads()))
        assert run.wait(SLOW)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert 1 in seen
    assert run.state == "done"


def test_a_loss_that_is_not_finite_stops_it_and_keeps_the_last_good_state():
    widget = hw.EmergenceLab(lab.low16(), rate=1e9, **SMALL)
    ask(widget, "go", run="low16")
    assert widget.runs["low16"].wait(SLOW)
    sent = part(widget, "low16")
    assert sent["state"] == "failed"
    assert "not finite" in sent["why"]
    assert sent["measured"] == [0]
    assert np.isfinite(array(sent["patterns"])).all()
    assert "failed at step 0" in repr(widget)
    assert widget._png()


def test_the_browser_begins_a_run_with_clamps_and_the_widget_s_settings(live):
    widget, _ = live
    answer = ask(widget, "train", data="gauss", held=["layer 1"], head=2)
    run = widget.runs[answer["run"]]
    assert run.wait(SLOW)
    assert (run.plan.steps, run.conditions) == (60, ["layer 1, head 2"])
    look = widget.session.look
    assert (look["run"], look["condition"], look["step"]) == ("live gauss", "layer 1, head 2", -1)
    assert widget.session.order == ["low16", "live gauss"]
    again = widget.train("gauss", "match")
    assert again.wait(SLOW)
    assert again.conditions == ["match"]
    assert widget.session.order[-1] == "live gauss 2"


def test_closing_the_widget_ends_what_it_began_and_nothing_else(live):
    widget, mine = live
    begun = widget.train()
    widget.close()
    assert begun.wait(SLOW)
    assert begun.state in ("cancelled", "done")
    assert not mine._listeners
    assert not begun._listeners
    assert mine.train().state == "done"


def test_closing_the_widget_ends_what_its_button_began():
    widget = hw.EmergenceLab(lab.low16(), **SMALL | {"sequences": 32 * 20_000})
    run = widget.runs["low16"]
    ask(widget, "go", run="low16")
    widget.close()
    assert run.wait(SLOW)
    assert run.state == "cancelled"


def test_a_view_that_rested_has_the_news_when_it_wakes(live):
    widget, run = live
    run.advance(10)
    widget._rest()
    run.advance(10)
    assert part(widget, "low16")["step"] == 10
    widget._wake()
    assert part(widget, "low16")["step"] == 20
    run.advance(10)
    assert part(widget, "low16")["step"] == 30


def test_runs_are_shown_and_taken_away():
    widget = hw.EmergenceLab({"mine": lab.finished("low16")})
    ask(widget, "show", run="gauss", on=True)
    assert widget.session.order == ["mine", "gauss"]
    assert widget.session.look["run"] == "gauss"
    assert widget.session.look["part"] == "train"
    ask(widget, "show", run="gauss", on=False)
    assert (widget.session.order, widget.session.look["run"]) == (["mine"], "mine")
    widget.show("gauss", "low16")
    assert widget.session.order == ["mine", "gauss", "low16"]
    widget.hide("mine")
    assert widget.session.order == ["gauss", "low16"]
    with pytest.raises(InputError, match="expected one of several runs"):
        hw.EmergenceLab().hide("low16")


def test_another_run_of_a_name_that_was_taken_away_is_shown_as_it_is():
    widget = hw.EmergenceLab({"mine": lab.finished("low16"), "other": lab.finished("gauss")})
    widget.hide("other")
    widget.session.add("other", lab.finished("low16-clamps"))
    assert part(widget, "other")["conditions"] == lab.finished("low16-clamps").conditions


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        (3, {}, "expected a run, data such as"),
        ("other", {}, "expected a run among"),
        ([], {}, "expected a run at least"),
        (None, {"step": -2}, "expected a step from 0"),
        (None, {"step": 1.5}, "expected a step"),
        (None, {"head": "2.0"}, "2.0"),
        (None, {"head": "0.8"}, "0.8"),
        (None, {"condition": "match"}, "expected condition to be one of none"),
        (None, {"run": "gauss"}, "expected a run among low16"),
        (None, {"measure": "error"}, "expected measure to be one of loss, accuracy"),
        (None, {"part": "x"}, "expected part to be one of all, train"),
        (None, {"steps": 3}, "has no 'steps'; is it 'step'"),
        ("low16", {"rate": 1e-3}, "rate goes with data"),
        (None, {"rate": -1}, "expected rate"),
        (None, {"conditions": {"x": {PATTERN: lab.previous_token([8])}}}, "no head 8"),
        (None, {"conditions": {"x": {"blocks.2.hook_z": lab.zero()}}}, "no activation"),
        (
            None,
            {"conditions": {"x": {PATTERN: [lab.zero(), lab.previous_token()]}}},
            "one clamp .* got two",
        ),
        (
            None,
            {"sequences": 320, "conditions": {"x": {PATTERN: lab.zero().during(10)}}},
            "no step 10",
        ),
    ],
)
def test_bad_options_are_refused(given, options, message):
    with pytest.raises(InputError, match=message):
        hw.EmergenceLab(given, **options)


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("go", {"run": "low16"}, "expected a run that can be trained"),
        ("pause", {"run": 3}, "can be trained"),
        ("pause", {}, "expected run"),
        ("train", {"data": "web", "held": [], "head": None}, "expected data among low16, gauss"),
        ("train", {"data": "low16", "held": ["x"], "head": None}, "expected switches among"),
        ("train", {"data": "low16", "held": "match", "head": None}, "a list of names"),
        ("train", {"data": "low16", "held": [], "head": 8}, "no head 8"),
        ("train", {"data": "low16", "held": [], "head": -1}, "expected a head of layer 2"),
        ("train", {"data": "low16", "held": [], "previous": None}, "expected data, held"),
        ("show", {"run": "x", "on": True}, "expected a run among"),
        ("show", {"run": [], "on": True}, "expected the name of a run"),
        ("open", {"run": "low16", "condition": "none", "step": "x", "head": ""}, "expected a step"),
        ("open", {"run": "x", "condition": "none", "step": 0, "head": ""}, "expected a run among"),
        ("open", {"run": "low16", "condition": "x", "step": 0, "head": ""}, "expected a condition"),
        ("python", {"run": []}, "expected a run among"),
    ],
)
def test_malformed_requests_are_told_and_change_nothing(name, body, message):
    widget = hw.EmergenceLab()
    with pytest.raises(InputError, match=message):
        ask(widget, name, **body)
    assert widget.session.order == ["low16"]


def test_a_malformed_message_is_answered(wire):
    widget = hw.EmergenceLab()
    sent = []

    async def cells():
        dispatcher = widget.session.dispatcher(lambda content, _buffers: sent.append(content))
        for message in (
            None,
            {"v": 1},
            {"v": 1, "kind": "req", "id": "1", "name": "x", "body": {}},
        ):
            dispatcher.receive(message)
        dispatcher.receive(
            {"v": 1, "kind": "req", "id": "2", "name": "emergence pause", "body": {"run": "low16"}}
        )

    asyncio.run(cells())
    assert [one["status"] for one in sent] == ["error"] * 4


def test_what_a_browser_may_not_set_is_put_back():
    widget = hw.EmergenceLab()
    state = widget.session
    before = dict(state.look)
    for wrong in ({"head": "9.9"}, {"other": 1}, {"step": "x"}, {"run": None}, {"part": 3}, "x"):
        browser_sets(state, look={**before, **wrong} if isinstance(wrong, dict) else wrong)
        assert state.look == before, wrong
        assert state.message
    browser_sets(state, look={**before, "step": 300, "head": "0.2"})
    assert (state.look["step"], state.look["head"], state.message) == (300, "0.2", "")
    browser_sets(state, settled={}, opened={"run": "x"})
    assert list(state.settled) == ["low16"]
    assert state.opened == {}
    assert "read-only" in state.message


def test_a_host_without_models_of_its_own_gets_a_copy_and_can_wish(live):
    widget, run = live
    browser_sets(widget, apart=True)
    assert widget.mirrored["order"] == ["low16"]
    assert widget.emergence == widget.session.emergence != ""
    browser_sets(widget, wish={"look": {**widget.session.look, "head": "0.7"}, "wishes": 1})
    assert widget.session.look["head"] == widget.mirrored["look"]["head"] == "0.7"
    run.advance(10)
    assert widget.mirrored["settled"]["low16"]["step"] == 10
    widget._requests.receive(
        {
            "v": 1,
            "kind": "req",
            "id": "1",
            "name": "emergence clamp",
            "body": {"run": "low16", "condition": "none", "held": ["match"], "head": None},
        }
    )
    assert widget.mirrored["settled"]["low16"]["clamps"]["none"]["held"] == ["match"]


def test_it_opens_in_a_session_that_other_widgets_take():
    widget = hw.EmergenceLab("low16", step=500)
    session = widget.to_session()
    assert session is widget.opened
    assert widget.session.opened["step"] == 484, "the nearest with weights"
    assert str(session.selection) == widget.session.look["head"]
    assert len(session.prompts) == 16
    widget.to_session(step=-1)
    session = widget.opened
    layer, head = (int(one) for one in widget.session.look["head"].split("."))
    own = lab.finished("low16").patterns()[-1, layer, head]
    session.selection = (layer, head)
    maps = np.mean([_attention(session, i) for i in range(16)], 0)
    np.testing.assert_allclose(maps[4], own[4], atol=0.12)
    assert session.effect()["value"]["clean"] > 2
    view = hw.AttentionView(session)
    assert view.to_frame().shape[0] == 25
    view.close()
    session.close()
    with pytest.raises(InputError, match="keeps no weights"):
        hw.EmergenceLab("low16-clamps").to_session()


def _attention(session, index):
    session.index = index
    return session.attention(session.selection)


def test_copied_python_gives_the_same_run(live):
    widget, run = live
    run.advance(10)
    ask(widget, "clamp", run="low16", condition="none", held=["match"], head=1)
    run.advance(7)
    run.clamp({PATTERN: [lab.previous_token([0]), lab.zero([1]).during(0, 30)]})
    run.train()
    space = {}
    exec(compile(widget.to_python(), "copied", "exec"), space)  # noqa: S102 - what is tested
    again = space["run"]
    assert again.plan == run.plan
    assert torch.equal(again.now()["weights"], run.now()["weights"])
    assert ask(widget, "python", run="low16")["code"] == widget.to_python()


@pytest.mark.parametrize("name", lab.finished_runs())
def test_shipped_runs_as_python_ask_for_what_they_were(name):
    run = lab.finished(name)
    text = code(run).replace("run.train()", "").replace("run.curves()", "")
    space = {}
    exec(compile(text, "copied", "exec"), space)  # noqa: S102 - what is tested
    assert space["run"].plan == run.plan
    assert space["run"].shape == run.shape
    assert torch.equal(space["data"].features, run.data.features)
    for condition in run.conditions:
        told = {
            where: [one.to_json() for one in many]
            for where, many in space["run"].clamps(condition).items()
        }
        assert told == run.told["conditions"][condition]


def test_frames_are_those_of_the_runs():
    widget = hw.EmergenceLab(["low16", "gauss"], run="low16", step=400)
    frame = widget.to_frame()
    assert frame["run"].unique().tolist() == ["low16", "gauss"]
    assert len(frame) == sum(len(lab.finished(name).curves()) for name in ("low16", "gauss"))
    times = widget.to_frame("times").set_index("run")
    assert times["learned"]["low16"] < times["learned"]["gauss"]
    found = widget.to_frame("map")
    assert found.attrs == {"run": "low16", "condition": "none", "step": 369}
    assert found["query"].tolist()[-1] == "x_q"
    assert len(widget.to_frame("heads")) > 1000
    with pytest.raises(InputError, match="expected one of"):
        widget.to_frame("all")
    with pytest.raises(InputError, match="no checkpoint yet"):
        hw.EmergenceLab(lab.low16()).to_frame("tiles")


def test_times_leave_out_what_has_not_begun(live):
    widget, _ = live
    with pytest.raises(InputError, match="nothing measured yet"):
        widget.to_frame("times")
    widget.show("gauss")
    assert widget.to_frame("times")["run"].tolist() == ["gauss"]


def test_repeated_tokens_are_shown_by_place():
    widget = hw.EmergenceLab(lab.repeats(n_tokens=30, half=6), **SMALL)
    widget.runs["repeats"].train()
    sent = part(widget, "repeats")
    assert sent["roles"] == [str(i) for i in range(13)]
    assert "learned" not in repr(widget)
    assert array(sent["patterns"]).shape[1:] == (1, 2, 8, 13, 13)
    assert widget._png()
    session = widget.to_session()
    assert len(session.tokens) == 13
    session.close()


def test_runs_of_one_layer_and_of_other_tasks_are_shown():
    for run in (lab.attn_only(1), lab.icl_mc(3)):
        widget = hw.EmergenceLab(run)
        run.advance(2)
        assert "nan" not in repr(widget)
        assert widget._png()
        compile(widget.to_python(), "copied", "exec")


def test_it_says_the_same_in_a_line_a_picture_and_a_page(tmp_path):
    widget = hw.EmergenceLab(["low16", "low16-clamps"], run="low16")
    small, large = widget._png(), widget._picture()
    assert len(small) <= 16_000
    assert Image.open(BytesIO(small)).size == Image.open(BytesIO(large)).size
    assert repr(widget).startswith("<EmergenceLab: low16, none: learned at 25,600 sequences")
    assert widget.save(tmp_path / "lab.svg").read_text().startswith("<svg")
    assert widget.save(tmp_path / "lab.png").stat().st_size > 5000
    page = widget.save(tmp_path / "lab.html").read_text(encoding="utf-8")
    assert "emergence" in page
    assert len(page) < 1_500_000
    data, _ = widget._repr_mimebundle_()
    assert {"image/png", "text/plain"} <= set(data)


def test_first_paint_is_small_and_scrubbing_sends_next_to_nothing(wire):
    widget = hw.EmergenceLab()
    total = sum(
        len(json.dumps(data, default=lambda _: 0)) + sum(len(memoryview(b)) for b in buffers or ())
        for _, data, buffers in wire
    )
    assert total < 400_000
    wire.clear()
    widget.look(step=300)
    sent = sum(len(json.dumps(data, default=str)) for _, data, _ in wire)
    assert sent < 1000
    assert not any(buffers for _, _, buffers in wire)


def test_a_second_look_packs_nothing_again(live):
    widget, run = live
    run.advance(10)
    before = part(widget, "low16")
    widget.session.push()
    assert part(widget, "low16") is before
