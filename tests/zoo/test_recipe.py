"""The bundled model's recipe: tokenizer, a short run, a run that was stopped, the folder."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM

import headwidgets as hw
from headwidgets.errors import InputError
from headwidgets.model.text import Text
from headwidgets.tasks.lists import NAMES
from headwidgets.tasks.subword import LONG
from headwidgets.zoo.recipe import __main__ as command
from headwidgets.zoo.recipe import mixture, store, vocabulary
from headwidgets.zoo.recipe.examples import draw
from headwidgets.zoo.recipe.fillers import LONGEST, Fillers
from headwidgets.zoo.recipe.measure import questions
from headwidgets.zoo.recipe.shape import Shape, counted_by_heads, fresh
from headwidgets.zoo.recipe.train import begin, chapter, train

WORDS = vocabulary.words(draws=60)
TOKENIZER = vocabulary.build(WORDS)
TINY = Shape(layers=2, heads=2, d_head=8, d_model=16, d_mlp=32)
SOME = [hw.task(name).task for name in ("ioi", "subword pieces", "yes no")]
PLAN = store.Plan(shape=TINY, steps=30, rows=16, rate=1e-2, chapter=12, kept=4, questions=4)


# ---------------------------------------------------------------------- the tokenizer


@settings(deadline=None)
@given(st.text())
@example("")
@example(" unhappiness  <bos>\n\n\t\x00 \U0001f469\u200d\U0001f4bb e\u0301 \u05e9")
def test_every_text_comes_back(text):
    ids = TOKENIZER.encode(text)
    assert ids[0] == 0
    assert 0 not in ids[1:]
    assert all(0 <= i < len(TOKENIZER) for i in ids)
    assert TOKENIZER.decode(ids, skip_special_tokens=True) == text


def test_what_must_be_one_token_is():
    series = [f" {word}" for word in vocabulary.SERIES]
    assert len(set(series)) == 293
    for word in (
        *series,
        *(f" {name}" for name in NAMES),
        *WORDS,
        " yes",
        " no",
        " (",
        "A",
        "When",
    ):
        assert len(TOKENIZER.encode(word, add_special_tokens=False)) == 1, word
    assert len(NAMES) == 60
    assert len(TOKENIZER) <= vocabulary.MOST


def test_the_sentence_of_the_tour_is_whole_words():
    sentence = "When Mary and John went to the store, John gave a drink to"
    assert len(TOKENIZER.encode(sentence)) == 1 + len(sentence.split()) + 1


def test_other_words_are_a_few_pieces():
    pieces = [len(TOKENIZER.encode(f" {word}", add_special_tokens=False)) for word in LONG]
    assert sum(count == 2 for count in pieces) > 50
    assert min(pieces) > 1
    assert len(TOKENIZER.encode(" interesting", add_special_tokens=False)) < len("interesting") / 2


def test_too_many_words_are_refused():
    with pytest.raises(ValueError, match="at most 2300"):
        vocabulary.build([f" w{i}" for i in range(2300)])


# ---------------------------------------------------------------------- what is drawn


def test_a_row_is_bos_filler_prompt_answer():
    text = Text.of(TOKENIZER)
    ioi = hw.task("ioi").task
    fillers = Fillers(text)
    bare, sizes = 0, set()
    for one in draw(ioi, text, fillers, count=300, seed=0, longest=99, n_ctx=256):
        assert len(one.ids) == len(one.weights)
        assert one.ids[0] == 0
        assert 0 not in one.ids[1:]
        assert [TOKENIZER.decode([i])[1:] in NAMES for i in one.ids[-2:-1]] == [True]
        assert (one.weights[0], one.weights[-2], one.weights[-1]) == (0, 1, mixture.REST)
        before = TOKENIZER.decode(one.ids[1:]).rpartition("\n")[0]
        size = len(TOKENIZER.encode(before)) if before else 0
        bare += "\n" not in TOKENIZER.decode(one.ids)
        sizes.add(size)
    assert 60 < bare < 130
    assert max(sizes) <= LONGEST
    assert len(sizes) > 30


def test_fillers_are_held_out():
    text = Text.of(TOKENIZER)
    trained, other = (Fillers(text, held_out=held).whole for held in (False, True))
    assert not set(trained) & set(other)
    assert len(trained) > 3 * len(other) > 100


def test_short_prompts_come_first():
    text = Text.of(TOKENIZER)
    task = hw.task("repeated random tokens").task
    sizes = [
        [len(one.ids) for one in draw(task, text, _None(), count=50, seed=0, longest=n, n_ctx=256)]
        for n in (mixture.longest(0, 256), mixture.longest(1, 256))
    ]
    assert max(sizes[0]) <= mixture.SHORTEST + 1 < max(sizes[1])


class _None:
    def draw(self, rng):
        return ()


def test_what_lags_gets_more():
    found = mixture.shares(["a", "b"], 1.0, {"a": 1.0, "b": 0.0})
    whole = 1 + mixture.FLOOR
    assert found == pytest.approx({"a": mixture.FLOOR / whole, "b": 1 / whole})


# ---------------------------------------------------------------------- a short run


@pytest.fixture(scope="module")
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, one_thread):
    out = tmp_path_factory.mktemp("whole")
    run = begin(out, PLAN, tasks=SOME, whole=WORDS)
    lines = []
    train(run, show=lines.append)
    return run, lines


def test_the_loss_falls_and_the_log_says_so(whole):
    run, lines = whole
    log = [json.loads(line) for line in (run.out / store.LOG).read_text().splitlines()]
    losses = [line["loss"] for line in log if "loss" in line]
    looks = [line["step"] for line in log if "accuracy" in line]
    assert looks == [12, 24, 30]
    assert losses[-1] < losses[0] - 1
    assert len(losses) == 3
    assert any("loss" in line for line in lines)


def test_a_run_that_was_stopped_is_the_run_that_was_not(whole, tmp_path):
    run, _ = whole
    first = begin(tmp_path, PLAN, tasks=SOME, whole=WORDS)
    train(first, until=17, show=_nothing)
    again = begin(tmp_path, PLAN, tasks=SOME, resume=True)
    assert again.state.step == 17
    train(again, show=_nothing)
    for (name, one), other in zip(
        run.model.state_dict().items(), again.model.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other), name
    assert np.array_equal(run.state.seen, again.state.seen)
    assert run.state.skill == again.state.skill
    logs = [(out / store.LOG).read_text().splitlines() for out in (run.out, tmp_path)]
    looks = [[line for line in log if "accuracy" in line] for log in logs]
    assert looks[0] == looks[1]


def _nothing(line):
    pass


def test_another_seed_is_another_chapter(whole):
    run, _ = whole
    run.state.step, kept = 0, run.state.step
    same, again = chapter(run), chapter(run)
    run.state.step = kept
    assert all(torch.equal(a.ids, b.ids) for a, b in zip(same, again, strict=True))
    assert not torch.equal(same[0].ids[0], same[1].ids[0])


def test_a_folder_is_not_overwritten_nor_another_plan_resumed(whole):
    run, _ = whole
    with pytest.raises(InputError, match="holds a run"):
        begin(run.out, PLAN)
    other = store.Plan(shape=TINY, steps=31)
    with pytest.raises(InputError, match="settings that the run"):
        begin(run.out, other, tasks=SOME, resume=True)


def test_checkpoints_are_folders_that_a_session_opens(whole):
    run, _ = whole
    kept = sorted(path.name for path in (run.out / store.CHECKPOINTS).iterdir())
    assert kept == [f"step-{step:06d}" for step in PLAN.checkpoints()]
    folder = run.out / store.CHECKPOINTS / kept[-1]
    about = json.loads((folder / "meta.json").read_text())
    assert about["step"] == about["steps"] == 30
    assert "ioi" in about["tasks"]

    session = hw.Session(str(folder))
    assert session.engine.text.unseen == set(np.flatnonzero(~run.state.seen).tolist())
    session.prompt = "When Mary and John went to the store, John gave a drink to"
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    ids = torch.tensor([list(session.token_ids)])
    with torch.inference_mode():
        wanted = model(input_ids=ids).logits[0, -1]
    table = session.logits(k=5, at="end")
    got = torch.tensor(table["clean"].to_numpy()).float()
    assert torch.allclose(wanted[list(table.index)], got, atol=1e-5)


def test_the_weights_are_half_as_long_on_disk(whole):
    run, _ = whole
    weights = sum(p.numel() for p in run.model.parameters())
    file = store.checkpoint_folder(run.out, 30) / "model.safetensors"
    assert 2 * weights <= file.stat().st_size < 2 * weights + 20_000


def test_a_run_begins_with_weights_that_another_left(whole, tmp_path):
    trained = whole[0]
    folder = store.checkpoint_folder(trained.out, 30)
    run = begin(tmp_path, PLAN, tasks=SOME, whole=[*reversed(WORDS), " zyzzyva"], start=folder)
    assert run.plan == replace(PLAN, begun=store.digest(folder))
    old = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    own, known = run.tokenizer.get_vocab(), trained.tokenizer.get_vocab()
    pairs = [(own[token], known[token]) for token in own if token in known]
    here, there = zip(*pairs, strict=True)
    assert len(here) == len(known) == len(own) - 1
    assert list(here) != list(there)
    for name, weight in run.model.state_dict().items():
        given = old.state_dict()[name]
        if len(weight) == len(own):
            assert torch.equal(weight[list(here)], given[list(there)])
        else:
            assert torch.equal(weight, given)
    assert np.array_equal(run.state.seen[list(here)], trained.state.seen[list(there)])
    train(run, until=1)
    meta = json.loads((store.checkpoint_folder(tmp_path, 0) / "meta.json").read_text())
    assert meta["begun"] == store.digest(folder)


def test_what_cannot_be_begun_with_is_refused(whole, tmp_path):
    with pytest.raises(InputError, match=r"expected a folder with model\.safetensors"):
        begin(tmp_path / "a", PLAN, tasks=SOME, whole=WORDS, start=tmp_path)
    wider = replace(PLAN, shape=replace(TINY, d_mlp=40))
    trained = whole[0]
    folder = store.checkpoint_folder(trained.out, 30)
    with pytest.raises(InputError, match=r"expected .*mlp.* of shape \(40, 16\).*got \(32, 16\)"):
        begin(tmp_path / "b", wider, tasks=SOME, whole=WORDS, start=folder)


def test_weights_of_another_depth_or_from_inside_the_run_are_refused(whole, tmp_path):
    folder = store.checkpoint_folder(whole[0].out, 30)
    shallow = replace(PLAN, shape=replace(TINY, layers=1))
    with pytest.raises(InputError, match=r"these layers in .*, got model\.layers\.1\."):
        begin(tmp_path / "a", shallow, tasks=SOME, whole=WORDS, start=folder)
    other = replace(PLAN, shape=replace(TINY, heads=4, d_head=4))
    with pytest.raises(InputError, match=r"of 4 heads and these layers in .*, got 2 heads"):
        begin(tmp_path / "b", other, tasks=SOME, whole=WORDS, start=folder)
    inside = tmp_path / "c" / store.CHECKPOINTS / "step-000000"
    shutil.copytree(folder, inside)
    with pytest.raises(InputError, match="to begin with outside of"):
        begin(tmp_path / "c", PLAN, tasks=SOME, whole=WORDS, start=inside)
    assert inside.is_dir()


def test_a_run_that_was_begun_goes_on_without_what_it_was_begun_with(whole, tmp_path):
    folder = tmp_path / "first"
    shutil.copytree(store.checkpoint_folder(whole[0].out, 30), folder)
    run = begin(tmp_path / "run", PLAN, tasks=SOME, whole=WORDS, start=folder)
    train(run, until=2, show=lambda _: None)
    shutil.rmtree(folder)
    again = begin(tmp_path / "run", PLAN, tasks=SOME, whole=WORDS, resume=True)
    assert (again.plan, again.state.step) == (run.plan, 2)


def test_twenty_checkpoints():
    steps = store.Plan(shape=Shape(), steps=20_000).checkpoints()
    assert len(steps) == 20
    assert (steps[0], steps[1], steps[-1]) == (0, store.FIRST, 20_000)


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_other_architectures_take_a_step(architecture, tmp_path, one_thread):
    shape = Shape(architecture=architecture, layers=1, heads=2, d_head=8, d_model=16, d_mlp=32)
    run = begin(
        tmp_path, store.Plan(shape=shape, steps=1, rows=4, questions=2), tasks=SOME, whole=WORDS
    )
    train(run, show=_nothing)
    assert run.state.step == 1


def test_questions_are_never_trained():
    text = Text.of(TOKENIZER)
    ioi = hw.task("ioi").task
    asked = questions(ioi, text, 200, "test", 256)
    bare = {q.ids for q in asked if "\n" not in TOKENIZER.decode(q.ids)}
    drawn = draw(ioi, text, _None(), count=3000, seed=0, longest=99, n_ctx=256)
    assert len(bare) > 100
    assert not bare & {one.ids[:-2] for one in drawn}


# ---------------------------------------------------------------------- counted by heads


@pytest.mark.parametrize("architecture", ["mistral", "gpt2"])
def test_rows_do_with_the_first_mlp_and_the_heads_above_it(architecture, one_thread):
    """What the other parts would write is nothing there, and as ever in the other rows."""
    model = fresh(replace(TINY, architecture=architecture).config(40), 0).eval()
    ids = torch.tensor([[0, 5, 6, 7], [0, 8, 9, 7]])
    with torch.no_grad():
        plain = model(input_ids=ids).logits
        with counted_by_heads(model, torch.tensor([True, False])):
            found = model(input_ids=ids).logits
        after = model(input_ids=ids).logits
        for block in _blocks(model)[1:]:
            block.mlp.forward = torch.zeros_like
        first = _blocks(model)[0]
        attention = first.attn if architecture == "gpt2" else first.self_attn
        attention.forward = lambda hidden_states, **_: (torch.zeros_like(hidden_states), None)
        bare = model(input_ids=ids).logits
    torch.testing.assert_close(found[1], plain[1])
    torch.testing.assert_close(found[0], bare[0])
    assert (found[0] - plain[0]).abs().max() > 1e-4
    torch.testing.assert_close(after, plain)


def _blocks(model):
    base = model.base_model
    return base.h if hasattr(base, "h") else base.layers


def test_half_of_the_succession_rows_are_counted_by_heads():
    text = Text.of(TOKENIZER)
    drawn = {
        name: draw(hw.task(name).task, text, _None(), count=200, seed=0, longest=99, n_ctx=256)
        for name in ("succession", "ioi")
    }
    assert 70 < sum(one.by_heads for one in drawn["succession"]) < 130
    assert not any(one.by_heads for one in drawn["ioi"])


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--steps", "0"), "expected a whole number from 1, got '0'"),
        (("--steps", "1e3"), "expected a whole number from 1, got '1e3'"),
        (("--seed", "-1"), "expected a whole number from 0, got '-1'"),
        (("--heads", "-2"), "expected a whole number from 1, got '-2'"),
        (("--rate", "nan"), "expected a number from 1e-06, got 'nan'"),
    ],
)
def test_the_command_refuses_what_cannot_be_meant(tmp_path, capsys, option, said):
    with pytest.raises(SystemExit):
        command.main(["--out", str(tmp_path / "run"), *option])
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
