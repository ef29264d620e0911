"""Bad input: a clear error that names what came and the next step; state kept; no hook left."""

from __future__ import annotations

import json
import math
import re

import pytest
import torch

import headwidgets as hw
from headwidgets.methods import trust
from headwidgets.model import boot as booting


def refused(session, match, change, error=hw.InputError):
    """`change` raises, and leaves the state and the hooks as they were."""
    before = session._values, session.revision, session.engine.hooks_left()
    with pytest.raises(error, match=match) as caught:
        change(session)
    assert (session._values, session.revision, session.engine.hooks_left()) == before
    return str(caught.value)


def setting(name, value):
    return lambda session: setattr(session, name, value)


# ---------------------------------------------------------------- models


@pytest.mark.parametrize(
    ("model", "match"),
    [
        ("./no/such/folder", "there is no folder './no/such/folder'"),
        (3.5, "expected a model name, a folder or a TransformerBridge, got float"),
        (torch.nn.Linear(2, 2), "wrap a Hugging Face model by TransformerBridge"),
    ],
)
def test_what_is_no_model(model, match):
    with pytest.raises(hw.HeadwidgetsError, match=re.escape(match)):
        hw.Session(model)


def test_an_unknown_name_gets_near_names(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(hw.ModelError, match=r"cannot find a model called 'gpt3'.*did you mean"):
        hw.Session("gpt3")


def test_a_gated_model_says_how_to_get_in(monkeypatch):
    class GatedRepoError(OSError):
        pass

    def gated(*_args, **_kwargs):
        message = "401"
        raise GatedRepoError(message)

    monkeypatch.setattr(booting.TransformerBridge, "boot_transformers", gated)
    with pytest.raises(hw.ModelError, match=r"gated: accept its licence.*hf auth login"):
        hw.Session("meta-llama/Llama-3.2-1B")


def test_out_of_memory_says_what_helps(monkeypatch, planted):
    def full(*_args, **_kwargs):
        message = "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
        raise RuntimeError(message)

    monkeypatch.setattr(booting.TransformerBridge, "boot_transformers", full)
    with pytest.raises(hw.ModelError, match=r"memory ran out while opening 'gpt2'.*bfloat16"):
        hw.Session("gpt2")
    monkeypatch.setattr(planted.engine.view, "run_with_hooks", full)
    refused(planted, "memory ran out while running", lambda s: s.logits(), hw.ModelError)


@pytest.fixture
def llama_copy(shaped_folders, tmp_path):
    """A folder of its own with a random Llama, to be spoilt."""
    import shutil

    return shutil.copytree(shaped_folders("llama"), tmp_path / "model")


def test_a_folder_of_pickles_is_refused(llama_copy):
    (llama_copy / "model.safetensors").rename(llama_copy / "pytorch_model.bin")
    with pytest.raises(hw.ModelError, match=r"only pickled ones \(pytorch_model.bin\).*safe_seri"):
        hw.Session(llama_copy)


def test_a_folder_with_code_of_its_own_is_refused(llama_copy):
    config = json.loads((llama_copy / "config.json").read_text())
    config["auto_map"] = {"AutoModelForCausalLM": "evil.Model"}
    (llama_copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(hw.ModelError, match=r"Python code of its own.*trust_remote_code=True"):
        hw.Session(llama_copy)


@pytest.mark.parametrize(
    ("text", "match"), [(None, "no config.json"), ("{", "not valid JSON")], ids=["none", "broken"]
)
def test_a_folder_that_is_no_model(tmp_path, text, match):
    if text is not None:
        (tmp_path / "config.json").write_text(text)
    with pytest.raises(hw.ModelError, match=match):
        hw.Session(tmp_path)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"numerics": "folded"}, "'raw' or 'compatible', got 'folded'"),
        ({"dtype": "int8"}, "floating-point dtype"),
        ({"dtype": "float99"}, "floating-point dtype"),
    ],
)
def test_options_that_cannot_be_meant(options, match):
    with pytest.raises(hw.InputError, match=match):
        hw.Session(**options)


def test_a_held_bridge_keeps_its_own_settings(planted_bridge):
    with pytest.raises(hw.InputError, match="keeps its own settings, so dtype cannot be given"):
        hw.Session(planted_bridge, dtype="bfloat16")


# ---------------------------------------------------------------- prompts


@pytest.mark.parametrize(
    ("name", "value", "match"),
    [
        ("prompt", "word " * 400, r"the prompt has \d+ tokens, BOS included; .* is 256: shorten"),
        ("prompt", [1, 2, 600], "token ids from 0 to 511, got 600"),
        ("prompt", [], "no tokens"),
        ("prompt", 3, "a text|as text or a list of token ids, got 3"),
        ("prompt", b"bytes", "got bytes: decode them first"),
        ("prompt", [1.5], "as text or a list of token ids"),
        ("prompt", "\ud800", "UTF-8"),
        ("prompts", [], "at least one clean prompt"),
        ("prompts", 7, "got int"),
        ("index", 1, "from 0 to 0"),
        ("index", "0", "from 0 to 0"),
        ("selection", "9.9", "no head 9.9: this model has layers 0 to 1 with heads 0 to 2"),
        ("selection", 1.2, "write it as a string"),
        ("metric", " Mary", "expected a metric such as hw.LogitDiff"),
        ("edits", "zero 0.0", "expected a list of edits"),
        ("edits", [3], "expected an edit such as"),
        ("edits", [{"kind": "zero", "target": "0.0", "typo": 1}], "expected an edit such as"),
    ],
)
def test_values_that_are_refused(planted, name, value, match):
    refused(planted, match, setting(name, value))


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: hw.scale("0.0", math.nan), "finite factor"),
        (lambda: hw.scale("0.0", math.inf), "finite factor"),
        (lambda: hw.scale("0.0", "half"), "finite factor"),
        (lambda: hw.zero("head five"), "a head such as '9.9' or an MLP"),
        (lambda: hw.zero("0.0", at=1.5), "a token position, a role"),
        (lambda: hw.zero("0.0", at=[]), "None means everywhere"),
        (lambda: hw.patch("0.0", into="edited"), "into='clean' or into='corrupted'"),
        (lambda: hw.LogitDiff("", " a"), "the answer as a token"),
        (lambda: hw.Prompts(clean=["a"], corrupted=["b", "c"]), "expected 1 corrupted entries"),
        (lambda: hw.Prompts(clean="a"), "clean as a list"),
        (lambda: hw.Prompts(clean=["a"], roles={"end": [0]}), "role name other than"),
        (lambda: hw.Prompts(clean=["a"], roles={"S": [-1]}), "token positions from 0"),
    ],
)
def test_values_that_are_refused_when_made(make, match):
    with pytest.raises(hw.InputError, match=match):
        make()


@pytest.mark.parametrize(
    ("edit", "match"),
    [
        (hw.zero("0.7"), "no head 0.7"),
        (hw.zero("5.0"), "no head 5.0"),
        (hw.zero("mlp 0"), "no MLPs, only attention"),
        (hw.zero("0.0", at=99), "no position 99: the prompt has 15 tokens, 0 to 14"),
        (hw.zero("0.0", at="S2"), "no role 'S2' on these prompts; they have end"),
    ],
)
def test_edits_of_what_does_not_exist(planted, edit, match):
    refused(planted, match, setting("edits", [edit]))


def test_a_missing_mlp_layer(shaped_bridges):
    session = hw.Session(shaped_bridges("gpt2"))
    refused(session, "no mlp 9: this model has layers 0 to 2", setting("edits", [hw.zero("mlp 9")]))


def test_a_role_beyond_its_prompt(planted):
    prompts = hw.Prompts(clean=["When Mary"], roles={"S": [30]})
    refused(planted, r"role 'S' of prompt 0 stands at position 30", setting("prompts", prompts))


def test_an_index_is_refused_where_prompts_differ_in_length(planted):
    planted.prompts = ["When Mary and John went", "When Mary"]
    message = refused(planted, "name a role instead", setting("edits", [hw.zero("0.0", at=2)]))
    assert "differ in length" in message
    planted.edits = [hw.zero("0.0", at="end")]
    assert planted.effect().loc["edited", "n"] == 2


def test_prompts_of_two_lengths_wait_and_raise_only_when_asked(planted):
    planted.prompt = "When Mary and John went"
    planted.corrupted_prompt = "When Mary and Mary"
    planted.edits = [hw.patch("0.0")]
    assert planted.waiting == ["patch 0.0 into clean · waiting: 6 and 5 tokens"]
    message = refused(planted, "6 and 5 tokens", lambda s: s.effect())
    assert "first differ at position 4: ' John' and ' Mary'" in message
    planted.corrupted_prompt = "When Mary and Mary went"
    assert planted.waiting == []
    assert planted.effect().loc["change", "n"] == 1


def test_a_patch_without_a_partner_waits(planted):
    planted.edits = [hw.patch("0.0")]
    assert planted.waiting == ["patch 0.0 into clean · waiting: no corrupted prompt"]
    refused(planted, "set s.corrupted_prompt", lambda s: s.logits())
    refused(planted, "no corrupted prompt", lambda s: s.attention("0.0", run="corrupted"))


def test_patches_into_both_runs_are_refused(planted):
    planted.corrupted_prompt = planted.prompt
    planted.edits = [hw.patch("0.0"), hw.patch("1.0", into="corrupted")]
    refused(planted, "all patches to go into one run", lambda s: s.effect())


def test_an_answer_of_many_tokens_suggests_a_leading_space(planted):
    refused(
        planted, "' Mary', with a leading space", setting("metric", hw.LogitDiff("Mary", " John"))
    )


@pytest.mark.parametrize(
    ("ask", "match"),
    [
        (lambda s: s.attention("0.9"), "no head 0.9"),
        (lambda s: s.attention("0.0", run="patched"), "'clean', 'corrupted' or 'edited'"),
        (lambda s: s.thumbnails("x"), "'clean', 'corrupted' or 'edited'"),
        (lambda s: s.logits(k=0), "k from 1 to 512, got 0"),
        (lambda s: s.logits(at="S1"), "no role 'S1'"),
        (lambda s: s.logits(at=[1, 2]), "one position or role"),
        (lambda s: s.logits(unit="bits"), "expected a unit"),
        (lambda s: s.generate(0), "expected 1 to 241 new tokens"),
        (lambda s: s.generate(1000), "expected 1 to 241 new tokens"),
        (lambda s: s.score("inducton"), "'induction'"),
        (lambda s: s.score("induction", on="text"), "expected on="),
        (lambda s: s.score("induction", run="corrupted"), "run='clean' or run='edited'"),
        (lambda s: s.score("induction", typo=1), "no option 'typo'"),
        (lambda s: s.passport("7.7"), "no head 7.7"),
        (lambda s: s.parts(at=77), "no position 77"),
    ],
)
def test_questions_that_have_no_answer(planted, ask, match):
    refused(planted, match, ask)


# ---------------------------------------------------------------- odd but right


@pytest.mark.parametrize(
    "prompt", ["", "a", "</script>", "a\nb\r\n", "שלום", "\u200b\u200d", "x\x00y", "👩‍👩‍👧", [5]]
)
def test_odd_prompts_are_answered(planted, prompt):
    planted.prompt = prompt
    n = len(planted.tokens)
    assert planted.prompt == (prompt if isinstance(prompt, str) else tuple(prompt))
    assert planted.attention("1.0").shape == (n, n)
    assert len(planted.thumbnails()[0, 0]) == n
    planted.edits = [hw.zero("0.0"), hw.mean("1.0")]
    assert math.isfinite(planted.effect().loc["edited", "value"])
    assert len(planted.logits(k=3)) >= 3
    assert len(planted.generate(2)) == 2


def test_an_empty_prompt_without_bos_is_refused():
    session = hw.Session(prepend_bos=False)
    refused(session, "the prompt is empty", setting("prompt", ""))


# ---------------------------------------------------------------- inside a run


def test_an_exception_in_a_hook_leaves_none_behind(planted):
    before = planted.engine.hooks_left()
    expected = planted.logits()

    def fail(_tensor, _start):
        message = "inside a hook"
        raise ZeroDivisionError(message)

    planted.engine.cache.clear()
    with pytest.raises(ZeroDivisionError):
        planted.engine.run(torch.tensor([planted.token_ids]), [("blocks.1.attn.hook_z", fail)])
    assert planted.engine.hooks_left() == before
    assert planted.logits().equals(expected)


def test_a_cancel_in_the_middle(planted):
    expected = planted.generate(6)
    seen = []

    def cancel_at_three(_ids, **_options):
        seen.append(1)
        if len(seen) == 3:
            planted.cancel()

    run = planted.engine.run

    def counted(*args, **kwargs):
        cancel_at_three(args)
        return run(*args, **kwargs)

    planted.engine.run = counted
    before = planted.engine.hooks_left()
    with pytest.raises(hw.Cancelled):
        planted.generate(6)
    assert len(seen) == 3
    planted.engine.run = run
    assert planted.engine.hooks_left() == before
    assert planted.generate(6).equals(expected)


def test_weights_that_change_under_a_session(shaped_bridges, tmp_path):
    from shaped import shaped

    bridge = shaped("llama", tmp_path)
    session = hw.Session(bridge)
    before = session.logits()
    with torch.no_grad():
        next(bridge.parameters()).mul_(1.5)
    refused(session, r"call s\.refresh\(\)", lambda s: s.logits(), hw.ModelError)
    session.refresh()
    assert session.is_stale(before)
    assert not session.logits().equals(before)


def test_an_architecture_that_drops_an_edit(tmp_path, monkeypatch):
    from shaped import shaped

    bridge = shaped("gpt2", tmp_path)
    session = hw.Session(bridge)
    attention = session.engine.view.blocks[1].attn
    output = type(attention.o).forward

    def deaf(self, z, *args, **kwargs):
        """As if the layer read its own copy of z, taken before the hooks."""
        if self is attention.o:
            with torch.no_grad():
                self.hook_in(z)
            return self.hook_out(self.original_component(z))
        return output(self, z, *args, **kwargs)

    monkeypatch.setattr(type(attention.o), "forward", deaf)
    session.edits = [hw.zero("0.1")]
    assert session.effect().loc["KL", "value"] > 0
    session.edits = [hw.zero("1.1")]
    refused(session, "does not read z where it is edited", lambda s: s.effect(), hw.EditDropped)
    assert trust._TOKENS > 1


def test_why_nothing_changed(planted):
    planted.edits = [hw.zero("1.1")]  # a sink that writes where nothing reads
    frame = planted.effect()
    assert frame.loc["change", "value"] == 0
    assert "nothing after it reads" in frame.attrs["notes"][0]
    planted.edits = [hw.scale("1.0", 1.0)]
    assert "the factor is one" in planted.effect().attrs["notes"][0]
