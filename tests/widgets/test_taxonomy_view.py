"""TaxonomyView: forty kinds, what was measured of them, by whomever; compact, never stale."""

from __future__ import annotations

import json
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from test_grid import ask, browser_sets

import headwidgets as hw
from headwidgets.taxonomy.frame import COLUMNS
from headwidgets.widgets import roles as roles_of
from headwidgets.widgets.bundles import bundle
from headwidgets.widgets.roles import Role
from headwidgets.widgets.roles_table import MANY, VERDICTS, pack, unpack

INDUCTION = "induction"


def found(session, kind=INDUCTION):
    return session.state.roles["kinds"].get(kind)


def scored(n_layers, n_heads, kind=INDUCTION):
    """Made-up scores of every head."""
    size = n_layers * n_heads
    random = np.random.default_rng(0)
    made = pd.DataFrame(np.ndindex(n_layers, n_heads), columns=["layer", "head"])
    made = made.assign(kind=kind, score=random.random(size), se=0.01, p=random.random(size))
    made = made.assign(null_max=0.5, n=16, task_accuracy=np.nan, reason="because", edits="")
    made["verdict"] = np.array(VERDICTS)[random.integers(1, 4, size)]
    return made


# ------------------------------------------------------------------ the table


@pytest.mark.parametrize("shape", [(3, 4), (40, MANY // 40)])
def test_what_is_packed_is_what_was_scored(shape):
    frames = {"one": scored(*shape), "two": scored(*shape).iloc[::-1].reset_index(drop=True)}
    frames["two"].loc[1, "score"] = np.nan
    roles = {name: Role(frame, {}, stale=False) for name, frame in frames.items()}
    picture = pack(roles, shape, [])
    table = unpack(picture.header, picture.data)
    exact = shape[0] * shape[1] < MANY
    for row, frame in enumerate(frames.values()):
        for name in ("score", "p"):
            expected = frame[name].to_numpy(np.float32)
            np.testing.assert_allclose(
                table[name][row].ravel(), expected, rtol=0, atol=0 if exact else 2**-11
            )
        words = [VERDICTS[code] for code in table["verdict"][row].ravel()]
        assert words == frame["verdict"].tolist()


def test_the_best_heads_are_those_that_can_be_claimed_then_the_highest():
    frame = scored(1, 4).assign(
        score=[0.9, 0.1, 0.3, np.nan],
        verdict=["no", "consistent with", "consistent with", "not measurable here"],
    )
    told = pack({INDUCTION: Role(frame, {}, stale=False)}, (1, 4), []).header["kinds"][INDUCTION]
    assert [one["head"] for one in told["best"]] == ["0.2", "0.1", "0.0"]
    assert told["counts"] == {"not measurable here": 1, "no": 1, "consistent with": 2}
    json.dumps(told, allow_nan=False)  # a browser takes no NaN


def test_a_gpt2_small_with_all_kinds_stays_small(planted):
    frame = scored(12, 12)
    roles = {card["name"]: Role(frame, {}, stale=False) for card in hw.kinds().to_dict("records")}
    picture = pack(roles, (12, 12), [])
    assert len(picture.data) + len(json.dumps(picture.header)) <= 110_000
    planted.state.need_kinds()
    assert len(json.dumps(planted.state.kinds)) <= 130_000


# ------------------------------------------------------------------ over a session


def test_every_kind_is_there_with_its_card_before_anything_is_measured(planted, wire):
    view = hw.TaxonomyView(planted)
    cards = view.session.kinds
    assert [card["name"] for card in cards] == hw.kinds()["name"].tolist()
    assert all(card["math"].startswith("<math") for card in cards)
    assert view.to_frame().columns.tolist() == list(COLUMNS)
    assert len(view.to_frame()) == 0
    assert repr(view) == "<TaxonomyView: 0 of 40 kinds measured>"
    opened = [d["state"] for kind, d, _ in wire if kind == "comm_open" and "kinds" in d["state"]]
    assert opened


def test_what_a_cell_measures_is_shown(planted, wire):
    view = hw.TaxonomyView(planted, kind=INDUCTION)
    frame = planted.score(INDUCTION)
    assert found(planted)["best"][0] == {
        "head": "1.0",
        "score": 1.0,
        "se": 0.0,
        "p": 0.001,
        "verdict": "consistent with",
        "reason": frame["reason"][3],
    }
    assert found(planted)["null_max"] == pytest.approx(frame["null_max"].max())
    assert found(planted)["measured_on"] == frame.attrs["measured_on"]
    table = unpack(planted.state.roles, planted.state.roles_data)
    assert np.array_equal(table["score"].ravel(), frame["score"].to_numpy(np.float32))
    pd.testing.assert_frame_equal(view.to_frame(), frame, check_like=True)
    assert repr(view) == "<TaxonomyView: 1 of 40 kinds measured · induction 1.0>"


def test_a_second_view_costs_little(planted, wire):
    planted.score(INDUCTION)
    hw.TaxonomyView(planted)
    wire.clear()
    hw.TaxonomyView(planted)
    assert sum(len(json.dumps(d)) for _, d, _ in wire) <= 20_000
    assert all("kinds" not in d.get("state", {}) for _, d, _ in wire)


def test_a_kind_that_cannot_be_asked_says_why(planted, wire):
    hw.TaxonomyView(planted)
    frame = planted.score("successor")
    told = found(planted, "successor")
    assert not told["measurable"]
    assert told["reason"] == frame["reason"][0]
    assert told["best"] == []


def test_the_latest_score_of_a_kind_counts_and_says_its_edits(planted, wire):
    hw.TaxonomyView(planted)
    planted.score(INDUCTION)
    planted.edits = [hw.zero("0.0")]
    planted.score(INDUCTION, run="edited")
    assert found(planted)["edits"] == "zero 0.0"
    assert found(planted)["counts"] == {"no": 6}
    planted.edits = []
    assert (found(planted)["edits"], found(planted)["stale"]) == ("", False), "the clean one"


def test_numbers_of_other_weights_are_stale(planted, wire):
    view = hw.TaxonomyView(planted)
    planted.score(INDUCTION)
    planted.prompt = "the cat sat"
    assert found(planted)["stale"], "it was measured beside the prompts"
    planted.score(INDUCTION, on=["the cat the cat"])
    planted.prompt = "the cat sat on"
    assert not found(planted)["stale"]
    planted.refresh()
    assert found(planted)["stale"]
    assert len(view.to_frame()) == 6


def test_selecting_a_head_writes_nothing_anew(planted, wire):
    hw.TaxonomyView(planted)
    planted.score(INDUCTION)
    wire.clear()
    planted.selection = "0.1"
    planted.state.follow_kinds()
    assert all("roles" not in d.get("state", {}) for _, d, _ in wire)


def test_a_proof_is_shown(planted, wire):
    hw.TaxonomyView(planted)
    planted.score(INDUCTION)
    frame = planted.confirm(INDUCTION, "1.0", n=20)
    (proof,) = planted.state.roles["proofs"]
    assert (proof["kind"], proof["head"], proof["n"]) == (INDUCTION, "1.0", frame["n"][0])
    assert proof["passed"] is bool(frame["passed"][0])
    assert proof["share"] == pytest.approx(frame["share"][0])


def test_of_several_tries_of_a_proof_the_weakest_is_shown_corrected(planted, wire):
    hw.TaxonomyView(planted)
    first = planted.confirm(INDUCTION, "1.0", n=20)
    planted.confirm(INDUCTION, "1.0", n=20, seed=7)
    planted.confirm(INDUCTION, "0.0", n=20)
    shown = {one["head"]: one for one in planted.state.roles["proofs"]}
    assert len(planted.state.roles["proofs"]) == len(shown) == 2
    tried = planted.proofs_tried()
    for head, proof in shown.items():
        mine = tried[tried["head"] == int(head[2:])].query(f"layer == {head[0]}")
        assert proof["p"] == pytest.approx(mine["p_corrected"].max())
        assert proof["passed"] is planted.proofs()[INDUCTION, hw.Head.parse(head)]
    assert shown["1.0"]["p"] > first["p"][0], "three were tried"


# ------------------------------------------------------------------ the browser


def test_the_browser_measures_one_kind_and_confirms_a_head(planted, wire):
    hw.TaxonomyView(planted)
    assert ask(planted, "score kind", kind="previous token")[-1]["status"] == "ok"
    assert found(planted, "previous token")["best"][0]["head"] == "0.0"
    assert ask(planted, "confirm kind", kind=INDUCTION, head="1.0")[-1]["status"] == "ok"
    assert [one["kind"] for one in planted.state.roles["proofs"]] == [INDUCTION]


def test_measuring_all_is_one_plan(planted, wire, monkeypatch):
    asked = []
    monkeypatch.setattr(planted, "scores", lambda: asked.append("all"))
    assert ask(planted, "score kinds")[-1]["status"] == "ok"
    assert asked == ["all"]
    assert planted.state.kinds, "and the cards are there"


def test_a_verdict_that_waits_for_its_proof_is_given_anew(planted, wire, monkeypatch):
    scored_again = []
    made = pd.DataFrame({"passed": [True]})
    monkeypatch.setattr(type(planted), "confirm", lambda *_: made)
    monkeypatch.setattr(type(planted), "score", lambda _, kind: scored_again.append(kind))
    for kind in (INDUCTION, "name mover"):
        assert ask(planted, "confirm kind", kind=kind, head="1.0")[-1]["body"]["passed"] is True
    assert scored_again == ["name mover"]


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("score kind", {"kind": "inducton"}, "did you mean 'induction'"),
        ("score kind", {}, "expected kind"),
        ("score kinds", {"kind": INDUCTION}, "expected nothing"),
        ("confirm kind", {"kind": INDUCTION}, "expected kind and head"),
        ("confirm kind", {"kind": INDUCTION, "head": "9.9"}, "no head 9.9"),
        ("confirm kind", {"kind": "inducton", "head": "1.0"}, "did you mean 'induction'"),
        ("kinds", {"all": 1}, "expected nothing"),
    ],
)
def test_a_request_that_cannot_be_meant_is_refused(planted, wire, name, body, message):
    last = ask(planted, name, **body)[-1]
    assert last["status"] == "error"
    assert message.replace(".", "") in last["error"]["message"].replace(".", "")


def test_a_browser_sets_filters_and_nothing_else(planted, wire):
    view = hw.TaxonomyView(planted)
    before = view.session.kinds
    browser_sets(view, kind=INDUCTION, stage="latent reasoning", text="subject")
    assert (view.kind, view.stage, view.text) == (INDUCTION, "latent reasoning", "subject")
    browser_sets(view, kind="no such kind")
    assert view.kind == INDUCTION
    browser_sets(view.session, kinds=[], roles={})
    assert view.session.kinds is before


# ------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((), {}, "expected a session"),
        (("gpt2",), {}, "got str"),
        ((None,), {"knd": "x"}, "has no 'knd'; is it 'kind'"),
    ],
)
def test_what_is_no_session_is_refused(arguments, options, message):
    with pytest.raises(hw.InputError, match=message):
        hw.TaxonomyView(*arguments, **options)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"kind": "inducton"}, "did you mean 'induction'"),
        ({"stage": "reasoning"}, "expected stage to be one of knowledge recalling"),
        ({"verdict": "yes"}, "expected verdict to be one of consistent with"),
    ],
)
def test_a_filter_that_keeps_nothing_is_refused(planted, option, message):
    with pytest.raises(hw.InputError, match=message):
        hw.TaxonomyView(planted, **option)


# ------------------------------------------------------------------ without a kernel


def test_the_picture_shows_all_kinds(planted, wire, tmp_path):
    planted.selection = "1.0"
    view = hw.TaxonomyView(planted)
    empty = np.asarray(Image.open(BytesIO(view._picture())).convert("RGB"))
    planted.score(INDUCTION)
    path = view.save(tmp_path / "kinds.png")
    picture = np.asarray(Image.open(path).convert("RGB"))
    assert picture.shape == empty.shape, "what was measured does not move what is beside it"
    changed = np.argwhere((picture != empty).any(-1))
    assert len(changed) > 0
    assert (np.abs(picture.astype(int) - (213, 94, 0)).sum(-1) < 40).any()  # the selected head
    assert len(view._png()) <= 24_000
    assert "induction 1.0" in view.save(tmp_path / "kinds.svg").read_text(encoding="utf-8")


def test_a_saved_page_holds_the_cards_and_what_was_found(planted, wire, tmp_path):
    view = hw.TaxonomyView(planted)
    planted.score(INDUCTION)
    text = view.save(tmp_path / "kinds.html").read_text(encoding="utf-8")
    held = json.loads(text.split('id="hw-held">')[1].split("</script>")[0])
    assert held["view"] == "taxonomy"
    assert held["session"]["state"]["taxonomy"] == bundle("taxonomy")
    assert "tools" not in held["session"]["state"], "the other views stay where they are"
    assert held["session"]["state"]["roles"]["kinds"][INDUCTION]["best"][0]["head"] == "1.0"
    assert [path for path, _ in held["session"]["buffers"]] == [["roles_data"]]


# ------------------------------------------------------------------ in the explorer


def test_in_the_explorer_it_costs_nothing_until_it_is_opened(planted, wire):
    explorer = planted.explore()
    assert (explorer.tab, planted.state.kinds, planted.state.roles) == ("heads", [], {})
    assert planted.state.taxonomy == "", "nor is its code there"
    browser_sets(explorer, tab="kinds", kind=INDUCTION)
    assert len(planted.state.kinds) == len(hw.kinds())
    assert planted.state.taxonomy == bundle("taxonomy")
    assert found(planted)["best"][0]["head"] == "1.0", "the grid had measured it"
    assert explorer.kind == INDUCTION
    assert set(hw.TaxonomyView.MIRRORED) <= set(explorer.MIRRORED)
    explorer.close()


def test_a_saved_explorer_holds_the_kinds_once_they_were_opened(planted, wire, tmp_path):
    explorer = planted.explore()
    for opened in (False, True):
        if opened:
            browser_sets(explorer, tab="kinds")
        text = explorer.save(tmp_path / "e.html").read_text(encoding="utf-8")
        state = json.loads(text.split('id="hw-held">')[1].split("</script>")[0])["session"]["state"]
        assert state["tools"] == bundle("tools")
        assert (state["taxonomy"] == bundle("taxonomy")) is opened
    explorer.close()


def test_a_host_that_cannot_reach_the_session_is_given_the_code_when_it_is_opened(planted, wire):
    explorer = planted.explore()
    browser_sets(explorer, apart=True)
    assert (explorer.tools, explorer.taxonomy) == (bundle("tools"), "")
    browser_sets(explorer, tab="kinds")
    assert explorer.taxonomy == bundle("taxonomy")
    explorer.close()
    view = hw.TaxonomyView(planted)
    browser_sets(view, apart=True)
    assert (view.tools, view.taxonomy) == ("", bundle("taxonomy"))


def test_a_session_that_nobody_looks_at_packs_nothing(planted, wire, monkeypatch):
    monkeypatch.setattr(roles_of, "pack", lambda *_: pytest.fail("nobody asked for it"))
    assert planted.state.roles == {}
    planted.score(INDUCTION)
