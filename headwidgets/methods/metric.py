"""What every metric of a run is: words that become tokens, and a number read off logits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from headwidgets.errors import InputError
from headwidgets.whole import whole

if TYPE_CHECKING:
    from torch import Tensor

AnswerId = Callable[[Sequence[int], str | int], int]
Side = str | int | tuple[str | int, ...]
Tokens = tuple[list[int], list[int]]
"""Token ids that a metric looks at on one prompt: the answer's and the foil's."""
DEFAULT = "logit difference"
_KINDS: dict[str, type[Metric]] = {}


@dataclass(frozen=True)
class Metric:
    """What every metric can do; use one of its kinds.

    Attributes
    ----------
    kind, unit : str
        Its name in a saved session, and what its numbers are counted in.
    lower_is_better : bool
    least_gap : float
        The least difference of clean and corrupted, in that unit, that a normalised effect
        is taken of.
    """

    kind: ClassVar[str] = ""
    unit: ClassVar[str] = ""
    lower_is_better: ClassVar[bool] = False
    least_gap: ClassVar[float] = 0.1

    def __init_subclass__(cls) -> None:
        """Note the kind, for `read_metric`."""
        if cls.kind:
            _KINDS[cls.kind] = cls

    def __post_init__(self) -> None:
        """Check the words once, at the door."""
        for side in fields(self):
            value = getattr(self, side.name)
            if value is not None:
                object.__setattr__(self, side.name, read_side(value, side.name))

    @property
    def own_answers(self) -> bool:
        """Whether it takes each prompt's own answer from the set."""
        return any(getattr(self, side.name) is None for side in fields(self))

    def of(self, answers: Metric | None) -> Self:
        """Return the metric with the words of one prompt filled in.

        Raises
        ------
        InputError
            If it takes each prompt's own answer and the prompts have none.
        """
        if not self.own_answers:
            return self
        name = type(self).__name__
        if answers is None:
            words = ", ".join(["' Mary'", "' John'"][: len(fields(self))])
            message = (
                f"hw.{name}() takes each prompt's own answer, but these prompts have none: give "
                f"prompts with answer and foil, or say which, as in hw.{name}({words})"
            )
            raise InputError(message)
        return replace(self, **{side.name: getattr(answers, side.name) for side in fields(self)})

    def ids(self, prompt: Sequence[int], answer_id: AnswerId) -> Tokens:
        """Return the token ids of answer and foil after `prompt`; none for a side it lacks."""
        sides = [listed(getattr(self, name, None)) for name in ("answer", "foil")]
        right, wrong = ([answer_id(prompt, word) for word in side] for side in sides)
        return right, wrong

    def columns(self, ids: Tokens) -> list[int] | None:  # noqa: ARG002 - a kind may read few
        """Return which logits decide the number, None where all of them do."""
        return None

    def measure(self, logits: Tensor, ids: Tokens, clean: Tensor) -> Tensor:
        """Return the number of each row.

        Parameters
        ----------
        logits : Tensor, [row, vocabulary]
            Runs of one prompt.
        ids : pair of lists of int
            What `ids` returned for that prompt.
        clean : Tensor, [vocabulary] or [row, vocabulary]
            Logits of its clean run.

        Returns
        -------
        Tensor, float32, [row]
        """
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; see `read_metric`."""
        sides = {side.name: getattr(self, side.name) for side in fields(self)}
        return {
            "kind": self.kind,
            **{k: list(v) if isinstance(v, tuple) else v for k, v in sides.items()},
        }

    @classmethod
    def from_json(cls, value: object) -> Metric:
        """Read what `to_json` wrote; see `read_metric`."""
        return read_metric(value)


def read_metric(value: object) -> Metric:
    """Read a metric, or what its `to_json` wrote.

    Raises
    ------
    InputError
        If it is neither.
    """
    if isinstance(value, Metric):
        return value
    kind = value.get("kind", DEFAULT) if isinstance(value, Mapping) else None
    made = _KINDS.get(kind) if isinstance(kind, str) else None
    if made is None or not isinstance(value, Mapping):
        message = (
            "expected a metric such as hw.LogitDiff(' Mary', ' John'), hw.Prob(' Mary'), "
            f"hw.LogProb(' Mary'), hw.Rank(' Mary') or hw.KL(), got {value!r:.80}"
        )
        raise InputError(message)
    sides = {side.name for side in fields(made)}
    given = {name: part for name, part in value.items() if name != "kind"}
    if set(given) - sides:
        message = (
            f"expected {made.__name__} with {', '.join(sorted(sides)) or 'nothing'}, "
            f"got {value!r:.80}"
        )
        raise InputError(message)
    return made(**given)


def read_side(value: Any, what: str) -> Side:
    """Read a token, an id, or several of them."""
    if getattr(value, "ndim", 0) == 1:
        value = value.tolist()
    listed = isinstance(value, list | tuple)
    items = list(value) if listed else [value]
    read = [v if isinstance(v, str) else whole(v) for v in items]
    good = [v for v in read if v is not None and v != ""]
    if not items or len(good) != len(items):
        message = (
            f"expected the {what} as a token such as ' Mary', an id, or a list, got {value!r:.80}"
        )
        raise InputError(message)
    return tuple(good) if listed else good[0]


def listed(side: Side | None) -> tuple[str | int, ...]:
    """Return the tokens of a side, none where there is no side."""
    return () if side is None else side if isinstance(side, tuple) else (side,)


def shown(side: Side | None) -> str:
    """Write a side of a metric for the screen."""
    return " | ".join(map(repr, side)) if isinstance(side, tuple) else repr(side)
