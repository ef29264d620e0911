"""One prompt of a task before any tokenizer has seen it: words, where they stand, the answer."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from string import Formatter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwidgets.prompts import Choices

Answer = str | int
"""A word with the space in front, as it continues the prompt; or a token id."""


class Written(NamedTuple):
    """A text and its labelled places.

    Attributes
    ----------
    text : str
    marks : dict of str to (int, int)
        Where each labelled word starts and stops in the text, spaces around it left out.
    """

    text: str
    marks: dict[str, tuple[int, int]]


class Spelled(NamedTuple):
    """A prompt that is tokens from the start, without BOS: random ids, symbols.

    Attributes
    ----------
    ids : tuple of int
    marks : dict of str to (int, int)
        The first token of each labelled place, and the one after its last.
    """

    ids: tuple[int, ...]
    marks: dict[str, tuple[int, int]]


class Item(NamedTuple):
    """One prompt of a task.

    Attributes
    ----------
    clean : Written or Spelled
    corrupted : Written or Spelled, optional
        As many tokens as `clean`, or the item is dropped.
    answer, foil : str or int
        The right continuation and the wrong one, one token each.
    key : tuple
        What is new in it: items with a held-out key are never in the "train" split.
    options : tuple of (str or int)
        The answer and its rivals. Empty: every token of the model.
    chance : float, optional
        Accuracy of a guess; default: one over the number of options.
    learned : tuple of str
        Marks of the clean text that follow from what stands before them, such as the
        answers of the examples in front: a model is trained on these too.
    after : str
        What a trained model goes on with after the answer.
    more : tuple of (str, str)
        Further questions that the clean prompt settles, each with its answer, in place behind
        the first answer and before `after`: a model is trained on these too.
    choices : Choices, optional
        A question with answers of any length, scored besides.
    """

    clean: Written | Spelled
    corrupted: Written | Spelled | None
    answer: Answer
    foil: Answer
    key: tuple[object, ...]
    options: tuple[Answer, ...] = ()
    chance: float | None = None
    learned: tuple[str, ...] = ()
    after: str = ""
    more: tuple[tuple[str, str], ...] = ()
    choices: Choices | None = None


def write(template: str, /, **words: str) -> Written:
    """Fill a template; each field becomes a labelled place of that name.

    Parameters
    ----------
    template : str
        Such as ``"When{IO} and{S1} went to the{PLACE},{S2} gave a{OBJECT} to"``. A word brings
        its own leading space, as tokens do.
    **words : str
        One for each field; a word that comes twice has two fields.

    Raises
    ------
    ValueError
        If a field comes twice, or the fields and the words are not the same.

    Examples
    --------
    >>> write("I saw{WHO}.", WHO=" Mary")
    Written(text='I saw Mary.', marks={'WHO': (6, 10)})
    """
    text, marks = "", {}
    for before, field in _fields(template):
        text += before
        if field is None:
            continue
        if field in marks or field not in words:
            message = f"expected each of the fields {sorted(words)} once in {template!r}"
            raise ValueError(message)
        word, at = words[field], len(text)
        text += word
        marks[field] = (len(text) - len(word.lstrip()), at + len(word.rstrip()))
    if len(marks) != len(words):
        message = f"expected a field for each of {sorted(words)} in {template!r}"
        raise ValueError(message)
    return Written(text, marks)


def combined(*parts: Sequence[str], without: Sequence[str]) -> tuple[str, ...]:
    """Return templates: every way to put one of each part behind the other, but for some.

    Raises
    ------
    ValueError
        If one of `without` is no such template.

    Examples
    --------
    >>> combined(("Then", "Now:"), ("{A}{B}", "{A},"), without=["Then{A},"])
    ('Then{A}{B}', 'Now:{A}{B}', 'Now:{A},')
    """
    every = tuple("".join(one) for one in product(*parts))
    if strange := set(without) - set(every):
        message = f"no template of these parts: {sorted(strange)}"
        raise ValueError(message)
    return tuple(one for one in every if one not in without)


@lru_cache(maxsize=4096)
def _fields(template: str) -> tuple[tuple[str, str | None], ...]:
    """Return the fields of a template, each with the text in front of it."""
    return tuple((before, field) for before, field, _, _ in Formatter().parse(template))


def join(*parts: Written | str) -> Written:
    """Put texts one behind the other; labels keep their words, and must differ.

    Raises
    ------
    ValueError
        If two parts have a label in common.
    """
    text = ""
    marks: dict[str, tuple[int, int]] = {}
    for part in parts:
        written = Written(part, {}) if isinstance(part, str) else part
        if marks.keys() & written.marks.keys():
            message = f"a label comes twice: {sorted(marks.keys() & written.marks.keys())}"
            raise ValueError(message)
        at = len(text)
        marks |= {name: (a + at, b + at) for name, (a, b) in written.marks.items()}
        text += written.text
    return Written(text, marks)


def marked(name: str, part: Written | str) -> Written:
    """Label a whole text, spaces around it left out; labels within it stay.

    Examples
    --------
    >>> marked("ALL", " Mary left.")
    Written(text=' Mary left.', marks={'ALL': (1, 11)})
    """
    text, marks = part if isinstance(part, Written) else Written(part, {})
    return Written(text, {name: (len(text) - len(text.lstrip()), len(text.rstrip()))} | marks)
