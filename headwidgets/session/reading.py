"""Prompts and answers as this model's tokens, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwidgets.errors import InputError
from headwidgets.methods import metrics
from headwidgets.methods.snapshot import Pair
from headwidgets.prompts import Prompts
from headwidgets.tasks import TaskSet
from headwidgets.tasks.load import TaskFile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headwidgets.methods.metric import Metric
    from headwidgets.methods.metrics import LogitDiff
    from headwidgets.model.engine import Engine
    from headwidgets.prompts import Prompt

LEAST = 2
"""Tokens that a text needs for one to look at another."""
FIRST_PROMPT = "When Mary and John went to the store, John gave a drink to"


def first_prompt(engine: Engine) -> Prompt:
    """Return what a new session shows: a well-known sentence, or a few ids without a tokenizer."""
    facts = engine.facts
    if not engine.text.has_tokenizer:
        return tuple(range(min(8, facts.d_vocab, facts.n_ctx)))
    ids = engine.text.encode(FIRST_PROMPT)
    return FIRST_PROMPT if len(ids) <= facts.n_ctx else tuple(ids[: facts.n_ctx])


def read_set(engine: Engine, value: object) -> Prompts:
    """Return the prompt set that `value` stands for; a task is spelled in the model's tokens."""
    if isinstance(value, TaskSet | TaskFile):
        return value.prompts(engine.text, engine.facts.n_ctx)
    return Prompts.read(value)


def read_pairs(engine: Engine, prompts: Prompts) -> tuple[Pair, ...]:
    """Return every pair of a set as token ids; see `read_pair`."""
    some = (*prompts.clean, *(one for one in prompts.corrupted or () if one is not None))
    written = list(dict.fromkeys(one for one in some if isinstance(one, str)))
    read = dict(zip(written, engine.text.encode_all(written), strict=True))
    return tuple(read_pair(engine, prompts, i, read) for i in range(len(prompts)))


def read_pair(
    engine: Engine, prompts: Prompts, i: int, read: Mapping[str, Sequence[int]] | None = None
) -> Pair:
    """Return one pair of a set as token ids; `read` has those of texts that were read.

    Raises
    ------
    InputError
        If a prompt is empty, too long or has ids that do not exist, or a role stands
        beyond its end; of several prompts, it says which.
    """
    partner = prompts.corrupted[i] if prompts.corrupted is not None else None
    what = "clean"
    try:
        clean = _ids(engine, prompts.clean[i], read)
        what = "corrupted"
        other = None if partner is None else _ids(engine, partner, read)
    except InputError as error:
        if len(prompts) == 1:
            raise
        message = f"{what} of prompt {i}: {error}"
        raise InputError(message) from error
    given = {role: places[i] for role, places in prompts.roles.items()}
    roles = {role: place for role, place in given.items() if place is not None}
    for role, place in roles.items():
        if place >= len(clean):
            message = (
                f"role {role!r} of prompt {i} stands at position {place}, but the prompt has "
                f"{len(clean)} tokens, 0 to {len(clean) - 1}"
            )
            raise InputError(message)
    return Pair(clean, other, roles)


def read_texts(engine: Engine, value: object) -> list[tuple[int, ...]]:
    """Return texts of any length as token ids.

    Parameters
    ----------
    value : str, token ids, list of them, or prompts
        Of prompts, the clean ones.

    Raises
    ------
    InputError
        If there is none, one has ids that do not exist, or none has two tokens.
    """
    texts = [_any_length(engine, one) for one in read_set(engine, value).clean]
    longest = max(map(len, texts))
    if longest < LEAST:
        message = f"expected a text of at least {LEAST} tokens, BOS included, got {longest}"
        raise InputError(message)
    return texts


def answers_of(prompts: Prompts) -> tuple[LogitDiff, ...] | None:
    """Return each prompt's own logit difference; None where the set has no answers."""
    if prompts.answer is None or prompts.foil is None:
        return None
    both = zip(prompts.answer, prompts.foil, strict=True)
    return tuple(metrics.LogitDiff(answer, foil) for answer, foil in both)


def check_answers(engine: Engine, prompts: Prompts, pairs: tuple[Pair, ...]) -> None:
    """Check that every answer and foil of a set is one token, and that the two differ."""
    if prompts.answer is None or prompts.foil is None:
        return
    for i, (pair, *sides) in enumerate(zip(pairs, prompts.answer, prompts.foil, strict=True)):
        for what, side in zip(("answer", "foil"), sides, strict=True):
            try:
                engine.text.answer_id(pair.clean, side)
            except InputError as error:
                message = f"{what} of prompt {i}: {error}"
                raise InputError(message) from error
        try:
            metrics.LogitDiff(*sides).ids(pair.clean, engine.text.answer_id)
        except InputError as error:
            message = f"prompt {i}: {error}"
            raise InputError(message) from error


def read_metric(engine: Engine, value: object, pairs: tuple[Pair, ...]) -> Metric | None:
    """Read a metric, and check that its answers are one token after every prompt."""
    if value is None:
        return None
    metric = metrics.read_metric(value)
    for pair in pairs:
        metric.ids(pair.clean, engine.text.answer_id)
    return metric


def _ids(
    engine: Engine, prompt: Prompt, read: Mapping[str, Sequence[int]] | None
) -> tuple[int, ...]:
    ids = _any_length(engine, prompt, read)
    facts = engine.facts
    if len(ids) > facts.n_ctx:
        message = (
            f"the prompt has {len(ids)} tokens, BOS included; this model's context is "
            f"{facts.n_ctx}: shorten it by {len(ids) - facts.n_ctx}"
        )
        raise InputError(message)
    return ids


def _any_length(
    engine: Engine, prompt: Prompt, read: Mapping[str, Sequence[int]] | None = None
) -> tuple[int, ...]:
    if isinstance(prompt, str):
        ids = tuple(read[prompt] if read else engine.text.encode(prompt))
    else:
        ids = prompt
    bad = next((i for i in ids if not 0 <= i < engine.facts.d_vocab), None)
    if bad is not None:
        message = f"expected token ids from 0 to {engine.facts.d_vocab - 1}, got {bad}"
        raise InputError(message)
    return ids
