"""A set of prompts: clean ones, their corrupted partners, answers, labelled positions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from headwidgets.errors import InputError
from headwidgets.prompts.checks import (
    COLUMNS,
    Answer,
    Prompt,
    any_given,
    as_list,
    read_answer,
    read_positions,
    read_prompt,
    read_spans,
)
from headwidgets.prompts.choices import Choices, read_choices
from headwidgets.prompts.frame import ROLE, read_frame
from headwidgets.whole import whole

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Prompts:
    """A prompt set; one prompt is a set of one.

    Parameters
    ----------
    clean : list of (str or token ids)
        The prompts.
    corrupted : list of (str or token ids or None), optional
        One partner each, of the same token length where activations are to be patched.
    answer, foil : list of (str or int), optional
        The right next token and the wrong one, for the logit difference.
    roles : dict of str to list of int, optional
        Token position of a role in each prompt, such as ``{"S2": [10, 10, 11]}``; BOS
        counts, None where a prompt has no such role. ``"end"`` always exists.
    name : str, optional
        What the set is called where numbers say what they were measured on.
    spans : dict of str to list of (int, int), optional
        First token of a role of several tokens, and the one after its last.
    options : list of list of (str or int), optional
        The answers that each prompt chooses between, its own among them.
    templates : list of str, optional
        What each prompt was made from.
    chance : float, optional
        Accuracy of a guess.
    notes : list of str, optional
        What was left out when the set was made.
    choices : list of (Choices or None), optional
        A question for each prompt with answers of any length, scored besides.

    Raises
    ------
    InputError
        If the lists differ in length, or hold something else.
    """

    clean: Sequence[Prompt]
    corrupted: Sequence[Prompt | None] | None = None
    answer: Sequence[Answer] | None = None
    foil: Sequence[Answer] | None = None
    roles: Mapping[str, Sequence[int | None]] = field(default_factory=dict)
    name: str = ""
    spans: Mapping[str, Sequence[tuple[int, int] | None]] = field(default_factory=dict)
    options: Sequence[Sequence[Answer]] | None = None
    templates: Sequence[str] | None = None
    chance: float | None = None
    notes: Sequence[str] = ()
    choices: Sequence[Choices | None] | None = None

    def __post_init__(self) -> None:
        """Read every list once, at the door."""
        clean = tuple(read_prompt(p) for p in as_list(self.clean, "clean"))
        if not clean:
            message = "expected at least one clean prompt, got none"
            raise InputError(message)
        object.__setattr__(self, "clean", clean)
        n = len(clean)
        if self.corrupted is not None:
            given = as_list(self.corrupted, "corrupted", n)
            partners = tuple(None if p is None else read_prompt(p) for p in given)
            object.__setattr__(self, "corrupted", partners if any_given(partners) else None)
        if (self.answer is None) != (self.foil is None):
            there, lacking = ("answer", "foil") if self.foil is None else ("foil", "answer")
            message = f"expected {lacking} as well as {there}: the logit difference needs both"
            raise InputError(message)
        for name in ("answer", "foil"):
            given = getattr(self, name)
            if given is not None:
                rows = enumerate(as_list(given, name, n))
                answers = tuple(read_answer(a, f"{name} of prompt {i}") for i, a in rows)
                object.__setattr__(self, name, answers)
        if not isinstance(self.roles, Mapping):
            message = f"expected roles as a mapping of name to positions, got {self.roles!r:.80}"
            raise InputError(message)
        roles = {str(k): read_positions(k, v, n) for k, v in self.roles.items()}
        object.__setattr__(self, "roles", MappingProxyType(roles))
        self._read_extras(n)

    def _read_extras(self, n: int) -> None:
        if not isinstance(self.spans, Mapping):
            message = f"expected spans as a mapping of name to spans, got {self.spans!r:.80}"
            raise InputError(message)
        spans = {str(k): read_spans(k, v, n) for k, v in self.spans.items()}
        object.__setattr__(self, "spans", MappingProxyType(spans))
        object.__setattr__(self, "notes", tuple(map(str, as_list(self.notes, "notes"))))
        if self.options is not None:
            rows = enumerate(as_list(self.options, "options", n))
            options = tuple(
                tuple(read_answer(a, f"options of prompt {i}") for a in as_list(o, "options"))
                for i, o in rows
            )
            object.__setattr__(self, "options", options)
        if self.templates is not None:
            templates = tuple(str(t) for t in as_list(self.templates, "templates", n))
            object.__setattr__(self, "templates", templates)
        if self.choices is not None:
            rows = enumerate(as_list(self.choices, "choices", n))
            read = tuple(read_choices(c, f"choices of prompt {i}") for i, c in rows)
            object.__setattr__(self, "choices", read if any_given(read) else None)
        if self.chance is not None and not _is_share(self.chance):
            message = f"expected chance from 0 to less than 1, got {self.chance!r}"
            raise InputError(message)

    def __len__(self) -> int:
        """Return how many prompts there are."""
        return len(self.clean)

    @classmethod
    def read(cls, value: object) -> Prompts:
        """Make a set of whatever stands for one.

        Parameters
        ----------
        value : Prompts, DataFrame, str, list of str, or token ids
            A frame has columns clean and, if there are any, corrupted, answer, foil.
        """
        if isinstance(value, Prompts):
            return value
        if isinstance(value, str):
            return cls(clean=[value])
        if hasattr(value, "columns") and hasattr(value, "to_dict"):
            return cls(**read_frame(value))
        if isinstance(value, Mapping):
            unknown = set(value) - {*COLUMNS, "roles", "name"}
            if unknown or "clean" not in value:
                message = f"expected the keys {', '.join(COLUMNS)}, roles, got {list(value)!r:.120}"
                raise InputError(message)
            return cls(**value)
        if hasattr(value, "tolist"):
            value = value.tolist()
        if isinstance(value, Iterable):
            items = list(value)
            if items and all(whole(item) is not None for item in items):
                return cls(clean=[tuple(items)])
            return cls(clean=items)
        message = (
            "expected prompts as a text, a list of texts, a frame with the columns "
            f"{', '.join(COLUMNS)}, or hw.Prompts, got {type(value).__name__}"
        )
        raise InputError(message)

    def changed(self, index: int, **values: Prompt | None) -> Prompts:
        """Return the set with the clean or corrupted prompt at `index` replaced."""
        lists: dict[str, Any] = {}
        for name, value in values.items():
            items = list(getattr(self, name) or [None] * len(self))
            items[index] = value
            lists[name] = items
        if "clean" in values:  # a role belongs to the words that stood there
            lists["roles"] = _without(self.roles, index)
            lists["spans"] = _without(self.spans, index)
            for name, own in (("templates", "your own"), ("choices", None)):
                if getattr(self, name) is not None:
                    before = getattr(self, name)
                    lists[name] = [own if i == index else v for i, v in enumerate(before)]
        return replace(self, **lists)

    def to_frame(self) -> pd.DataFrame:
        """Return the set as a table: clean, corrupted, answer, foil, and ``"role: S2"`` columns."""
        import pandas as pd

        data: dict[str, Any] = {c: list(getattr(self, c)) for c in COLUMNS if getattr(self, c)}
        return pd.DataFrame(
            {**data, **{ROLE + k: pd.array(list(v), dtype="Int64") for k, v in self.roles.items()}}
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; see `from_json`."""
        out: dict[str, Any] = {"name": self.name, "notes": list(self.notes)}
        for name in ("roles", "spans"):
            out[name] = {role: _plain(values) for role, values in getattr(self, name).items()}
        for name in (*COLUMNS, "options", "templates"):
            values = getattr(self, name)
            if values is not None:
                out[name] = _plain(values)
        if self.choices is not None:
            out["choices"] = [one and one._asdict() for one in self.choices]
        return out if self.chance is None else {**out, "chance": self.chance}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Prompts:
        """Read what `to_json` wrote."""
        return cls(**value)


def _without(labels: Mapping[str, Sequence[Any]], index: int) -> dict[str, list[Any]]:
    """Return labels of every prompt but one; those that no prompt has any more are gone."""
    out = {k: [None if i == index else p for i, p in enumerate(v)] for k, v in labels.items()}
    return {k: v for k, v in out.items() if any_given(v)}


def _is_share(value: object) -> bool:
    """Whether `value` is a number from 0 to less than 1."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1


def _plain(values: Sequence[Any]) -> list[Any]:
    """Return tuples as lists, as JSON has them."""
    return [list(v) if isinstance(v, tuple) else v for v in values]
