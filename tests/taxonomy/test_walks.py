"""Walks: on a planted circuit the right steps, the right writers of queries, the right break."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from planted import name_circuit
from planted.small import scored

from headwidgets.errors import Cancelled, InputError, NotMeasurable
from headwidgets.heads import Head
from headwidgets.methods.metrics import LogitDiff
from headwidgets.methods.query_key import query_key
from headwidgets.methods.snapshot import Pair, Snapshot
from headwidgets.model.work import Work, doing
from headwidgets.prompts import Prompts
from headwidgets.taxonomy.carriers import Carrier, Carriers, of_scores
from headwidgets.taxonomy.verdict import CANDIDATE, CONSISTENT
from headwidgets.taxonomy.walk import broken, sides, walk
from headwidgets.taxonomy.walk_plans import IOI, PLANS, derived, find_plan

MOVER, TELLER = Head(1, 0), Head(0, 0)


def prompts(*, wrong=False, n=None):
    """Return the made prompts as a set and as a question; the object is the word after S2."""
    made = name_circuit.prompts(0)
    roles = {name: list(places) for name, places in made.prompts.roles.items()}
    roles["OBJECT"] = [place + 1 for place in roles["S2"]]
    answer, foil = (made.foil, made.answer) if wrong else (made.answer, made.foil)
    some = slice(n)
    asked = Prompts(
        clean=made.rows[some],
        corrupted=made.corrupted[some],
        answer=answer[some],
        foil=foil[some],
        roles={name: places[some] for name, places in roles.items()},
        name="IOI, made",
    )
    pairs = tuple(
        Pair(row, other, {name: places[i] for name, places in roles.items()})
        for i, (row, other) in enumerate(zip(made.rows, made.corrupted, strict=True))
    )
    answers = tuple(LogitDiff(*both) for both in zip(answer, foil, strict=True))
    return asked, Snapshot(pairs[some], answers=answers[some])


def carried(**heads):
    return {
        kind.replace("_", " ").replace("s inh", "s-inh"): Carriers(
            (Carrier(head, 1.0, CONSISTENT),)
        )
        for kind, head in heads.items()
    }


def taken(noise=0.0, **options):
    engine = name_circuit.engine_of(noise)
    found = carried(name_mover=MOVER, s_inhibition=TELLER)
    return engine, walk(engine, "ioi", *prompts(**options), found).set_index("step")


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_the_steps_are_found_where_they_were_planted(noise):
    engine, frame = taken(noise)
    told, moved = frame.loc["s-inhibition"], frame.loc["name mover"]
    assert (told["head"], moved["head"]) == ("0.0", "1.0")
    assert told["looks_at"] == told["key_at"], "it looks at the second mention"
    assert moved["looks_at"] == moved["key_at"], "it looks at the name"
    assert told["attention"] > 0.9
    assert told["attention_mean"] > 0.9
    assert moved["attention"] > 0.9
    assert (told["here"], moved["here"]) == (1, 2)
    assert (told["place"], moved["place"]) == (7, 4), "the survey has them the other way round"
    assert told["differs"] == "before name mover"
    assert moved["differs"] == "after s-inhibition"
    assert frame.loc["induction", "reason"].startswith("no head was found")
    assert np.isnan(frame.loc["induction", "cost"])
    assert engine.hooks_left() == name_circuit.engine_of(noise).hooks_left()


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_the_query_is_what_the_teller_wrote(noise):
    _, frame = taken(noise)
    frame = frame.reset_index()
    rows = sides(frame, "name mover")
    query = rows[rows["side"] == "query"]
    assert query["part"].iloc[0] == "0.0"
    qk = frame.set_index("step").loc["name mover", "qk"]
    for side in ("query", "key"):
        assert rows.loc[rows["side"] == side, "value"].sum() == pytest.approx(qk, abs=1e-4)
    assert query["value"].iloc[0] > 0.9 * qk


def test_the_right_break_costs_and_the_wrong_one_costs_nothing():
    """By hand: the mover's query read with the teller's output of the corrupted prompt."""
    engine, frame = taken()
    asked, snapshot = prompts()
    leads = []
    for pair, answer in zip(snapshot.pairs, snapshot.answers, strict=True):
        kept, reads = [], []
        z, q = "blocks.0.attn.hook_z", "blocks.1.attn.hook_q"
        engine.run(torch.tensor([pair.corrupted]), [(z, lambda v, _, k=kept: k.append(v.clone()))])

        def put(value, _, k=kept):
            out = value.clone()
            out[:, :, 0] = k[0][:, :, 0]
            return out

        engine.run(
            torch.tensor([pair.clean]), [(z, put), (q, lambda v, _, r=reads: r.append(v.clone()))]
        )

        def read(value, _, r=reads):
            out = value.clone()
            out[:, :, 0] = r[0][:, :, 0]
            return out

        logits = engine.run(torch.tensor([pair.clean]), [(q, read)])[0]
        leads.append(float(logits[answer.answer] - logits[answer.foil]))
    told = frame.loc["s-inhibition"]
    assert told["breaks"] == "path 0.0 → 1.0.q, as on the corrupted prompt"
    assert told["after"] == pytest.approx(np.mean(leads), abs=1e-4)
    assert told["after_here"] == pytest.approx(leads[0], abs=1e-4)
    assert told["share"] > 0.5
    decoy = walk(
        engine, "ioi", asked, snapshot, carried(name_mover=MOVER, s_inhibition=Head(0, 1))
    ).set_index("step")
    assert decoy.loc["s-inhibition", "cost"] == pytest.approx(0, abs=1e-4)


def test_several_breaks_act_together():
    engine, frame = taken()
    _, snapshot = prompts()
    from headwidgets.methods.edits import Edit

    every = [Edit.from_json(one) for some in frame.attrs["edits"].values() for one in some]
    both = broken(engine, snapshot, IOI, every)
    assert both["before"] == pytest.approx(frame.loc["name mover", "before"])
    assert both["cost"] >= frame["cost"].max() - 1e-4
    none = broken(engine, snapshot, IOI, [])
    assert none["cost"] == 0


def test_a_model_at_chance_is_not_walked():
    engine = name_circuit.engine_of()
    with pytest.raises(NotMeasurable, match="at chance on these prompts: accuracy"):
        walk(engine, "ioi", *prompts(wrong=True), {})


def test_of_few_prompts_it_is_said_where_the_model_is_wrong():
    _, frame = taken(wrong=True, n=2)
    notes = frame.attrs["notes"]
    assert any("on this prompt the model is wrong" in note for note in notes)
    assert any("2 prompts do not tell" in note for note in notes)


def test_a_prompt_that_lacks_roles_says_which():
    engine = name_circuit.engine_of()
    asked, snapshot = prompts()
    bare = [replace(pair, roles={"IO": 1, "S1": 2}) for pair in snapshot.pairs]
    with pytest.raises(InputError, match="prompt 0 lacks S2, OBJECT"):
        walk(engine, "ioi", asked, replace(snapshot, pairs=tuple(bare)), {})
    with pytest.raises(InputError, match="needs the answer and the foil"):
        walk(engine, "ioi", asked, replace(snapshot, answers=None), {})
    with pytest.raises(InputError, match="expected a walk, one of 'ioi'"):
        walk(engine, "sums", asked, snapshot, {})


def test_without_a_corrupted_prompt_a_step_is_broken_by_zero():
    engine = name_circuit.engine_of()
    asked, snapshot = prompts()
    pairs = tuple(replace(pair, corrupted=None) for pair in snapshot.pairs)
    found = carried(name_mover=MOVER, s_inhibition=TELLER)
    frame = walk(engine, "ioi", asked, replace(snapshot, pairs=pairs), found).set_index("step")
    assert frame.loc["s-inhibition", "breaks"] == "0.0 zero at end"
    assert frame.loc["s-inhibition", "cost"] > 1


def test_what_was_walked_is_kept_when_it_is_stopped():
    engine = name_circuit.engine_of()
    work = Work()

    def stop(done, _total, label):
        if label.startswith("walking") and done == 2:
            work.cancel()

    work.progress = stop
    with doing(work), pytest.raises(Cancelled) as stopped:
        walk(engine, "ioi", *prompts(), carried(name_mover=MOVER))
    frame = stopped.value.partial
    assert 0 < len(frame) < len(IOI.steps)
    assert "steps done" in frame.attrs["incomplete"]


def test_the_heads_of_a_score_are_the_best_of_the_best_verdict():
    table = scored("s-inhibition", name_circuit.engine_of, name_circuit.prompts)(0, 0.0)
    found = of_scores(table.reset_index(drop=True))
    assert [str(one.head) for one in found.heads] == ["0.0"]
    assert found.heads[0].verdict == CANDIDATE
    none = of_scores(table.assign(verdict="no", reason="").reset_index(drop=True))
    assert not none.heads
    assert "0.0 comes nearest" in none.reason


def test_a_part_is_what_a_run_without_it_lacks():
    """On a model without norms a head's part goes when its output does."""
    engine, task = name_circuit.engine_of(), name_circuit.prompts(0)
    ids = task.rows[0]
    end, key, other = len(ids) - 1, task.prompts.roles["IO"][0], task.prompts.roles["S1"][0]

    def row(hooks=()):
        seen = []
        name = "blocks.1.attn.hook_pattern"
        hooks = [*hooks, (name, lambda value, _: seen.append(value[0, 0]))]
        engine.run(torch.tensor([ids]), hooks)
        found = torch.cat(seen).double().log().numpy()[end]
        return found[key] - found[other]

    def without(tensor, _):
        out = tensor.clone()
        out[:, end, 0] = 0
        return out

    found = query_key(engine, ids, "1.0", end, key, (other,))
    parts = found.sides().set_index(["side", "part"])["value"]
    gone = row() - row([("blocks.0.attn.hook_z", without)])
    assert parts["query", "0.0"] == pytest.approx(gone, abs=1e-3)
    assert gone == pytest.approx(found.score, abs=1e-3), "it alone tells the two names apart"


def test_every_plan_is_of_kinds_tasks_and_roles_that_exist():
    from headwidgets.tasks.registry import find as task
    from headwidgets.taxonomy import find

    for plan in PLANS.values():
        task(plan.task)
        names = [step.name for step in plan.steps]
        assert len(set(names)) == len(names)
        for step in plan.steps:
            assert find(step.kind).name == step.kind
            assert {name for name, _ in step.hands_to} <= set(names)
    assert find_plan(" IOI ").name == "ioi"
    assert derived(PLANS["parity"], {"X1": 3, "X3": 5, "BIT": 4}, 9)["EOI"] == 6
