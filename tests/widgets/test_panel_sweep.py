"""The sweeps of the patch panel: what is refused, what a stop leaves, what ages, what is copied."""

from __future__ import annotations

import json

import numpy as np
import pytest
from copied import agree
from pairs import CLEAN, CORRUPTED

import headwidgets as hw
from headwidgets.errors import Cancelled, InputError
from headwidgets.home import HomeLoop
from headwidgets.methods import sweep as sweeping
from headwidgets.methods import sweep_cost
from headwidgets.methods.sweep_plan import read_plan, variants
from headwidgets.model.work import Work, doing
from headwidgets.widgets import measured
from headwidgets.widgets.dispatch import Dispatcher
from headwidgets.widgets.panel_sweep import COLUMNS, SERVED, pack
from headwidgets.widgets.serve import handlers
from headwidgets.widgets.wire import decode

BODY = {"kind": "zero", "over": "heads", "direction": "denoise", "at": None}
PLACES = {**BODY, "over": "heads x positions"}


@pytest.fixture
def step_by_step(monkeypatch):
    """Sweeps that finish one edit a step; what is put into the list is called before each."""
    before = []

    class Slow(sweeping.Replay):
        def run(self, variants, read):
            for some, values in super().run(variants, read):
                for i, one in enumerate(some):
                    for call in before:
                        call()
                    yield [one], values[i : i + 1]

    monkeypatch.setattr(sweeping, "Replay", Slow)
    monkeypatch.setattr(measured, "SECONDS_BETWEEN", 0)
    return before


def ask(panel, name="sweep", **body):
    named = {} if name == "sweep_cost" else {"panel": panel.panel}
    return SERVED[name](panel._of, {**named, **body}).body


def held(panel):
    """What the browser has: the columns, [column, edit], and which edits are done."""
    numbers, done = panel.found["arrays"]
    size = 4 * int(np.prod(numbers["shape"]))
    data = panel.found_data
    assert len(data) == size + int(np.prod(done["shape"]))
    return decode(numbers, data[:size]), decode(done, data[size:]).astype(bool)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "zero"},
        {**BODY, "kind": 1},
        {**BODY, "kind": None},
        {**BODY, "over": ["heads"]},
        {**BODY, "direction": {}},
        {**BODY, "at": [1, 2]},
        {**BODY, "at": 0.5},
        {**BODY, "heads": ["0.0"]},
        {**BODY, "kind": "x" * 100_000, "more": 1},
    ],
)
@pytest.mark.parametrize("name", ["sweep", "sweep_cost"])
def test_a_message_of_another_form_says_what_was_expected(panel, name, body):
    with pytest.raises(InputError, match="expected kind, over, direction and at") as said:
        ask(panel, name, **body)
    assert len(str(said.value)) < 400
    assert panel.found == {}
    assert panel.swept is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "add"}, "expected kind 'patch', 'zero', 'mean', 'resample'"),
        ({"over": "tokens"}, "expected over 'heads'"),
        ({"direction": "up"}, "expected direction 'denoise', 'noise'"),
        ({"at": 99}, "no position 99: the prompt has 11 tokens"),
        ({"at": True}, "expected at= as a token position"),
        ({"at": "</script>"}, "no role '</script>'"),
        ({"kind": "resample"}, "another prompt of the same length"),
    ],
)
@pytest.mark.parametrize("name", ["sweep", "sweep_cost"])
def test_what_no_sweep_can_do_is_refused_by_name(panel, name, change, words):
    with pytest.raises(InputError, match=words):
        ask(panel, name, **{**BODY, **change})
    assert panel.found == {}


def test_a_patch_needs_partners_of_one_length(planted, panel):
    planted.corrupted_prompt = CORRUPTED + " red"
    for name in ("sweep", "sweep_cost"):
        with pytest.raises(InputError, match="11 and 12 tokens"):
            ask(panel, name, **{**BODY, "kind": "patch"})
    assert ask(panel, "sweep_cost", **BODY)["edits"] == 6


def test_the_cost_is_told_and_nothing_is_run(planted, panel, monkeypatch):
    def refuse(*_, **__):
        message = "a forward was run"
        raise AssertionError(message)

    monkeypatch.setattr(type(planted.engine), "run", refuse)
    for over, edits in (("heads", 6), ("heads x positions", 66), ("positions x layers", 22)):
        told = ask(panel, "sweep_cost", **{**BODY, "over": over})
        plan = read_plan(planted.facts, "zero", over, "denoise", None, 0, None)
        snapshot = planted.snapshot()
        chosen = variants(plan, snapshot, planted.facts)
        cost = sweep_cost.forwards(planted.engine, snapshot, plan, chosen)
        assert told == {"edits": edits, "prompts": 1, "forwards": cost}
    assert ask(panel, "sweep_cost", **{**BODY, "at": 10})["forwards"] < 1


def test_beyond_the_budget_it_says_the_estimate_and_how_to_shrink_it(planted, wire):
    draw = np.random.default_rng(0)
    planted.prompts = hw.Prompts(clean=draw.integers(10, 400, (120, 120)).tolist())
    panel = hw.PatchPanel(planted)
    for name in ("sweep_cost", "sweep"):
        with pytest.raises(InputError, match=r"720 edits on 120 .* whole forwards, .* most=20,000"):
            ask(panel, name, **PLACES)
    assert panel.found == {}
    assert ask(panel, "sweep_cost", **BODY)["edits"] == 6
    panel.close()


@pytest.mark.parametrize("over", ["heads", "heads x positions", "positions x layers"])
def test_what_the_browser_has_is_the_table(planted, panel, over):
    ask(panel, **{**BODY, "kind": "patch", "over": over, "at": 4})
    at = 4 if over == "heads" else None  # elsewhere every position is visited anyway
    expected = planted.sweep("patch", over=over, at=at)
    numbers, done = held(panel)
    assert np.array_equal(numbers, expected[list(COLUMNS)].to_numpy(np.float32).T, equal_nan=True)
    assert done.all()
    found = panel.found
    json.dumps(found, allow_nan=False)
    assert (found["sweep"], found["over"], found["at"]) == ("patch", over, at)
    assert (found["layers"], found["heads"], found["direction"]) == (2, 3, "denoise")
    tokens = [place["token"] for place in found["places"]]
    assert tokens == ([] if over == "heads" else planted.tokens)
    assert not panel.found_stale
    assert panel.swept.equals(expected)


def test_prompts_of_several_lengths_have_roles_for_places(planted, panel):
    role = "</b>\u202e"
    planted.prompts = hw.Prompts(clean=[CLEAN, "the red apple and the red"], roles={role: [5, 3]})
    ask(panel, **PLACES)
    assert panel.found["places"] == [{"at": role, "token": ""}, {"at": "end", "token": ""}]
    assert held(panel)[1].shape == (12,)
    assert panel.found["measured_on"] == "your prompts, n = 2"


def test_cells_arrive_one_after_another(panel, step_by_step):
    seen = []
    panel.observe(lambda change: seen.append(change.new.get("incomplete", "whole")), "found")
    ask(panel, **BODY)
    assert seen == [*(f"so far {n} of 6 edits done" for n in range(1, 6)), "whole"]


def test_a_cancel_keeps_what_is_done(planted, panel, step_by_step):
    whole = planted.sweep("zero", over="heads x positions")
    sent = []
    desk = Dispatcher(handlers(planted), lambda content, _: sent.append(content), HomeLoop())
    steps = []

    def step():
        steps.append(1)
        if len(steps) == 20:
            desk.cancel("mine")

    step_by_step.append(step)
    body = {"panel": panel.panel, **PLACES}
    desk.receive({"v": 1, "kind": "req", "id": "mine", "name": "sweep", "body": body})
    assert [one["status"] for one in sent if one["kind"] == "res"] == ["cancelled"]
    assert panel.found["incomplete"] == "stopped: 20 of 66 edits done"
    numbers, done = held(panel)
    assert done.sum() == (panel.swept["n"] > 0).sum() == 20
    effect = whole["effect"].to_numpy(np.float32)
    assert np.array_equal(numbers[0][done], effect[done])
    assert np.isnan(numbers[0][~done]).all()
    with pytest.raises(InputError, match="stopped: 20 of 66 edits done: run it again"):
        ask(panel, "sweep_python")
    step_by_step.clear()
    ask(panel, **PLACES)
    assert "incomplete" not in panel.found
    assert np.array_equal(held(panel)[0][0], effect)


def test_a_cancel_before_the_first_edit_leaves_the_last_sweep(planted, panel):
    ask(panel, **BODY)
    before, frame = panel.found, panel.swept
    work = Work()
    work.cancel()
    with doing(work), pytest.raises(Cancelled):
        ask(panel, **{**BODY, "kind": "mean"})
    assert panel.found == before
    assert panel.swept is frame


def test_it_ages_with_what_it_depends_on_and_an_edit_is_not_among_it(planted, panel):
    ask(panel, **{**BODY, "kind": "mean"})
    planted.edits = [hw.zero("0.0")]
    planted.selection = "0.1"
    assert not panel.found_stale  # a sweep puts the session's edits aside
    planted.reference = [CLEAN, CORRUPTED]
    assert panel.found_stale
    ask(panel, **BODY)
    assert not panel.found_stale
    planted.reference = None
    assert not panel.found_stale  # nothing of it is put in by a zero
    planted.metric = hw.KL()
    assert panel.found_stale
    ask(panel, **BODY)
    assert panel.found["unit"] == "nats"
    planted.prompt = CORRUPTED
    assert panel.found_stale
    assert panel.found["revision"] < planted.revision


def test_the_code_of_the_panel_gives_its_numbers(planted, panel):
    with pytest.raises(InputError, match="no sweep yet: run one first"):
        ask(panel, "sweep_python")
    ask(panel, **{**BODY, "kind": "patch", "direction": "noise", "at": "end"})
    planted.edits = [hw.zero("1.0")]
    assert ask(panel, "sweep_python") == {"python": planted.as_python(panel.swept)}
    agree(planted, panel.swept)
    planted.prompt = CLEAN + " apple"
    with pytest.raises(InputError, match="measure it again"):
        ask(panel, "sweep_python")


def test_each_panel_has_its_own_sweep(planted, panel):
    other = hw.PatchPanel(planted)
    assert other.panel != panel.panel
    ask(other, **BODY)
    assert panel.found == {}
    other.close()
    for name, body in (("sweep", BODY), ("sweep_python", {})):
        with pytest.raises(InputError, match="older run of the notebook"):
            ask(other, name, **body)
        for wrong in (None, 3, [], {}, "panel-0"):
            with pytest.raises(InputError, match="older run of the notebook"):
                SERVED[name](planted, {**body, "panel": wrong})


def test_a_sweep_without_numbers_is_still_plain_json(planted):
    planted.use(hw.Prompts(clean=[CLEAN]), hw.LogitDiff(" red", " blue"))
    frame = planted.sweep("zero", over="positions x layers")
    picture = pack(frame, planted, None)
    json.dumps(picture.header, allow_nan=False)
    assert picture.header["note"] == frame.attrs["normalised"]
    assert picture.header["note"]
