"""A local file in a benchmark's own format, as prompts; no network."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from headwidgets.errors import InputError
from headwidgets.model.text import Text
from headwidgets.tasks import ag_news, agenda, mmlu, sst2, trivia_qa, truthful_qa
from headwidgets.tasks.cells import Read
from headwidgets.tasks.files import missing, read_rows
from headwidgets.tasks.item import Written
from headwidgets.tasks.make import read_number
from headwidgets.tasks.registry import find
from headwidgets.tasks.spelling import prompt_set, reasons, spelled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headwidgets.prompts import Prompts
    from headwidgets.tasks.cells import Cells
    from headwidgets.tasks.item import Item, Spelled
    from headwidgets.tasks.spelling import Row

_OTHERS = 8
"""Rows after one, from which its foil may come."""


class Format(NamedTuple):
    """A benchmark's format.

    Attributes
    ----------
    task : str
        The task of that benchmark.
    columns : tuple of tuple of str
        Those that a file must have, each with the names that it may go by.
    read : callable
        ``read(row, other_rows)`` gives an item, or says why the row is left out.
    """

    task: str
    columns: tuple[tuple[str, ...], ...]
    read: Callable[[Cells, Sequence[Cells]], Read | str]


FORMATS = {
    "mmlu": Format("mmlu", mmlu.COLUMNS, mmlu.read),
    "truthfulqa": Format("truthfulqa", truthful_qa.COLUMNS, truthful_qa.read),
    "sst2": Format("sst-2", sst2.COLUMNS, sst2.read),
    "triviaqa": Format("triviaqa", trivia_qa.COLUMNS, trivia_qa.read),
    "agenda": Format("agenda", agenda.COLUMNS, agenda.read),
    "agnews": Format("agnews", ag_news.COLUMNS, ag_news.read),
}


@dataclass(frozen=True)
class TaskFile:
    """Rows of a file that wait for a tokenizer: assign it to ``s.prompts``.

    Attributes
    ----------
    name : str
        What the prompts are called.
    reads : tuple of Read
    notes : tuple of str
        What is to be said of the file.
    """

    name: str
    reads: tuple[Read, ...]
    notes: tuple[str, ...] = ()

    def prompts(self, tokenizer: Any, n_ctx: int | None = None) -> Prompts:
        """Spell the prompts.

        An answer of several tokens to an open question is asked for by its first. A corrupted
        prompt of another length is left out; so is a prompt beyond the context, counted.

        Parameters
        ----------
        tokenizer : Text or a Hugging Face tokenizer
        n_ctx : int, optional
            The model's context.

        Returns
        -------
        Prompts

        Raises
        ------
        InputError
            If none can be spelled, with the reasons.
        """
        text = tokenizer if isinstance(tokenizer, Text) else Text.of(tokenizer)
        said: Counter[str] = Counter()
        dropped: Counter[str] = Counter()
        kept: dict[tuple[int, ...], Row] = {}
        some = [(r.template, item) for r in self.reads for item in _fitted(r, text, said, dropped)]
        for row in spelled(some, text, dropped):
            if n_ctx is not None and len(row.ids) > n_ctx:
                dropped[f"longer than this model's context of {n_ctx}: {len(row.ids)} tokens"] += 1
            else:
                kept.setdefault(row.ids, row)
        if not kept:
            why = "; ".join([*self.notes, *reasons(dropped)])
            message = f"no prompt of {self.name} can be used: {why}"
            raise InputError(message)
        notes = (*self.notes, *_counted(said), *reasons(dropped))
        made = prompt_set(list(kept.values()), text.d_vocab)
        return replace(made, name=self.name, notes=notes)


def load_task(
    path: str | Path,
    format: str,  # noqa: A002 - what it is called everywhere
    n: int | None = 100,
    *,
    seed: int = 0,
) -> TaskFile:
    """Read a local file in a benchmark's own format; ``s.prompts = hw.load_task(...)``.

    Parameters
    ----------
    path : str or Path
        A file .jsonl, .json, .csv, .tsv or .parquet.
    format : {"mmlu", "truthfulqa", "sst2", "triviaqa", "agenda", "agnews"}
        Whose columns it has: question, choices, answer; question, mc1_targets, mc2_targets;
        sentence or text, label; question, answer; title, entities, relations, abstract_og or
        abstract; text, label. Others are not read.
    n : int or None
        How many rows, drawn from all of them; None is every row.
    seed : int
        The same seed draws the same rows.

    Returns
    -------
    TaskFile
        Goes into ``s.prompts`` and ``s.accuracy`` as `hw.task` does; ``.prompts(tokenizer)``
        gives the `Prompts` for any tokenizer.

    Raises
    ------
    InputError
        If there is no such file or format, the columns are others, or a row cannot be read:
        with its number.
    """
    known = {_bare(name): one for name, one in FORMATS.items()}
    form = known.get(_bare(format))
    if form is None:
        message = f"expected a format {', '.join(map(repr, FORMATS))}, got {format!r}"
        raise InputError(message)
    seed, wanted = read_number("seed", seed), None if n is None else read_number("n", n)
    rows = read_rows(path)
    file = Path(path).name
    title, lacking = find(form.task).title, missing(rows, form.columns)
    if lacking:
        message = f"{file} is not in the format of {title}: {lacking}"
        raise InputError(message)
    notes = []
    if wanted is not None and wanted > len(rows):
        notes.append(f"{len(rows)} of {wanted}: the file has no more rows")
    elif wanted is not None:
        drawn = Random(f"{form.task} {seed}").sample(range(len(rows)), wanted)  # noqa: S311
        rows = [rows[i] for i in sorted(drawn)]
    around = [*rows, *rows]
    reads = [form.read(r, around[i + 1 : i + _OTHERS]) for i, r in enumerate(rows)]
    left_out = Counter(f"rows left out, for {why}" for why in reads if isinstance(why, str))
    usable = tuple(read for read in reads if isinstance(read, Read))
    return TaskFile(f"{title}, {file}", usable, (*notes, *_counted(left_out)))


def _counted(notes: Counter[str]) -> tuple[str, ...]:
    return tuple(f"{what}: {count}" for what, count in notes.items())


def _bare(name: object) -> str:
    return "".join(letter for letter in str(name).lower() if letter.isalnum())


def _fitted(read: Read, text: Text, said: Counter[str], dropped: Counter[str]) -> list[Item]:
    """Return the item as this tokenizer can have it: a partner of its length, first tokens.

    None at all, where no foil has another first token.
    """
    item = read.item
    ids = _ids(item.clean, text)
    if item.corrupted is not None and len(_ids(item.corrupted, text)) != len(ids):
        said["no corrupted prompt, for it would be of another length"] += 1
        item = item._replace(corrupted=None)
    if item.options:
        return [item]
    answer, *rest = text.answer_ids(ids, item.answer)
    said.update(["answers of several tokens, of which the first is asked for"] if rest else [])
    firsts = (text.answer_ids(ids, foil)[0] for foil in read.foils)
    foil = next((token for token in firsts if token != answer), None)
    if foil is None:
        dropped[f"no wrong answer begins with another token: {item.answer!r}"] += 1
        return []
    return [item._replace(answer=answer, foil=foil)]


def _ids(prompt: Written | Spelled, text: Text) -> list[int]:
    return text.encode(prompt.text) if isinstance(prompt, Written) else list(prompt.ids)
