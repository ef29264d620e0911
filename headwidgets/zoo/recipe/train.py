"""The training loop."""

from __future__ import annotations

import json
import shutil
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from headwidgets.errors import InputError
from headwidgets.model.text import Text
from headwidgets.model.tokens import UNSEEN
from headwidgets.zoo.recipe import measure, store
from headwidgets.zoo.recipe.batches import Batch, Source
from headwidgets.zoo.recipe.begun import carry_over
from headwidgets.zoo.recipe.collect import trained_tasks
from headwidgets.zoo.recipe.fillers import Fillers
from headwidgets.zoo.recipe.mixture import longest, shares
from headwidgets.zoo.recipe.muon import Both
from headwidgets.zoo.recipe.shape import counted_by_heads, fresh
from headwidgets.zoo.recipe.vocabulary import build, words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from headwidgets.tasks.registry import Task
    from headwidgets.zoo.recipe.store import Plan, State

WARM = 200
"""Steps over which the learning rate rises."""
FALL = 0.3
"""Part of the run, at its end, over which it falls."""
LAST = 0.02
"""The learning rate at the end, as a part of the highest."""
CLIP = 1.0
SHOWN = 100
"""Steps between two lines of the table."""
SAVED = 250
"""Steps between two savings of the state."""


@dataclass
class Run:
    """A model on its way.

    Attributes
    ----------
    out : Path
    plan : Plan
    device : str
    model, optimiser, tokenizer : Any
    source : Source
    asked : dict of str to list of Question
    state : State
    """

    out: Path
    plan: Plan
    device: str
    model: Any
    optimiser: Any
    tokenizer: Any
    source: Source
    asked: dict[str, list[measure.Question]]
    state: State


def begin(
    out: Path,
    plan: Plan,
    *,
    device: str = "cpu",
    resume: bool = False,
    start: Path | None = None,
    tasks: Sequence[Task] | None = None,
    whole: Sequence[str] | None = None,
) -> Run:
    """Set a run up, or take it up where it was stopped.

    Parameters
    ----------
    out : Path
    plan : Plan
    device : str
    resume : bool
    start : Path, optional
        Folder of a trained model to begin with, outside of `out`; its digest goes into the
        plan. A run that is taken up goes on with its own weights.
    tasks : sequence of Task, optional
        Default: all that are trained and that this tokenizer and context can do.
    whole : sequence of str, optional
        Words of one token each; default: those of the tasks.

    Raises
    ------
    InputError
        If `out` holds a run already, or, with `resume`, none or one of another plan; if `start`
        holds no weights, or weights of another shape.
    """
    if not resume and (out / store.STATE).exists():
        message = f"{out} holds a run: go on with --resume, or give another folder"
        raise InputError(message)
    if resume:
        plan = replace(plan, begun=store.begun(out, plan))
    elif start is not None:
        if out.resolve() in start.resolve().parents:
            message = f"expected a folder to begin with outside of {out}, got {start}"
            raise InputError(message)
        plan = replace(plan, begun=store.digest(start))
    out.mkdir(parents=True, exist_ok=True)
    if not resume:
        shutil.rmtree(out / store.CHECKPOINTS, ignore_errors=True)
        (out / store.LOG).unlink(missing_ok=True)
        build(words() if whole is None else whole).save_pretrained(out / store.TOKENIZER)
    tokenizer = store.open_tokenizer(out)
    text = Text.of(tokenizer)
    n_ctx = plan.shape.n_ctx
    good, bad = measure.spellable(trained_tasks() if tasks is None else tasks, text, n_ctx)
    for name, why in bad.items():
        say(f"left out: {name}: {why}")
    asked = {t.name: measure.questions(t, text, plan.questions, "test", n_ctx) for t in good}
    model = fresh(plan.shape.config(len(tokenizer)), plan.seed).to(device)
    state = store.State(seen=np.zeros(len(tokenizer), bool))
    if start is not None and not resume:
        state.seen |= carry_over(model, tokenizer, start)
        say(f"begun with the weights {plan.begun}")
    optimiser = Both(model, plan.rate, betas=(0.9, 0.98), fused=True)
    if resume:
        state = store.load(out, plan, model, optimiser)
        store.trim_log(out, state.step)
    source = Source(good, text, Fillers(text), plan.seed, plan.rows, n_ctx)
    return Run(out, plan, device, model, optimiser, tokenizer, source, asked, state)


def say(line: str) -> None:
    """Print a line of the live table."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def train(run: Run, until: int | None = None, show: Callable[[str], None] = say) -> None:
    """Train to the last step of the plan, or to step `until`, and save."""
    plan, state = run.plan, run.state
    last = plan.steps if until is None else min(until, plan.steps)
    kept = set(plan.checkpoints())
    if state.step == 0:
        keep(run)
        if plan.begun:
            look(run, show)
    batches: list[Batch] = []
    losses: list[Any] = []
    clock = time.perf_counter()
    while state.step < last:
        at = state.step % plan.chapter
        if not batches:
            batches = chapter(run)
        losses.append(step(run, batches[at]))
        state.step += 1
        ended = state.step % plan.chapter == 0 or state.step == plan.steps
        if ended or state.step % SHOWN == 0 or state.step == last:
            seconds = (time.perf_counter() - clock) / len(losses)
            loss = float(torch.stack(losses).mean())
            note(run, {"loss": loss, "seconds": seconds})
            show(f"step {state.step:>6}  loss {loss:.4f}  {seconds:.3f} s a step")
            losses, clock = [], time.perf_counter()
        if ended:
            batches = []
            look(run, show)
            clock = time.perf_counter()
        if state.step in kept:
            keep(run)
        if state.step % SAVED == 0 or state.step == last:
            store.save(run.out, plan, state, run.model, run.optimiser)


def chapter(run: Run) -> list[Batch]:
    """Return the batches of the chapter that the run stands in."""
    plan = run.plan
    number = run.state.step // plan.chapter
    part = number * plan.chapter / plan.steps
    names = [task.name for task in run.source.tasks]
    mixed = shares(names, part, run.state.skill)
    steps = min(plan.chapter, plan.steps - number * plan.chapter)
    opened = 1.0 if plan.begun else part
    return run.source.chapter(number, steps, mixed, longest(opened, plan.shape.n_ctx))


def step(run: Run, batch: Batch) -> torch.Tensor:
    """Take one step; return its loss."""
    rate = run.plan.rate * schedule(run.state.step, run.plan.steps)
    for group in run.optimiser.param_groups:
        group["lr"] = rate
    run.state.seen[batch.ids.numpy()] = True
    loss = weighted_loss(run.model, batch, run.device)
    run.optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(run.model.parameters(), CLIP)
    run.optimiser.step()
    return loss.detach()


def weighted_loss(model: Any, batch: Batch, device: str) -> torch.Tensor:
    """Return the weighted mean loss in nats over the tokens that count."""
    ids, weights = batch.ids.to(device), batch.weights.to(device)[:, 1:]
    with counted_by_heads(model, batch.by_heads.to(device)):
        hidden = model.base_model(input_ids=ids[:, :-1], use_cache=False)[0]
    counts = weights > 0
    logits = model.lm_head(hidden[counts])
    losses = cross_entropy(logits, ids[:, 1:][counts], reduction="none")
    share = weights[counts]
    return (losses * share).sum() / share.sum()


def schedule(step: int, steps: int) -> float:
    """Return the learning rate at a step, as a part of the highest: a rise, a plain, a fall."""
    warm = min(WARM, max(1, steps // 10))
    if step < warm:
        return (step + 1) / warm
    left = (steps - step) / max(1, FALL * steps)
    return LAST + (1 - LAST) * min(1.0, left)


def look(run: Run, show: Callable[[str], None]) -> None:
    """Measure every task, and set the mixture by it."""
    found = measure.accuracy(run.model, run.asked, run.device)
    run.state.skill = measure.skills(found, run.asked)
    note(run, {"accuracy": found, "skill": run.state.skill})
    cells = [f"{name:<26}{value:5.2f}" for name, value in found.items()]
    for i in range(0, len(cells), 3):
        show("    " + "   ".join(cells[i : i + 3]))


def keep(run: Run, folder: Path | None = None) -> None:
    """Keep the weights as they are now, as a folder that a session opens.

    Its configuration names the tokens that training never saw.
    """
    named = [task.name for task in run.source.tasks]
    folder = folder or store.checkpoint_folder(run.out, run.state.step)
    setattr(run.model.config, UNSEEN, np.flatnonzero(~run.state.seen).tolist())
    store.export(folder, run.model, run.tokenizer, store.about(run.plan, run.state, named))


def note(run: Run, line: dict[str, Any]) -> None:
    """Write a line of the log."""
    with (run.out / store.LOG).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"step": run.state.step, **line}) + "\n")
