"""A set of prompts: clean ones, their corrupted partners, answers, labelled positions."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from headwidgets.errors import InputError
from headwidgets.whole import whole

if TYPE_CHECKING:
    import pandas as pd

Prompt = str | tuple[int, ...]
"""A text, or token ids as the model is to see them (nothing is put in front of ids)."""
Answer = str | int
_COLUMNS = ("clean", "corrupted", "answer", "foil")
_RESERVED = ("end", "bos", *_COLUMNS)
_ROLE = "role: "


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

    def __post_init__(self) -> None:
        """Read every list once, at the door."""
        clean = tuple(read_prompt(p) for p in _listed(self.clean, "clean"))
        if not clean:
            message = "expected at least one clean prompt, got none"
            raise InputError(message)
        object.__setattr__(self, "clean", clean)
        n = len(clean)
        if self.corrupted is not None:
            listed = _listed(self.corrupted, "corrupted", n)
            partners = tuple(None if p is None else read_prompt(p) for p in listed)
            object.__setattr__(self, "corrupted", partners if any_given(partners) else None)
        if (self.answer is None) != (self.foil is None):
            there, lacking = ("answer", "foil") if self.foil is None else ("foil", "answer")
            message = f"expected {lacking} as well as {there}: the logit difference needs both"
            raise InputError(message)
        for name in ("answer", "foil"):
            given = getattr(self, name)
            if given is not None:
                rows = enumerate(_listed(given, name, n))
                answers = tuple(_read_answer(a, f"{name} of prompt {i}") for i, a in rows)
                object.__setattr__(self, name, answers)
        if not isinstance(self.roles, Mapping):
            message = f"expected roles as a mapping of name to positions, got {self.roles!r:.80}"
            raise InputError(message)
        roles = {str(k): _read_positions(k, v, n) for k, v in self.roles.items()}
        object.__setattr__(self, "roles", MappingProxyType(roles))

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
            return cls._from_frame(value)
        if isinstance(value, Mapping):
            unknown = set(value) - {*_COLUMNS, "roles", "name"}
            if unknown or "clean" not in value:
                message = (
                    f"expected the keys {', '.join(_COLUMNS)}, roles, got {list(value)!r:.120}"
                )
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
            f"{', '.join(_COLUMNS)}, or hw.Prompts, got {type(value).__name__}"
        )
        raise InputError(message)

    @classmethod
    def _from_frame(cls, frame: Any) -> Prompts:
        known = [c for c in frame.columns if c in _COLUMNS]
        for column in frame.columns:
            near = difflib.get_close_matches(str(column), _COLUMNS, n=1, cutoff=0.75)
            if column not in _COLUMNS and near:
                message = f"column {column!r} is none of {', '.join(_COLUMNS)}; is it {near[0]!r}?"
                raise InputError(message)
        if len(set(known)) != len(known):
            message = f"expected each column once, got {', '.join(map(repr, frame.columns))}"
            raise InputError(message)
        if "clean" not in known:
            message = (
                f"expected a table with a column 'clean' (and corrupted, answer, foil), "
                f"got the columns {', '.join(map(repr, frame.columns))}"
            )
            raise InputError(message)
        cells = frame.astype(object).where(frame.notna(), None)
        columns: dict[str, Any] = {column: cells[column].tolist() for column in known}
        if any_absent(columns["clean"]):
            row = columns["clean"].index(None)
            message = f"expected a clean prompt in every row, got none in row {row}"
            raise InputError(message)
        roles = {
            str(c).removeprefix(_ROLE): [_uncast(v) for v in cells[c].tolist()]
            for c in frame.columns
            if str(c).startswith(_ROLE)
        }
        return cls(**columns, roles=roles)

    def changed(self, index: int, **values: Prompt | None) -> Prompts:
        """Return the set with the clean or corrupted prompt at `index` replaced."""
        lists: dict[str, Any] = {}
        for name, value in values.items():
            items = list(getattr(self, name) or [None] * len(self))
            items[index] = value
            lists[name] = items
        roles = dict(self.roles)
        if "clean" in values:  # a role belongs to the words that stood there
            roles = {
                k: [None if i == index else p for i, p in enumerate(v)] for k, v in roles.items()
            }
            roles = {k: v for k, v in roles.items() if any_given(v)}
        return replace(self, **lists, roles=roles)

    def to_frame(self) -> pd.DataFrame:
        """Return the set as a table: clean, corrupted, answer, foil, and ``"role: S2"`` columns."""
        import pandas as pd

        data: dict[str, Any] = {c: list(getattr(self, c)) for c in _COLUMNS if getattr(self, c)}
        return pd.DataFrame(
            {**data, **{_ROLE + k: pd.array(list(v), dtype="Int64") for k, v in self.roles.items()}}
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; see `from_json`."""
        out: dict[str, Any] = {
            "name": self.name,
            "roles": {k: list(v) for k, v in self.roles.items()},
        }
        for name in _COLUMNS:
            values = getattr(self, name)
            if values is not None:
                out[name] = [list(v) if isinstance(v, tuple) else v for v in values]
        return out

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Prompts:
        """Read what `to_json` wrote."""
        return cls(**value)


def read_prompt(value: object) -> Prompt:
    """Read one prompt: a text, or token ids.

    Raises
    ------
    InputError
        If it is neither.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        message = "expected a prompt as text or token ids, got bytes: decode them first"
        raise InputError(message)
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Sequence) and value and isinstance(value[0], list) and len(value) == 1:
        value = value[0]  # [1, position], as to_tokens gives it
    if isinstance(value, Sequence):
        ids = tuple(whole(v) for v in value)
        if not ids:
            message = "the prompt has no tokens: give at least one id"
            raise InputError(message)
        if None not in ids:
            return ids  # type: ignore[return-value]
    message = f"expected a prompt as text or a list of token ids, got {value!r:.80}"
    raise InputError(message)


def _uncast(value: Any) -> Any:
    """Undo what pandas does to whole numbers beside an empty cell."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def any_given(values: Iterable[object]) -> bool:
    """Whether any of `values` is not None."""
    return any(v is not None for v in values)


def any_absent(values: Iterable[object]) -> bool:
    """Whether any of `values` is None."""
    return any(v is None for v in values)


def _listed(values: object, what: str, n: int | None = None) -> list[Any]:
    """`values` as a list of `n`."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        message = f"expected {what} as a list, one entry a prompt, got {values!r:.80}"
        raise InputError(message)
    items = list(values)
    if n is not None and len(items) != n:
        message = f"expected {n} {what} entries, one for each clean prompt, got {len(items)}"
        raise InputError(message)
    return items


def _read_answer(value: object, what: str) -> Answer:
    read = value if isinstance(value, str) and value else whole(value)
    if read is not None:
        return read
    message = f"expected the {what} as text or one token id, got {value!r:.80}"
    raise InputError(message)


def _read_positions(role: object, values: object, n: int) -> tuple[int | None, ...]:
    if not isinstance(role, str) or not role or role in _RESERVED:
        message = f"expected a role name other than {', '.join(_RESERVED)}, got {role!r}"
        raise InputError(message)
    items = _listed(values, f"positions of role {role!r}", n)
    places = [None if v is None else whole(v) for v in items]
    if any(v is not None and (p is None or p < 0) for v, p in zip(items, places, strict=True)):
        message = f"expected token positions from 0 for role {role!r}, got {items!r:.80}"
        raise InputError(message)
    return tuple(places)
