"""Four stages, forty kinds of head, and this model's heads in each.

Synced both ways: what `Filters` and `Together` say. The cards, what was found of them and the
selection are the session's (see `roles_traits`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import traitlets as t

from headwidgets.errors import InputError
from headwidgets.taxonomy.registry import EVIDENCE, STAGES, find
from headwidgets.taxonomy.verdict import CANDIDATE, CONSISTENT, NO, NOT_MEASURABLE
from headwidgets.taxonomy.walk_plans import PLANS
from headwidgets.widgets import taxonomy_face, together_face
from headwidgets.widgets.base import HeadWidget, refuse_unknown
from headwidgets.widgets.roles import Roles

if TYPE_CHECKING:
    from pandas import DataFrame

NOT_YET = "not measured yet"
PARTS = ("kinds", "walks", "hand-over")


class KindName(t.Unicode[str, Any]):
    """The name of a kind, or ""; a title or an alias becomes the name."""

    def validate(self, obj: Any, value: Any) -> str:
        """Return the kind's name; raise where there is no such kind."""
        text = super().validate(obj, value)
        return find(text).name if text else ""


class Filters(t.HasTraits):
    """Which kinds are shown, and which one is open; "" is any, or none.

    Attributes
    ----------
    kind : str
        The card that is open: a name of `hw.kinds`, or an alias.
    stage, evidence, verdict, text : str
        Only kinds of this stage, this class of evidence, this best verdict (or "not measured
        yet"), or with this text on their card; a text such as "9.9" keeps what that head is.
    """

    kind = KindName("").tag(sync=True)
    stage = t.Enum(("", *STAGES), "").tag(sync=True)
    evidence = t.Enum(("", *EVIDENCE), "").tag(sync=True)
    verdict = t.Enum(("", CONSISTENT, CANDIDATE, NO, NOT_MEASURABLE, NOT_YET), "").tag(sync=True)
    text = t.Unicode("").tag(sync=True)


class Together(t.HasTraits):
    """Which part is shown, and where in it one is.

    Attributes
    ----------
    part : {"kinds", "walks", "hand-over"}
    walk : str
        Which of the walks.
    step : str
        Which of its steps is open; "" is the first.
    broken : list of str
        Steps whose switch is on.
    task : str
        What a hand-over is measured on: a name of `hw.tasks`; "" is the session's own prompts.
    candidates : bool
        Whether a hand-over is of candidates too.
    """

    part = t.Enum(PARTS, PARTS[0]).tag(sync=True)
    walk = t.Enum(tuple(PLANS), next(iter(PLANS))).tag(sync=True)
    step = t.Unicode("").tag(sync=True)
    broken = t.List(t.Unicode()).tag(sync=True)
    task = t.Unicode("ioi").tag(sync=True)
    candidates = t.Bool(default_value=False).tag(sync=True)


class TaxonomyView(Filters, Together, HeadWidget):
    """The kinds of head stage by stage, with the heads of a session's model.

    It shows what was measured, by whomever: ``s.score("induction")``, ``s.scores()``,
    ``s.confirm("induction", "5.1")``, ``s.walk("ioi")``, ``s.hand_over("ioi")`` in a cell, or its
    own buttons.

    Parameters
    ----------
    session : Session
    **options
        kind, stage, evidence, verdict, text: see `Filters`; part, walk, step, broken, task,
        candidates: see `Together`.

    Raises
    ------
    InputError
        If `session` is none, or an option is unknown.

    Examples
    --------
    >>> import headwidgets as hw
    >>> s = hw.Session("planted")
    >>> frame = s.score("induction")
    >>> hw.TaxonomyView(s, kind="induction")
    <TaxonomyView: 1 of 40 kinds measured · induction 1.0>
    """

    view = t.Unicode("taxonomy", read_only=True).tag(sync=True)
    BUNDLES: ClassVar[tuple[str, ...]] = ("taxonomy",)
    BROWSER_S: ClassVar[tuple[str, ...]] = (
        *("kind", "stage", "evidence", "verdict", "text"),
        *("part", "walk", "step", "broken", "task", "candidates"),
    )
    MIRRORED: ClassVar[tuple[str, ...]] = (
        *("kinds", "roles", "roles_data", "together", "published", "selection"),
        *("model", "revision", "status", "message"),
    )

    _of: Any = None

    def __init__(self, session: Any = None, **options: Any) -> None:
        refuse_unknown(type(self).__name__, _others(options), ("session", *self.BROWSER_S))
        if not hasattr(session, "confirm"):
            message = f"expected a session: hw.TaxonomyView(s), got {type(session).__name__}"
            raise InputError(message)
        self._of = session
        session.state.need_kinds()
        session.state.need_published()
        super().__init__(session=session.state, **_read(options))

    def __repr__(self) -> str:
        """Say what was found, in a line."""
        said = taxonomy_face.words(self.session)
        if self.part != PARTS[0]:
            said = together_face.words(self.session.together, self.part, self.walk)
        return f"<{type(self).__name__}: {said}>"

    def to_frame(self) -> DataFrame:
        """Return every score that is shown.

        Returns
        -------
        DataFrame
            One row a head and kind that was measured, with the columns of `Session.score`;
            no row, if nothing was.
        """
        return Roles(self._of).to_frame()

    def _png(self) -> bytes:
        return self._together() or taxonomy_face.draw(self.session)

    def _picture(self) -> bytes:
        return self._together() or taxonomy_face.draw(self.session, most=None)

    def _together(self) -> bytes | None:
        """Return the picture of the part that is open; None of the kinds."""
        if self.part == PARTS[0]:
            return None
        return together_face.draw(self.session.together, self.part, self.walk)


def _others(options: dict[str, Any]) -> list[str]:
    return [name for name in options if name not in TaxonomyView.BROWSER_S]


def _read(options: dict[str, Any]) -> dict[str, Any]:
    """Check the filters that are given."""
    allowed: dict[str, Any] = Filters.class_traits() | Together.class_traits()
    for name, value in options.items():
        values = getattr(allowed.get(name), "values", None)
        if values is not None and value not in values:
            known = ", ".join(filter(None, values))
            message = f"expected {name} to be one of {known}, got {value!r:.80}"
            raise InputError(message)
    return options
