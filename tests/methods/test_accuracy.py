"""Answers of one token and of several: against a plain loop, and by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from shaped import QUICK
from tasks.random_reader import reader

import headwidgets as hw
from headwidgets.errors import InputError
from headwidgets.methods import accuracy as module
from headwidgets.methods import continuations
from headwidgets.methods.accuracy import accuracy
from headwidgets.methods.continuations import Continued, continued
from headwidgets.methods.multiple_choice import multiple_choice
from headwidgets.methods.snapshot import Pair, Snapshot
from headwidgets.model.engine import Engine
from headwidgets.prompts import Choices, Prompts

PAIRS = (
    Pair((20, 21, 22, 23, 24), (20, 21, 29, 23, 24), {"it": 2}),
    Pair((30, 31, 32), (33, 31, 32), {"it": 0}),
    Pair((40, 41, 42, 43, 44), (40, 41, 42, 43, 49), {"it": 4}),
)
ASKED = [
    (0, (7,)),
    (0, (7, 8, 9)),
    (1, (8, 9, 10, 11, 12)),
    (2, (9, 9)),
    (1, (7, 8, 9)),
    (0, (7,)),
]


@pytest.fixture(params=QUICK)
def engine(request, shaped_bridges):
    return Engine(shaped_bridges(request.param), name=request.param)


def plain(engine, prompt, answer, hooks=()):
    """Read one token after the other, each in a run of its own."""
    total, greedy, ids = 0.0, True, list(prompt)
    for token in answer:
        logits = engine.run(torch.tensor([ids]), hooks)[0].double()
        total += float(logits.log_softmax(-1)[token])
        greedy &= int(logits.argmax()) == token
        ids.append(token)
    return total, greedy


def same(found, expected):
    assert [one.log_prob for one in found] == pytest.approx([e[0] for e in expected], abs=3e-5)
    assert [one.greedy for one in found] == [e[1] for e in expected]


@pytest.mark.parametrize("run", ["clean", "corrupted"])
def test_answers_of_several_tokens_are_a_plain_loop(engine, run):
    found = continued(engine, Snapshot(PAIRS), run, ASKED)
    same(found, [plain(engine, PAIRS[i].ids(run), ids) for i, ids in ASKED])


def test_the_likeliest_answer_is_greedy(engine):
    """Of any length, and no more once one token is another."""
    ids = list(PAIRS[1].clean)
    for _ in range(4):
        ids.append(int(engine.run(torch.tensor([ids]))[0].argmax()))
    best = tuple(ids[3:])
    other = (*best[:2], best[2] ^ 1, best[3])
    found = continued(engine, Snapshot(PAIRS), "clean", [(1, best), (1, best[:2]), (1, other)])
    assert [one.greedy for one in found] == [True, True, False]
    assert found[0].log_prob > found[2].log_prob


def zero_head(layer, head):
    def hook(z, _start):
        z = z.clone()
        z[:, :, head] = 0
        return z

    return [(f"blocks.{layer}.attn.hook_z", hook)]


def test_an_edit_without_a_place_acts_on_the_answer_too(engine):
    edited = Snapshot(PAIRS, edits=(hw.zero("1.2"),))
    found = continued(engine, edited, "edited", ASKED)
    expected = [plain(engine, PAIRS[i].clean, ids, zero_head(1, 2)) for i, ids in ASKED]
    same(found, expected)
    before = continued(engine, edited, "clean", ASKED)
    assert all(abs(a.log_prob - b.log_prob) > 1e-4 for a, b in zip(found, before, strict=True))


def test_an_edit_with_a_place_keeps_to_the_prompt(engine):
    """At the prompt's own end, and at a role, in prompts of several lengths."""

    def only_at(place):
        def hook(z, start):
            z = z.clone()
            if start <= place < start + z.shape[1]:
                z[:, place - start, 3] = 0
            return z

        return [("blocks.0.attn.hook_z", hook)]

    for at in ("end", "it"):
        edited = Snapshot(PAIRS, edits=(hw.zero("0.3", at=at),))
        found = continued(engine, edited, "edited", ASKED)
        where = [len(p.clean) - 1 if at == "end" else p.roles["it"] for p in PAIRS]
        same(found, [plain(engine, PAIRS[i].clean, a, only_at(where[i])) for i, a in ASKED])


def test_a_patch_takes_the_partners_prompt(engine):
    edited = Snapshot(PAIRS, edits=(hw.patch("resid 0", "it"),))
    found = continued(engine, edited, "edited", ASKED)
    name = "blocks.0.hook_resid_pre" if engine.facts.n_layers else ""
    expected = []
    for i, answer in ASKED:
        place, given = PAIRS[i].roles["it"], {}

        def keep(stream, _start, given=given):
            given["stream"] = stream

        engine.run(torch.tensor([PAIRS[i].corrupted]), [(name, keep)])

        def put(stream, _start, given=given, place=place):
            stream = stream.clone()
            stream[:, place] = given["stream"][:, place]
            return stream

        expected.append(plain(engine, PAIRS[i].clean, answer, [(name, put)]))
    same(found, expected)


def test_answers_go_together_by_length_and_none_is_padded(engine, monkeypatch):
    calls, run = [], engine.run
    monkeypatch.setattr(engine, "run", lambda ids, *a, **k: calls.append(ids) or run(ids, *a, **k))
    continued(engine, Snapshot(PAIRS), "clean", ASKED)
    lengths = [len(PAIRS[i].clean) + len(ids) - 1 for i, ids in dict.fromkeys(ASKED)]
    assert sorted(ids.shape[1] for ids in calls) == sorted(set(lengths))
    assert sum(ids.shape[0] for ids in calls) == len(lengths), "what is asked twice is run once"


def test_few_rows_at_once_where_the_vocabulary_is_large(engine, monkeypatch):
    together = continued(engine, Snapshot(PAIRS), "clean", ASKED)
    monkeypatch.setattr(continuations, "LOGIT_BYTES", 1)
    same(continued(engine, Snapshot(PAIRS), "clean", ASKED), together)


def test_an_answer_beyond_the_context_is_refused(engine):
    room = engine.facts.n_ctx - len(PAIRS[1].clean) + 1  # the last token is not fed
    continued(engine, Snapshot(PAIRS), "clean", [(1, (5,) * room)])
    with pytest.raises(InputError, match=f"{engine.facts.n_ctx + 2} tokens together"):
        continued(engine, Snapshot(PAIRS), "clean", [(1, (5,) * (room + 1))])


# ---------------------------------------------------------------------- accuracy


TEXTS = ["The boy", "The girl saw a", "The man", "The cat saw a"]


def scored(session, **prompts):
    return session.accuracy(Prompts(clean=TEXTS, **prompts))


def test_options_of_several_tokens_go_by_their_log_probabilities(planted):
    options = [[" xylophone", " dog", " sat down"]] * 4
    frame = scored(
        planted, answer=[" dog", " xylophone", " sat down", " dog"], foil=[" sat down"] * 4,
        options=options,
    )  # fmt: skip
    text, log = planted.engine.text, np.empty((4, 3))
    for i, prompt in enumerate(TEXTS):
        ids = text.encode(prompt)
        for j, option in enumerate(options[0]):
            tokens = text.answer_ids(ids, option)
            assert tuple(text.encode(prompt + option)) == (*ids, *tokens)
            log[i, j] = plain(planted.engine, ids, tokens)[0]
    answer = np.array([1, 0, 2, 1])
    assert frame["accuracy"][0] == np.mean(log.argmax(-1) == answer)
    difference = log[np.arange(4), answer] - log[:, 2]
    assert frame["logit_diff"][0] == pytest.approx(difference.mean(), abs=1e-4)
    assert frame["chance"][0] == pytest.approx(1 / 3)


def test_one_token_is_the_same_by_either_way():
    """Difference, rank among options and among all; the model has no ties."""
    session = reader()
    session.prompts = hw.task("ioi", 24, seed=2)
    prompts, snapshot, engine = session.prompts, session.snapshot(), session.engine
    asked = module._asked(engine, prompts, snapshot)
    assert {len(ids) for one in asked for ids in one} == {1}
    other = module._several(engine, prompts, snapshot, "clean", list(enumerate(asked)))
    frame = accuracy(engine, prompts, snapshot)
    for row, measure in enumerate(("accuracy", "top1", "logit_diff")):
        assert other[row].mean() == pytest.approx(frame[measure][0], abs=1e-4)
    assert 0 < frame["accuracy"][0] < 1


def test_prompts_of_both_sorts_are_one_set(planted):
    mixed = scored(
        planted, answer=[" dog", " xylophone", " dog", " cat"], foil=[" cat"] * 3 + [" dog"]
    )
    alone = [
        planted.accuracy(Prompts(clean=[p], answer=[a], foil=[f]))["logit_diff"][0]
        for p, a, f in zip(
            TEXTS, [" dog", " xylophone", " dog", " cat"], [" cat"] * 3 + [" dog"], strict=True
        )
    ]
    assert mixed["logit_diff"][0] == pytest.approx(np.mean(alone), abs=1e-5)


def test_an_open_answer_is_right_where_each_token_is_the_likeliest(planted, monkeypatch):
    """Be it less likely than the foil as a whole."""

    def fixed(engine, snapshot, run, asked):
        return [Continued(-3.0 if i < 3 else -1.0, greedy=i < 3) for i, _ in asked]

    monkeypatch.setattr(module, "continued", fixed)
    said = {"answer": [" xylophone"] * 4, "foil": [" dog"] * 4}
    frame = scored(planted, **said, chance=0.0)
    assert frame["accuracy"][0] == frame["top1"][0] == frame["skill"][0] == 0.75
    among = scored(planted, **said)
    assert among["accuracy"][0] == 0.5, "two that are equally likely"


def test_an_answer_that_merges_with_the_prompt_is_refused(planted):
    with pytest.raises(InputError, match=r"a token of its own .* it merges with"):
        planted.accuracy(Prompts(clean=["The"], answer=["n one"], foil=[" dog"]))


def test_an_answer_that_is_its_foil_is_a_tie(planted):
    frame = scored(planted, answer=[" dog"] * 4, foil=[" dog"] * 4)
    assert (frame["accuracy"][0], frame["logit_diff"][0]) == (1, 0)


def test_answers_of_several_tokens_stay_out_of_a_session(planted):
    """There a metric needs one token; accuracy does not."""
    prompts = Prompts(clean=TEXTS, answer=[" xylophone"] * 4, foil=[" dog"] * 4)
    assert planted.accuracy(prompts)["n"][0] == 4
    with pytest.raises(InputError, match="answer of prompt 0"):
        planted.prompts = prompts


# ---------------------------------------------------------------------- multiple choice


def choices(prompt="The boy", one=(" a", " b", " c"), true=(" a", " d"), false=(" b", " c")):
    return Choices(prompt, one, true, false)


def scores(planted, monkeypatch, given, *some):
    """Score with log-probabilities that are given by the answers' last letter."""

    def fixed(engine, snapshot, run, asked):
        letters = [engine.text.decode(ids)[-1] for _, ids in asked]
        return [Continued(float(np.log(given[letter])), greedy=False) for letter in letters]

    monkeypatch.setattr("headwidgets.methods.multiple_choice.continued", fixed)
    return multiple_choice(planted.engine, planted.snapshot(), "clean", some)


def test_mc1_and_mc2_by_hand(planted, monkeypatch):
    """MC2 is (.2 + .1) / (.2 + .1 + .25 + .05)."""
    given = {"a": 0.2, "b": 0.25, "c": 0.05, "d": 0.1}
    ((mc1,), (mc2,)) = scores(planted, monkeypatch, given, choices())
    assert (mc1, mc2) == (0, pytest.approx(0.5))
    ((mc1,), _) = scores(planted, monkeypatch, given | {"b": 0.1}, choices())
    assert mc1 == 1
    ((mc1,), _) = scores(planted, monkeypatch, given | {"b": 0.2}, choices())
    assert mc1 == 0.5
    ((mc1,), _) = scores(planted, monkeypatch, given | {"d": 0.9}, choices())
    assert mc1 == 0, "what is true besides is no rival in MC1, nor is it right"


def test_mc2_of_answers_that_are_all_unlikely(planted, monkeypatch):
    """Probabilities that no float has any more."""

    def far(engine, snapshot, run, asked):
        log = {"a": -2000.0, "b": -2001.0, "c": -2500.0, "d": -2000.0}
        return [Continued(log[engine.text.decode(ids)[-1]], greedy=False) for _, ids in asked]

    monkeypatch.setattr("headwidgets.methods.multiple_choice.continued", far)
    ((mc1,), (mc2,)) = multiple_choice(
        planted.engine, planted.snapshot(), "clean", [choices(one=(" a", " b"))]
    )
    assert mc1 == 1
    assert mc2 == pytest.approx(2 / (2 + np.exp(-1)))


def test_mc_on_a_model_is_the_plain_loop(planted):
    asked = choices("The girl saw", (" a dog", " a cat", " it"), (" a dog", " dogs"), (" a cat",))
    ids = planted.engine.text.encode(asked.prompt)
    log = {
        answer: plain(planted.engine, ids, planted.engine.text.answer_ids(ids, answer))[0]
        for answer in (*asked.one, *asked.true)
    }
    ((mc1,), (mc2,)) = multiple_choice(planted.engine, planted.snapshot(), "clean", [asked])
    assert mc1 == (max(asked.one, key=log.get) == asked.one[0])
    mass = np.exp([log[a] for a in (*asked.true, *asked.false)])
    assert mc2 == pytest.approx(mass[:2].sum() / mass.sum(), rel=1e-4)


def with_choices(**more):
    first, second = choices("The boy"), choices("The man", one=(" a", " b"))
    return Prompts(
        clean=TEXTS,
        answer=[" dog"] * 4,
        foil=[" cat"] * 4,
        templates=["x", "x", "y", "y"],
        roles={"it": [1] * 4},
        choices=[first, first, second, None],
        **more,
    )


def test_a_question_counts_once_a_row(planted, monkeypatch):
    found = np.array([[1.0, 0.0], [0.8, 0.4]])
    monkeypatch.setattr(
        "headwidgets.methods.multiple_choice.multiple_choice", lambda *a: found[:, : len(a[3])]
    )
    frame = planted.accuracy(with_choices())
    assert list(frame["template"]) == ["all", "x", "y"]
    assert list(frame["questions"]) == [2, 1, 1]
    assert list(frame["mc1"]) == [0.5, 1, 0]
    assert list(frame["mc2"]) == pytest.approx([0.6, 0.8, 0.4])
    assert list(frame["mc1_chance"]) == pytest.approx([5 / 12, 1 / 3, 1 / 2])
    assert frame["mc1_se"][0] == pytest.approx(0.5)
    assert np.isnan(frame["mc1_se"][1])


def test_edits_are_in_force_in_multiple_choice():
    session = reader()
    session.edits = [hw.zero("0.0")]
    clean, edited = (session.accuracy(with_choices(), run=run) for run in ("clean", "edited"))
    assert edited["mc2"].notna().all()
    assert (clean["mc2"] - edited["mc2"]).abs().min() > 1e-4


@pytest.mark.parametrize("run", ["edited", "corrupted"])
def test_multiple_choice_has_no_roles_and_no_partners(planted, run):
    """The rest is measured, and it is said why this is not."""
    planted.prompts = with_choices(corrupted=TEXTS[::-1])
    planted.edits = [hw.zero("1.0", at="it")]
    frame = planted.accuracy(run=run)
    assert frame["mc1"].isna().all()
    assert frame["accuracy"].notna().all()
    assert any(note.startswith("mc1 and mc2 are not measurable") for note in frame.attrs["notes"])


def test_a_question_beyond_the_context_is_refused(planted):
    long = choices("The boy" * 400)
    prompts = Prompts(clean=["The boy"], answer=[" dog"], foil=[" cat"], choices=[long])
    with pytest.raises(InputError, match="context"):
        planted.accuracy(prompts)


def test_choices_survive_json():
    prompts = with_choices()
    again = Prompts.from_json(json.loads(json.dumps(prompts.to_json())))
    assert again == prompts
    assert again.choices[0] == choices("The boy")
    assert Prompts(clean=["a"], choices=[None]).choices is None


@pytest.mark.parametrize(
    "wrong",
    [
        "a",
        {"prompt": "a"},
        {"prompt": "", "one": [" a", " b"], "true": [" a"], "false": [" b"]},
        {"prompt": "a", "one": [" a"], "true": [" a"], "false": [" b"]},
        {"prompt": "a", "one": [" a", " b"], "true": [], "false": [" b"]},
        {"prompt": "a", "one": [" a", " b"], "true": [" a"], "false": " b"},
        {"prompt": "a", "one": [" a", 2], "true": [" a"], "false": [" b"]},
        {"prompt": "a", "one": [" a", " "], "true": [" a"], "false": [" b"]},
    ],
)
def test_choices_that_cannot_be_are_refused(wrong):
    with pytest.raises(InputError, match="choices of prompt 0 with a prompt"):
        Prompts(clean=["a"], choices=[wrong])
