"""What a session holds, what it tells, and the numbers on a model whose truth is known."""

from __future__ import annotations

import math
import threading

import numpy as np
import pandas as pd
import pytest
import torch

import headwidgets as hw
from headwidgets.methods.runs import logits

# The planted model copies what followed the last earlier copy: after the second "red" comes
# what stood after the first.
CLEAN = "Mary took the red apple and John took the red"
CORRUPTED = "Mary took the red book and John took the red"
CLEAN_2 = "Tom saw a blue door and Anna saw a blue"
CORRUPTED_2 = "Tom saw a blue key and Anna saw a blue"


@pytest.fixture
def copying(planted):
    """Two prompts that the planted model does, with answers."""
    labels = set(planted.engine.text.labels(range(planted.facts.d_vocab)))
    assert {" apple", " book", " door", " key"} <= labels
    planted.prompts = hw.Prompts(
        clean=[CLEAN, CLEAN_2],
        corrupted=[CORRUPTED, CORRUPTED_2],
        answer=[" apple", " door"],
        foil=[" book", " key"],
    )
    return planted


def test_no_edit_changes_nothing(copying):
    frame = copying.effect()
    assert list(frame.columns) == ["value", "se", "n", "note"]
    assert list(frame.index) == ["clean", "corrupted", "edited", "change", "normalised", "KL"]
    clean, corrupted = frame.loc["clean", "value"], frame.loc["corrupted", "value"]
    assert clean == pytest.approx(-corrupted, abs=1e-3)
    assert clean > 30  # beta is 40, and codes overlap by at most an eighth
    assert frame.loc["edited", "value"] == clean
    assert frame.loc["KL", "value"] == 0
    assert frame.loc["clean", "n"] == 2


def test_ablation_noising_and_denoising_mean_what_they_say(copying):
    copying.edits = [hw.zero("1.0")]
    assert copying.effect().loc["edited", "value"] == pytest.approx(0, abs=1e-4)
    assert copying.effect().loc["normalised", "value"] == pytest.approx(0.5, abs=1e-4)
    copying.edits = [hw.patch("1.0")]  # clean run, induction head from the corrupted: as corrupted
    noised = copying.effect()
    assert noised.loc["normalised", "value"] == pytest.approx(0, abs=1e-4)
    assert noised.loc["change", "note"] == "edited minus clean"
    copying.edits = [hw.patch("1.0", into="corrupted")]  # restored: as clean
    restored = copying.effect()
    assert restored.loc["normalised", "value"] == pytest.approx(1, abs=1e-4)
    assert restored.loc["change", "note"] == "edited minus corrupted"
    copying.edits = [hw.patch("1.0", at="end")]
    assert copying.effect().loc["normalised", "value"] == pytest.approx(0, abs=1e-4)
    copying.edits = [hw.patch("1.0", at=1)]
    assert copying.effect().loc["normalised", "value"] == pytest.approx(1, abs=1e-4)


def test_edits_of_one_head_apply_in_list_order(copying):
    copying.edits = [hw.zero("1.0"), hw.patch("1.0")]
    assert copying.effect().loc["normalised", "value"] == pytest.approx(0, abs=1e-4)
    copying.edits = [hw.patch("1.0"), hw.zero("1.0")]
    assert copying.effect().loc["normalised", "value"] == pytest.approx(0.5, abs=1e-4)
    copying.edits = [hw.scale("1.0", 2), hw.scale("1.0", 0.25)]
    half = copying.effect().loc["edited", "value"]
    copying.edits = [hw.scale("1.0", 0.5)]
    assert half == pytest.approx(copying.effect().loc["edited", "value"], abs=1e-4)


def test_a_mean_over_the_prompt_itself_changes_nothing(copying):
    copying.prompts = hw.Prompts(clean=[CLEAN])
    copying.reference = CLEAN
    copying.edits = [hw.mean("1.0")]
    assert copying.effect().loc["KL", "value"] == pytest.approx(0, abs=1e-6)


def test_a_mean_without_reference_says_what_it_is_over(copying):
    copying.edits = [hw.mean("1.0")]
    frame = copying.effect()
    assert frame.attrs["mean"] == "mean over 64 shuffles of the session's own prompts"
    assert abs(frame.loc["edited", "value"]) < frame.loc["clean", "value"] / 2
    copying.reference = [CLEAN, CORRUPTED]
    assert copying.effect().attrs["mean"] == "mean over 2 reference prompts"


def test_a_mean_goes_by_role_where_roles_are_given(copying):
    """The noun stands at 5 here and at 3 there: its role brings the right average."""
    first, second = "Mary took the red apple and John", "a red book and Tom went to"
    ids = [copying.engine.text.encode(t) for t in (first, second)]
    noun = [ids[0].index(copying.engine.text.answer_id(ids[0][:5], " apple")), 3]
    copying.prompts = hw.Prompts(clean=[first], roles={"noun": [noun[0]]})
    copying.reference = hw.Prompts(clean=[second], roles={"noun": [3]})
    copying.edits = [hw.mean("0.2", at="noun")]  # the current-token head: z is the token's code
    from headwidgets.methods.apply import compile_edits

    compiled = compile_edits(copying.engine, copying.snapshot(), [0])
    z = torch.zeros(1, len(ids[0]), 3, copying.facts.d_head)
    ((_, hook),) = compiled.hooks
    changed = hook(z, 0)[0, :, 2]
    from headwidgets.methods.record import record, z_name

    expected = record(copying.engine, [tuple(ids[1])], [z_name(0)])[z_name(0)][0, 3, 2]
    assert torch.equal(changed[noun[0]], expected)
    assert changed.abs().sum() == expected.abs().sum()  # nowhere else


def test_normalised_needs_runs_that_differ(copying):
    copying.corrupted_prompt = CLEAN
    copying.index = 1
    copying.corrupted_prompt = CLEAN_2
    row = copying.effect().loc["normalised"]
    assert math.isnan(row["value"])
    assert "differ by 0: under 0.1" in row["note"]


def test_normalised_needs_two_standard_errors():
    from headwidgets.methods.effects import Measured, normalised

    clean, corrupted = np.array([1.0, -0.9, 1.1, -1.0]), np.zeros(4)
    value, _, why = normalised(Measured(clean, corrupted, clean, clean, ()))
    assert math.isnan(value)
    assert "under" in why
    value, se, why = normalised(Measured(clean + 9, corrupted, (clean + 9) / 2, clean, ()))
    assert (value, why) == (pytest.approx(0.5), "")
    assert se == pytest.approx(0, abs=1e-9)  # every prompt has the same ratio


def test_top_tokens(copying):
    frame = copying.logits(k=3)
    assert list(frame.columns) == ["token", "clean", "edited", "change"]
    assert frame["token"].iloc[0] == " apple"
    copying.edits = [hw.patch("1.0")]
    frame = copying.logits(k=3, unit="probability")
    assert set(frame["token"]) >= {" apple", " book"}
    assert frame.set_index("token").loc[" book", "edited"] == pytest.approx(1, abs=1e-4)
    assert frame.set_index("token").loc[" apple", "change"] == pytest.approx(-1, abs=1e-4)
    copying.edits = []
    inner = copying.logits(k=1, at=2)
    assert not inner["change"].any()


def test_attention_of_every_run(copying):
    clean = copying.attention("1.0")
    end = len(copying.tokens) - 1
    assert clean.dtype == np.float32
    assert clean[end].argmax() == 5  # the apple
    assert np.allclose(clean.sum(-1), 1, atol=1e-5)
    assert np.array_equal(clean, copying.attention((1, 0), run="edited"))
    assert np.array_equal(copying.attention("L0H0", "corrupted"), copying.attention("0.0"))
    copying.edits = [hw.zero("0.0")]
    assert copying.attention("1.0", run="edited")[end].argmax() == 0  # rests on BOS
    assert copying.attention("1.0")[end].argmax() == 5
    clean[:] = 7  # what was handed out is a copy
    assert copying.attention("1.0").max() <= 1


def test_thumbnails_keep_sharp_lines(planted):
    planted.prompt = " the" * 200
    maps = planted.attention("0.0")
    thumbs = planted.thumbnails()
    assert thumbs.shape == (2, 3, 64, 64)
    assert thumbs.dtype == np.uint8
    assert (thumbs[0, 0].max(axis=1) == np.uint8(255)).all()  # one line in 3 pixels stays 1
    edge = 64
    rows = np.arange(len(maps)) * edge // len(maps)
    pooled = np.zeros((edge, edge))
    for i, j in np.argwhere(maps > 0):
        pooled[rows[i], rows[j]] = max(pooled[rows[i], rows[j]], maps[i, j])
    assert np.array_equal(thumbs[0, 0], np.round(pooled * 255).astype(np.uint8))


def test_the_edge_of_thumbnails_stays_within_their_bytes():
    from headwidgets.methods.shown import thumbnail_edge

    assert [thumbnail_edge(n) for n in (6, 144, 585, 1024, 5120)] == [64, 64, 32, 16, 8]


def test_generation_is_clean_beside_edited(copying):
    copying.edits = [hw.zero("1.0")]
    frame = copying.generate(4)
    assert frame.attrs["clean"] == " apple and John took"
    assert list(frame.columns) == ["clean", "edited"]
    assert frame.attrs["edited"] != frame.attrs["clean"]


def test_the_loss_of_a_repeat_goes_from_nothing_to_ln_v(planted):
    ids = planted.engine.text.word_ids()[:20]
    row = [planted.engine.text.bos_id, *ids, *ids]

    def loss(run):
        values = logits(planted.engine, planted.snapshot(), run, [0], positions="all").values[0]
        log = torch.log_softmax(values, -1)
        return -float(log[range(21, 40), row[22:]].mean())

    planted.prompt = row
    assert loss("clean") < 1e-3
    planted.edits = [hw.zero("0.0")]
    assert loss("edited") == pytest.approx(math.log(planted.facts.d_vocab), abs=1e-4)


# ---------------------------------------------------------------- state


def test_every_spelling_of_prompts(planted):
    frame = pd.DataFrame({"clean": ["a", "b"], "corrupted": ["c", None]})
    planted.prompts = frame
    assert len(planted.prompts) == 2
    assert planted.corrupted_prompt == "c"
    planted.index = 1
    assert (planted.prompt, planted.corrupted_prompt) == ("b", None)
    planted.prompts = ["x", [1, 2, 3]]
    assert planted.prompts.clean == ("x", (1, 2, 3))
    planted.prompts = [4, 5]
    assert planted.prompt == (4, 5)
    planted.prompt = torch.tensor([[1, 2]])
    assert planted.token_ids == [1, 2]
    again = planted.prompts.to_frame()
    planted.prompts = again
    assert planted.prompts.clean == ((1, 2),)


def test_one_change_is_told_once(planted):
    told = []
    end = planted.subscribe(told.append)
    revision = planted.revision
    planted.edits = [hw.zero("0.0")]
    planted.edits = [hw.zero("0.0")]
    planted.selection = "1.0"
    assert told == [{"edits"}, {"selection"}]
    assert planted.revision == revision + 1  # a selection makes no number stale
    planted.use(prompts=CLEAN, metric=hw.LogitDiff(" apple", " book"), reference=[CORRUPTED])
    assert told[2:] == [{"prompts", "index", "metric", "reference"}]
    assert planted.revision == revision + 2
    end()
    planted.edits = []
    assert len(told) == 3


def test_use_changes_all_or_nothing(planted):
    before = planted._values
    with pytest.raises(hw.InputError):
        planted.use(prompts=CLEAN, metric=hw.LogitDiff("apple", " book"))
    assert planted._values is before


def test_answers_of_a_new_set_take_the_place_of_a_metric(planted):
    planted.metric = hw.LogitDiff(" Mary", " John")
    planted.prompts = hw.Prompts(clean=[CLEAN], answer=[" apple"], foil=[" book"])
    assert planted.metric is None
    assert planted.effect().attrs["metric"] == "logit of each prompt's answer minus its foil"
    assert planted.effect().loc["clean", "value"] > 30


def test_edits_can_be_added_and_are_never_changed_behind_the_session(planted):
    planted.edits = [hw.zero("0.0")]
    planted.edits += [hw.scale("1.0", 0.5)]
    assert [str(e) for e in planted.edits] == ["zero 0.0", "scale 1.0 × 0.5"]
    assert not hasattr(planted.edits, "append")
    planted.edits = [edit.to_json() for edit in planted.edits]
    assert planted.edits == (hw.zero((0, 0)), hw.scale("L1H0", 0.5))


def test_a_frame_knows_when_it_is_stale(copying):
    effect, induction = copying.effect(), copying.score("induction", draws=200)
    assert not copying.is_stale(effect)
    copying.selection = "0.0"
    assert not copying.is_stale(effect)
    copying.edits = [hw.zero("0.0")]
    assert copying.is_stale(effect)
    assert not copying.is_stale(induction)
    assert copying.frames["effect"].equals(effect)


def test_a_score_under_edits(planted):
    planted.edits = [hw.zero("0.0")]
    clean, edited = (planted.score("induction", run=run, draws=200) for run in ("clean", "edited"))
    assert clean.loc[3, "verdict"] == "consistent with"
    assert edited.loc[3, "score"] < 0.1
    assert not (edited["verdict"] == "consistent with").any()
    assert set(edited["edits"]) == {"zero 0.0"}
    assert set(clean["edits"]) == {""}
    planted.edits = [hw.mean("0.0")]
    assert planted.score("induction", run="edited", draws=200).loc[3, "score"] < 0.1
    planted.edits = [hw.zero("0.0", at=3)]
    with pytest.raises(hw.InputError, match="no meaning on these rows"):
        planted.score("induction", run="edited")


def test_a_passport_has_every_kind(planted):
    frame = planted.passport("1.0", causal=True)
    assert set(frame["kind"]) == set(hw.kinds()["name"])
    claimed = set(frame.loc[frame["verdict"] == "consistent with", "kind"])
    assert claimed == {"global retrieval", "induction"}


def test_parts_of_the_stream(planted):
    frame = planted.parts()
    assert frame["share"].sum() == pytest.approx(1, abs=1e-5)
    assert frame.attrs["largest_error"] < 1e-4


def test_a_session_reads_well(planted):
    planted.edits = [hw.zero("0.0")]
    assert repr(planted) == (
        "<Session 'planted' · 2 layers × 3 heads · raw weights · n = 1 · edits: zero 0.0"
        " · revision 2>"
    )


def test_state_may_change_while_numbers_are_computed(copying):
    """A run works on a snapshot: a change in the middle belongs to the next one."""
    copying.edits = [hw.zero("1.0")]
    run = copying.engine.run
    began, go = threading.Event(), threading.Event()

    def slow(*args, **kwargs):
        began.set()
        assert go.wait(30)
        return run(*args, **kwargs)

    copying.engine.run = slow
    found = []
    worker = threading.Thread(target=lambda: found.append(copying.effect()))
    worker.start()
    assert began.wait(30)
    copying.edits = []  # from another thread, at once
    go.set()
    worker.join()
    assert found[0].loc["edited", "value"] == pytest.approx(0, abs=1e-4)
    assert found[0].attrs["edits"] == ["zero 1.0"]
    assert copying.is_stale(found[0])


def test_the_users_bridge_is_never_touched(planted_bridge):
    from headwidgets.model.view import count_hooks

    ids = torch.tensor([[0, *range(300, 310), *range(300, 310)]])
    with torch.no_grad():
        expected = planted_bridge(ids)
    hooks = count_hooks(planted_bridge)
    fired = []
    planted_bridge.add_hook("blocks.0.attn.hook_z", lambda z, hook: fired.append(hook.name))
    session = hw.Session(planted_bridge)
    session.prompt = ids
    session.edits = [hw.zero("0.0"), hw.scale("1.0", 3)]
    session.effect()
    assert fired == []  # the user's own hooks do not run in the session
    planted_bridge.reset_hooks()
    assert count_hooks(planted_bridge) == hooks
    with torch.no_grad():
        assert torch.equal(planted_bridge(ids), expected)
