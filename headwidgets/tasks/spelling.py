"""Items as tokens: labels by offsets, answers of one token, what is dropped counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headwidgets.prompts import Prompts
from headwidgets.tasks.item import Spelled, Written

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from headwidgets.model.text import Text
    from headwidgets.tasks.item import Item

_SHOWN = 4


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
    options : tuple of int
    """

    item: Item
    template: str
    ids: tuple[int, ...]
    other: tuple[int, ...] | None
    places: dict[str, tuple[int, int]]
    answer: int
    foil: int
    options: tuple[int, ...]


def spelled(some: Sequence[tuple[str, Item]], text: Text, dropped: Counter[str]) -> Iterator[Row]:
    """Yield items as tokens; count those that cannot be, by the reason.

    Parameters
    ----------
    some : sequence of (str, Item)
        Templates and items.
    text : Text
    dropped : Counter
        Is added to.
    """
    clean = _tokens([item.clean for _, item in some], text)
    other = _tokens([item.corrupted for _, item in some], text)
    answers = _answers(some, clean, text)
    for (template, item), (ids, places), (partner, _), found in zip(
        some, clean, other, answers, strict=True
    ):
        assert ids is not None  # noqa: S101 - every item has a clean prompt
        if partner is not None and len(partner) != len(ids):
            dropped[f"clean and corrupted differ in length: {template!r}"] += 1
            continue
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


def _answers(
    some: Sequence[tuple[str, Item]],
    prompts: Sequence[tuple[tuple[int, ...] | None, object]],
    text: Text,
) -> Iterator[list[tuple[int | None, str]]]:
    """Yield of each item, for answer, foil and options, the one token or why it is none."""
    asked = [(item.answer, item.foil, *item.options) for _, item in some]
    written = [
        (ids, answer)
        for (ids, _), answers in zip(prompts, asked, strict=True)
        for answer in answers
        if ids is not None and isinstance(answer, str)
    ]
    read = iter(text.continuations(written))
    for answers in asked:
        yield [
            _one(answer, next(read), text) if isinstance(answer, str) else (int(answer), "")
            for answer in answers
        ]


def _one(answer: str, tail: list[int] | None, text: Text) -> tuple[int | None, str]:
    if tail is not None and len(tail) == 1:
        return tail[0], ""
    size = text.count_after(answer)
    why = f"{size}" if size > 1 else "it merges with the prompt"
    return None, f"an answer or option is not one token: {answer!r} ({why})"


# ---------------------------------------------------------------------- as a set


def prompt_set(kept: Sequence[Row], d_vocab: int) -> Prompts:
    """Return items as a prompt set: roles, spans, options, templates, chance.

    Parameters
    ----------
    kept : sequence of Row
    d_vocab : int
        How many answers there are where an item has no options.
    """
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
        choices=[row.item.choices for row in kept] if kept[0].item.choices else None,
    )


def _shown(prompt: Written | Spelled | None, ids: tuple[int, ...]) -> str | tuple[int, ...]:
    return prompt.text if isinstance(prompt, Written) else ids


def reasons(dropped: Counter[str]) -> list[str]:
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
