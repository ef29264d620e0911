"""From items to a prompt set in a model's tokens: positions by offsets, answers of one token."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from headwidgets.errors import InputError
from headwidgets.model.text import Text
from headwidgets.prompts import Prompts
from headwidgets.tasks.draw import check_split, items
from headwidgets.tasks.item import Spelled, Written
from headwidgets.tasks.registry import find
from headwidgets.tasks.words import Words
from headwidgets.whole import whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from headwidgets.tasks.item import Answer, Item
    from headwidgets.tasks.registry import Task

LEAST = 20
"""Prompts that a tokenizer must be able to spell."""
MOST = 100_000
_AT_ONCE = 256
_SHOWN = 4
_TRIES = 12
"""Draws for each prompt that is asked for, before the task counts as used up."""


@dataclass(frozen=True)
class Row:
    """An item as tokens.

    Attributes
    ----------
    ids, other : tuple of int
        The clean prompt and its corrupted partner, BOS included.
    places : dict of str to (int, int)
        First token and the one after the last of each label of the clean prompt.
    answer, foil : int
    options : tuple of int or of str
        Token ids; texts where one of them is several tokens.
    """

    item: Item
    template: str
    ids: tuple[int, ...]
    other: tuple[int, ...] | None
    places: dict[str, tuple[int, int]]
    answer: int
    foil: int
    options: tuple[int, ...]


@dataclass(frozen=True)
class TaskSet:
    """Prompts of a task that wait for a tokenizer: assign it to ``s.prompts``.

    Attributes
    ----------
    task : Task
    n, seed : int
    split : {"train", "test", "templates"}
    """

    task: Task
    n: int = 100
    seed: int = 0
    split: str = "train"

    def __post_init__(self) -> None:
        """Check every number at the door."""
        for name, low, high in (("n", 1, MOST), ("seed", 0, 2**32 - 1)):
            read = whole(getattr(self, name))
            if read is None or not low <= read <= high:
                message = (
                    f"expected {name} as a whole number from {low:,} to {high:,}, "
                    f"got {getattr(self, name)!r}"
                )
                raise InputError(message)
            object.__setattr__(self, name, read)
        check_split(self.split)

    def prompts(self, tokenizer: Any, n_ctx: int | None = None) -> Prompts:
        """Spell the prompts.

        Parameters
        ----------
        tokenizer : Text or a Hugging Face tokenizer
        n_ctx : int, optional
            The model's context: a longer prompt is refused, never cut.

        Returns
        -------
        Prompts
            With roles, template, options, chance, and notes: what was dropped, and why.

        Raises
        ------
        InputError
            If fewer than 20 prompts can be spelled (or fewer than `n`, where that is less),
            with the words that are cut; if a prompt exceeds the context.
        """
        text = tokenizer if isinstance(tokenizer, Text) else Text.of(tokenizer)
        return _prompts(self, text, n_ctx)


def task(name: str, n: int = 100, *, seed: int = 0, split: str = "train") -> TaskSet:
    """Ask for prompts of a task; ``s.prompts = hw.task("ioi", n=100)`` spells them.

    Parameters
    ----------
    name : str
        One of `hw.tasks`.
    n : int
        How many.
    seed : int
        The same seed gives the same prompts.
    split : {"train", "test", "templates"}
        What the bundled model was trained on; names, pairs and other contents that it
        was not; and templates that it was not.

    Returns
    -------
    TaskSet
        ``.prompts(tokenizer)`` gives the `Prompts` for any tokenizer.

    Raises
    ------
    InputError
        If there is no such task or split, or `n` or `seed` is out of range.
    """
    return TaskSet(find(name), n, seed, split)


def rows(found: Task, text: Text, seed: int, split: str, dropped: Counter[str]) -> Iterator[Row]:
    """Yield items as tokens, for ever or until the split is used up; count what is dropped."""
    words = Words(text)
    drawn = items(found, words, seed, split)
    cache: dict[tuple[object, ...], tuple[int | None, str]] = {}
    while some := list(islice(drawn, _AT_ONCE)):
        before = dropped.total()
        yield from _spelled(some, text, cache, dropped)
        if dropped.total() - before == len(some):  # not one of them can be spelled
            return


def _prompts(asked: TaskSet, text: Text, n_ctx: int | None) -> Prompts:
    dropped: Counter[str] = Counter()
    kept: dict[tuple[int, ...], Row] = {}
    drawn = rows(asked.task, text, asked.seed, asked.split, dropped)
    for row in islice(drawn, _TRIES * max(asked.n, LEAST)):
        if len(kept) == asked.n or sum(dropped.values()) > _TRIES * max(asked.n, LEAST):
            break
        _check_context(row, n_ctx)
        kept.setdefault(row.ids, row)
    name = asked.task.name
    if len(kept) < min(asked.n, LEAST):
        reasons = "; ".join(_reasons(dropped))
        message = (
            f"this tokenizer spells only {len(kept)} different prompts of task {name!r} in split "
            f"{asked.split!r}, of at least {min(asked.n, LEAST)}: {reasons or 'there are no more'}"
        )
        raise InputError(message)
    notes = _reasons(dropped)
    if len(kept) < asked.n:
        notes.insert(0, f"{len(kept)} of {asked.n}: there are no more different prompts")
    made = _set(list(kept.values()), text.d_vocab)
    return replace(made, name=f"{asked.task.title}, {asked.split}", notes=tuple(notes))


def _reasons(dropped: Counter[str]) -> list[str]:
    """Say each reason once: how many prompts it cost, and the words or templates it met most."""
    kinds: dict[str, Counter[str]] = {}
    for why, count in dropped.items():
        kind, _, what = why.partition(": ")
        kinds.setdefault(kind, Counter())[what] += count
    said = []
    for kind, met in sorted(kinds.items(), key=lambda one: -one[1].total()):
        shown = [what for what, _ in met.most_common(_SHOWN)]
        more = f" and {len(met) - _SHOWN} more" if len(met) > _SHOWN else ""
        said.append(f"{met.total()} drawn prompts dropped, {kind}: {', '.join(shown)}{more}")
    return said


def _set(kept: Sequence[Row], d_vocab: int) -> Prompts:
    marks = list(dict.fromkeys(mark for row in kept for mark in row.places))
    places = {mark: [row.places.get(mark) for row in kept] for mark in marks}
    wide = {m: p for m, p in places.items() if any(s and s[1] - s[0] > 1 for s in p)}
    given = [(row.item.chance, len(row.options) or d_vocab) for row in kept]
    guess = [1 / rivals if chance is None else chance for chance, rivals in given]
    return Prompts(
        clean=[_shown(row.item.clean, row.ids) for row in kept],
        corrupted=[row.other and _shown(row.item.corrupted, row.other) for row in kept],
        answer=[row.item.answer for row in kept],
        foil=[row.item.foil for row in kept],
        roles={mark: [s and s[1] - 1 for s in spans] for mark, spans in places.items()},
        spans=wide,
        options=[row.item.options for row in kept] if kept[0].options else None,
        templates=[row.template for row in kept],
        chance=sum(guess) / len(guess),
    )


def _shown(prompt: Written | Spelled | None, ids: tuple[int, ...]) -> str | tuple[int, ...]:
    return prompt.text if isinstance(prompt, Written) else ids


def _check_context(row: Row, n_ctx: int | None) -> None:
    if n_ctx is not None and len(row.ids) > n_ctx:
        message = (
            f"a prompt has {len(row.ids)} tokens, BOS included; this model's context is {n_ctx}: "
            "choose another task, or a smaller size of it"
        )
        raise InputError(message)


# ---------------------------------------------------------------------- spelling


def _spelled(
    some: Sequence[tuple[str, Item]],
    text: Text,
    cache: dict[tuple[object, ...], tuple[int | None, str]],
    dropped: Counter[str],
) -> Iterator[Row]:
    clean = _tokens([item.clean for _, item in some], text)
    other = _tokens([item.corrupted for _, item in some], text)
    for (template, item), (ids, places), (partner, _) in zip(some, clean, other, strict=True):
        assert ids is not None  # noqa: S101 - every item has a clean prompt
        if partner is not None and len(partner) != len(ids):
            dropped[f"clean and corrupted differ in length: {template!r}"] += 1
            continue
        found = [_answer(one, ids, text, cache) for one in (item.answer, item.foil, *item.options)]
        lacking = [why for token, why in found if token is None]
        if lacking:
            dropped[lacking[0]] += 1
            continue
        answer, foil, *options = [token for token, _ in found if token is not None]
        yield Row(item, template, ids, partner, places, answer, foil, tuple(options))


def _tokens(
    prompts: Iterable[Written | Spelled | None], text: Text
) -> list[tuple[tuple[int, ...] | None, dict[str, tuple[int, int]]]]:
    """Return token ids and the tokens of every label."""
    listed = list(prompts)
    written = [p for p in listed if isinstance(p, Written)]
    spelled = iter(text.with_offsets([p.text for p in written]))
    front = (text.bos_id,) if text.prepend_bos and text.bos_id is not None else ()
    out: list[tuple[tuple[int, ...] | None, dict[str, tuple[int, int]]]] = []
    for prompt in listed:
        if prompt is None:
            out.append((None, {}))
        elif isinstance(prompt, Spelled):
            shift = len(front)
            marks = {m: (a + shift, b + shift) for m, (a, b) in prompt.marks.items()}
            out.append(((*front, *prompt.ids), marks))
        else:
            ids, offsets = next(spelled)
            out.append((tuple(ids), _covering(prompt.marks, offsets)))
    return out


def _covering(
    marks: dict[str, tuple[int, int]], offsets: Sequence[tuple[int, int]]
) -> dict[str, tuple[int, int]]:
    """Return which tokens cover each stretch of the text."""
    places = {}
    for mark, (start, stop) in marks.items():
        inside = [i for i, (a, b) in enumerate(offsets) if a < stop and b > start]
        if inside:
            places[mark] = (inside[0], inside[-1] + 1)
    return places


def _answer(
    answer: Answer,
    ids: tuple[int, ...],
    text: Text,
    cache: dict[tuple[object, ...], tuple[int | None, str]],
) -> tuple[int | None, str]:
    """Return the one token that an answer is behind a prompt, or why it is none."""
    if not isinstance(answer, str):
        return int(answer), ""
    key = (ids[-2:], answer)  # what a word merges with is the token before it
    found = cache.get(key)
    if found is None:
        try:
            found = text.answer_id(ids, answer), ""
        except InputError:
            size = text.count_after(answer)
            why = f"{size}" if size > 1 else "it merges with the prompt"
            found = None, f"an answer or option is not one token: {answer!r} ({why})"
        cache[key] = found
    return found
