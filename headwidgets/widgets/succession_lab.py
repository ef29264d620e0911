"""The succession lab: the Successor Heads study on a session's model, linked step by step.

Synced: what `HeadWidget` says; what is asked and found is the session's (see `succession_traits`),
so that views share it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import traitlets as t

from headwidgets.errors import InputError, NotMeasurable
from headwidgets.heads import Head
from headwidgets.widgets import succession_face
from headwidgets.widgets.base import HeadWidget, refuse_unknown
from headwidgets.widgets.succession_data import STRENGTHS, frames_of
from headwidgets.widgets.succession_traits import ASKED, NAMES, merged, read

if TYPE_CHECKING:
    from pandas import DataFrame

STEPS = ("scores", "matrix", "arithmetic", "text")


class SuccessionLab(HeadWidget):
    """Gould et al. 2023 (arXiv 2312.09230) on a session's model: scores, arithmetic, text.

    Every head's successor score from the weights, in four variants, that of the kind ``successor``
    marked, beside the score of random circuits; the selected head's matrix of what it looks at and
    what it then writes; arithmetic with the last digit's features (class means), its strength on a
    slider; what the head does on a text.

    Parameters
    ----------
    session : Session
    text : str, list of str, Prompts or TaskSet, optional
        Read at once, see `read`.
    **options
        head, set, variant, member, residue, strength: see `look`.

    Raises
    ------
    InputError
        If `session` is none, or an option is unknown or out of range.
    NotMeasurable
        If no variant can be asked, or the tokenizer spells none of the eight sets. A model with
        no first MLP has the variant "stream" alone, which is then shown.

    Examples
    --------
    >>> import headwidgets as hw
    >>> s = hw.Session("numerals")
    >>> hw.SuccessionLab(s, set="days", member="Friday")
    <SuccessionLab: 290 pairs · head 1.0 right on 0.94, copies 0.00 · random circuits ≤ 0.06>
    """

    view = t.Unicode("succession", read_only=True).tag(sync=True)
    BUNDLES: ClassVar[tuple[str, ...]] = ("succession",)
    MIRRORED: ClassVar[tuple[str, ...]] = (
        *("lab", *NAMES, "selection"),
        *("model", "revision", "status", "message"),
    )

    _of: Any = None

    def __init__(self, session: Any = None, text: Any = None, **options: Any) -> None:
        known = ("session", "text", "head", *ASKED)
        refuse_unknown(type(self).__name__, [o for o in options if o not in known], known)
        if not hasattr(session, "confirm"):
            message = f"expected a session: hw.SuccessionLab(s), got {type(session).__name__}"
            raise InputError(message)
        self._of = session
        asked = {name: value for name, value in options.items() if name in (*ASKED, "head")}
        layout = {name: value for name, value in options.items() if name not in asked}
        _check(session, asked)
        session.state.need_lab()
        super().__init__(session=session.state, **layout)
        self.look(**asked)
        if text is not None:
            self.read(text)

    def __repr__(self) -> str:
        """Say what was found, in a line."""
        return f"<{type(self).__name__}: {succession_face.words(self.session)}>"

    def look(self, head: object = None, **asked: Any) -> None:
        """Show another head, set, member or edit.

        Parameters
        ----------
        head : Head or what stands for one, optional
            It becomes the session's selection; without any, the best head is.
        **asked
            set (such as ``"days"``), variant (``"raw"``, ``"normed"``, ``"head-normed"``,
            ``"stream"``: see `headwidgets.labs.succession.scores`), member (``"Friday"``),
            residue (0 to 9), strength (0 to 4).

        Raises
        ------
        InputError
            If there is no such thing; what is shown stays.
        """
        refuse_unknown("look", [name for name in asked if name not in ASKED], ASKED)
        _check(self._of, {"head": head, **asked})
        state = self.session
        if head is not None or self._of.selection is None:
            self._of.selection = head or state.lab_scores["best"]
        if asked:
            state.lab = asked
        state.follow_lab()

    def read(self, text: Any = None) -> DataFrame:
        """Find the selected head's winning cases on text, and show them.

        Parameters
        ----------
        text : str, list of str, Prompts or TaskSet, optional
            None: the session's prompts.

        Returns
        -------
        DataFrame
            See `headwidgets.labs.on_text.on_text`.
        """
        from headwidgets.labs.on_text import on_text  # loads torch

        frame = on_text(self._of, self.head, text)
        own = f"the session's prompts, n = {len(self._of.prompts)}"
        of = own if text is None else "your text"
        self.session.show_cases(frame, of)
        return frame

    @property
    def head(self) -> str:
        """The head that is shown."""
        return str(self.session.lab_matrix["head"])

    def to_frame(self, step: str = "scores") -> DataFrame:
        """Return the numbers of a step.

        Parameters
        ----------
        step : {"scores", "matrix", "arithmetic", "text"}
            Of all heads, in the variant shown; of the selected head and set; the edit at every
            strength of the slider; the winning cases.

        Returns
        -------
        DataFrame
            See `headwidgets.labs.succession.scores` and `matrix`,
            `headwidgets.labs.arithmetic.slid` and `headwidgets.labs.on_text.on_text`; the last
            has all cases, and in ``attrs["listed"]`` how many of them the widget lists: 200.

        Raises
        ------
        InputError
            If there is no such step, or no text was read.
        """
        from headwidgets.labs.arithmetic import slid  # loads torch
        from headwidgets.labs.succession import matrix

        if step not in list(STEPS):
            message = f"expected a step among {', '.join(STEPS)}, got {step!r:.80}"
            raise InputError(message)
        state = self.session
        asked, variant = state.lab, state.lab["variant"]
        if step == "matrix":
            return matrix(self._of, self.head, asked["set"], variant)
        if step == "arithmetic":
            what = asked["set"], asked["member"], asked["residue"]
            return slid(self._of, self.head, *what, STRENGTHS, variant=variant)
        if step == "text":
            if state.lab_frame is None:
                message = "no text was read yet: read one by .read(text), or in the widget"
                raise InputError(message)
            return state.lab_frame.copy()
        frames = frames_of(state.need_lab())
        if variant not in frames:
            raise NotMeasurable(state.lab_scores["why"][variant])
        return frames[variant].copy()

    def _png(self) -> bytes:
        return succession_face.draw(self.session, small=True)

    def _picture(self) -> bytes:
        return succession_face.draw(self.session)


def _check(session: Any, asked: dict[str, Any]) -> None:
    """Refuse what cannot be shown, before anything is changed."""
    head = asked.get("head")
    if head is not None:
        Head.parse(head).within(session.facts.n_layers, session.facts.n_heads)
    fields = {name: value for name, value in asked.items() if name != "head"}
    read(merged(session.state.lab, fields))
