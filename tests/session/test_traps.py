"""Traps that a careful stranger once fell into; each stays closed."""

from __future__ import annotations

import copy
import gc
import math
import pickle
import weakref

import numpy as np
import pandas as pd
import pytest
import torch
import transformers
from shaped import folder, shaped
from transformer_lens.model_bridge.sources import build_bridge_from_module

import headwidgets as hw
from headwidgets.methods.means import mean_tables
from headwidgets.methods.record import record, z_name


@pytest.fixture
def llama(shaped_bridges):
    session = hw.Session(shaped_bridges("llama"))
    yield session
    session.close()


def test_a_mean_keeps_bos_out_of_the_other_positions(llama):
    """References of two lengths: the shorter one's BOS stands where the other has a word."""
    assert llama.engine.text.bos_id == 0
    a, b = (0, 10, 11, 12), (0, 20, 21, 22, 23, 24)
    llama.use(prompts=[(0, 30, 31, 32, 33, 34)], reference=[a, b])
    name = z_name(1)
    table = mean_tables(llama.engine, llama.snapshot(), [name])[name]
    za, zb = (record(llama.engine, [ids], [name])[name][0] for ids in (a, b))
    found = table.rows(llama.snapshot().pairs, 0)[0]
    assert torch.allclose(found[0], (za[0] + zb[0]) / 2, atol=1e-6)
    assert torch.allclose(found[5], (za[3] + zb[5]) / 2, atol=1e-6)
    assert torch.allclose(found[3], (za[1] + zb[3]) / 2, atol=1e-6)
    assert torch.allclose(found[2], zb[2], atol=1e-6)  # only the longer one reaches here
    assert torch.allclose(found[1], zb[1], atol=1e-6)


@pytest.mark.parametrize("where", ["torch", "permanent"])
def test_hooks_of_the_user_stay_with_the_user(tmp_path, where):
    bridge = shaped("gpt2", tmp_path)
    ids = torch.tensor([list(range(8))])
    with torch.no_grad():
        expected = bridge(ids)[0, -1]
    if where == "torch":
        module = bridge.blocks[0].attn.o.original_component
        handle = module.register_forward_hook(lambda m, a, out: torch.zeros_like(out))
    else:
        bridge.add_perma_hook("blocks.0.attn.hook_z", lambda z, hook: torch.zeros_like(z))
    with torch.no_grad():
        assert not torch.allclose(bridge(ids)[0, -1], expected)  # theirs works, for them
    session = hw.Session(bridge)
    session.prompt = ids
    top = session.logits(k=5)["clean"]
    assert np.allclose(top, expected[torch.tensor(top.index)], atol=1e-5)
    if where == "torch":
        handle.remove()
        with torch.no_grad():
            assert torch.equal(bridge(ids)[0, -1], expected)


def test_a_model_that_shows_no_pattern_says_so(tmp_path):
    path = folder("opt", tmp_path)
    model = transformers.AutoModelForCausalLM.from_pretrained(path, attn_implementation="sdpa")
    bridge = build_bridge_from_module(model, model.config.architectures[0], hf_config=model.config)
    session = hw.Session(bridge)
    for ask in (lambda: session.attention("1.0"), session.thumbnails):
        with pytest.raises(hw.ModelError, match="attn_implementation='eager'"):
            ask()


@pytest.mark.parametrize("name", ["llama", "gpt2", "gemma3"])
def test_parts_in_bfloat16_are_as_exact_as_bfloat16_is(tmp_path, name):
    session = hw.Session(folder(name, tmp_path), dtype="bfloat16")
    assert session.parts()["share"].sum() == pytest.approx(1, abs=0.05)


def test_parts_where_positions_have_no_embedding():
    config = transformers.GPTJConfig(
        vocab_size=64, n_embd=32, n_layer=2, n_head=2, n_positions=32, rotary_dim=8
    )
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    bridge = build_bridge_from_module(model.eval(), "GPTJForCausalLM", hf_config=model.config)
    session = hw.Session(bridge)
    assert session.parts().attrs["largest_error"] < 1e-4


def test_parts_that_are_not_all_known_are_refused():
    config = transformers.GraniteConfig(
        vocab_size=64,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        intermediate_size=32,
        residual_multiplier=0.2,
    )
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape) * 0.3)
    bridge = build_bridge_from_module(model.eval(), "GraniteForCausalLM", hf_config=model.config)
    with pytest.raises(hw.NotMeasurable, match="adds something else"):
        hw.Session(bridge).parts()


def test_replaced_weights_are_seen_and_taken(tmp_path):
    bridge = shaped("gpt2", tmp_path)
    session = hw.Session(bridge)
    frame = session.logits(k=3)
    output = bridge.blocks[0].attn.o.original_component
    output.weight = torch.nn.Parameter(output.weight.detach() * 3)
    assert session.is_stale(frame)
    for ask in (session.logits, lambda: session.save(tmp_path / "saved")):
        with pytest.raises(hw.ModelError, match=r"call s\.refresh\(\)"):
            ask()
    session.refresh()
    with torch.no_grad():
        expected = bridge(torch.tensor([session.token_ids]))[0, -1]
    top = session.logits(k=3)["clean"]
    assert np.allclose(top, expected[torch.tensor(top.index)], atol=1e-5)
    bridge.to(torch.bfloat16)
    session.refresh()
    assert session.facts.dtype == "bfloat16"
    assert len(session.logits(k=3)) == 3


def test_autocast_around_a_session_changes_no_number(llama):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = llama.logits()
    llama.engine.cache.clear()
    assert inside.equals(llama.logits())


def test_a_session_opens_in_inference_mode(tmp_path):
    path = folder("llama", tmp_path)
    with torch.inference_mode():
        session = hw.Session(path)
    assert len(session.logits(k=2)) == 2


def test_numbers_that_are_not_finite_are_not_blamed_on_the_prompt(tmp_path):
    bridge = shaped("gpt2", tmp_path)
    with torch.no_grad():
        bridge.blocks[1].attn.o.original_component.weight[0, 0] = math.nan
    session = hw.Session(bridge)
    session.corrupted_prompt = session.token_ids
    frame = session.effect()
    assert frame.loc["corrupted", "note"] == ""
    assert frame.loc["KL", "n"] == 0
    assert "clean run has no finite metric on 1 of 1" in frame.attrs["notes"][0]


def test_a_session_loads_what_a_session_could_be(planted, tmp_path):
    """An edit or a metric may stop to apply when the prompt changes; it is kept all the same."""
    planted.edits = [hw.zero("0.0", at=10)]
    planted.metric = hw.LogitDiff(" Mary", " John")
    planted.prompt = " the cat"
    back = hw.load(planted.save(tmp_path / "saved"))
    assert back._values == planted._values
    with pytest.raises(hw.InputError, match="no position 10"):
        back.effect()


def test_bos_is_saved(planted_bridge, tmp_path):
    session = hw.Session(planted_bridge, prepend_bos=False)
    session.prompt = " the cat"
    frame = session.logits()
    session.save(tmp_path / "saved")
    back = hw.load(tmp_path / "saved", model=planted_bridge)
    assert back.token_ids == session.token_ids
    assert back.logits().equals(frame)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: (path / "frames.safetensors").unlink(),
        lambda path: (path / "frames.safetensors").write_bytes(b"no"),
        lambda path: (path / "session.json").write_text('{"version": 1}'),
    ],
)
def test_a_damaged_folder_is_named(planted, tmp_path, spoil):
    planted.logits()
    path = planted.save(tmp_path / "saved")
    spoil(path)
    with pytest.raises(hw.InputError, match="is damaged"):
        hw.load(path)


def test_frames_that_cannot_be_kept_are_named(planted, tmp_path):
    planted.frames["mine"] = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(hw.InputError, match="cannot save the frame 'mine'"):
        planted.save(tmp_path / "saved")
    planted.frames["mine"] = pd.DataFrame({"": [1.5], "a/b": [2]})
    back = hw.load(planted.save(tmp_path / "saved"))
    pd.testing.assert_frame_equal(back.frames["mine"], planted.frames["mine"])


def test_a_closed_session_lets_go_of_the_model():
    kept = []
    for _ in range(3):
        session = hw.Session("planted")
        assert session.state.revision == session.revision
        kept.append(weakref.ref(session.engine.view))
        session.close()
        del session
    gc.collect()
    assert [view() for view in kept] == [None] * 3


def test_a_listener_that_fails_does_not_silence_the_others(planted):
    told = []
    planted.subscribe(lambda changed: 1 / 0)
    planted.subscribe(told.append)
    with pytest.raises(ZeroDivisionError):
        planted.selection = "1.0"
    assert told == [{"selection"}]
    with pytest.raises(hw.InputError, match="a function"):
        planted.subscribe(None)


def test_misspelt_names_are_refused(planted):
    with pytest.raises(hw.InputError, match="no 'edit'; is it 'edits'"):
        planted.edit = [hw.zero("0.0")]
    with pytest.raises(hw.InputError, match="no 'corrupted'; is it 'corrupted_prompt'"):
        planted.corrupted = "x"


def test_a_session_is_not_pickled(planted):
    for make in (pickle.dumps, copy.deepcopy):
        with pytest.raises(hw.InputError, match=r"use s\.save"):
            make(planted)


def test_a_new_text_takes_its_own_roles_away_and_no_others(planted):
    planted.prompts = hw.Prompts(clean=["When Mary", "and John"], roles={"S": [1, 2]})
    planted.prompt = "the store"
    assert dict(planted.prompts.roles) == {"S": (None, 2)}
    with pytest.raises(hw.InputError, match="no role 'S'"):
        planted.logits(at="S")
    planted.index = 1
    assert len(planted.logits(k=2, at="S")) >= 2
    again = hw.Prompts.read(planted.prompts.to_frame())
    assert dict(again.roles) == {"S": (None, 2)}


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: hw.Prompts(clean=["a"], answer=[5]), "expected foil as well as answer"),
        (lambda: hw.Prompts(clean=["a"], roles=[1]), "roles as a mapping"),
        (lambda: hw.Prompts.read({"clean": ["a"], "foo": [1]}), "expected the keys"),
        (lambda: hw.Prompts.read(pd.DataFrame({"clean": ["a"], "corrupt": ["b"]})), "'corrupted'"),
        (lambda: hw.Prompts.read(pd.DataFrame({"clean": ["a", None]})), "none in row 1"),
        (lambda: hw.Prompts(clean=[[torch.tensor(1.5)]]), "list of token ids"),
        (lambda: hw.Session(device="nonsense"), "a device such as 'cpu'"),
        (lambda: hw.Session(dtype=torch.int8), "floating-point dtype"),
        (lambda: hw.Session(prepend_bos="no"), "True, False or None"),
        (lambda: hw.scale("0.0", 10**400), "finite factor"),
    ],
)
def test_more_values_that_are_refused(make, match):
    with pytest.raises(hw.InputError, match=match):
        make()


@pytest.mark.parametrize(
    "ask",
    [
        lambda s: s.logits(k=2.5),
        lambda s: s.logits(k=None),
        lambda s: s.generate("5"),
        lambda s: s.parts(at=None),
        lambda s: s.parts(at=[1, 2]),
        lambda s: s.score("induction", draws="x"),
        lambda s: s.score("induction", seed=-1),
        lambda s: s.score("induction", ids=["a"]),
        lambda s: s.score("induction", edits="foo"),
        lambda s: setattr(s, "index", np.array([0])),
        lambda s: setattr(s, "notes", 3),
    ],
)
def test_more_questions_that_are_refused(planted, ask):
    with pytest.raises(hw.InputError):
        ask(planted)


def test_arrays_of_every_kind_are_read(planted):
    planted.prompts = np.array([[1, 2, 3], [4, 5, 6]])
    assert planted.prompts.clean == ((1, 2, 3), (4, 5, 6))
    planted.prompts = torch.tensor([[5], [6]])
    assert planted.prompts.clean == ((5,), (6,))
    planted.selection = np.array([0, 1])
    assert planted.selection == (0, 1)
    planted.edits = [hw.zero("0.0", at=np.array([0, -1]))]
    planted.edits = planted.edits + hw.zero("0.1")
    planted.edits = [hw.zero("0.2"), *planted.edits]
    assert len(planted.edits) == 3
    assert (
        planted.score("induction", on=pd.DataFrame({"clean": ["a b a b"]}), draws=200).shape[0] == 6
    )


def test_a_bad_answer_names_its_prompt(planted):
    prompts = hw.Prompts(clean=["When", "When"], answer=[" Mary", "Mary"], foil=[1, 2])
    with pytest.raises(hw.InputError, match="answer of prompt 1"):
        planted.prompts = prompts


def test_a_score_under_a_mean_over_shuffles_depends_on_the_prompts(planted):
    planted.edits = [hw.mean("0.0")]
    rows = ["When Mary and John When Mary and John"]
    frame = planted.score("induction", on=rows, run="edited", draws=200)
    planted.prompt = "another"
    assert planted.is_stale(frame)


def test_every_waiting_pair_is_told(planted):
    planted.prompts = hw.Prompts(clean=["When Mary", "When"], corrupted=["When John", "When Mary"])
    planted.edits = [hw.patch("0.0")]
    assert planted.waiting == [
        "patch 0.0 into clean · waiting: 2 and 3 tokens (prompt 1, 1 in all)"
    ]
