"""The succession lab, as traits of a session's state: what is asked, and what was found.

Synced both ways: lab (set, variant, member, residue, strength). Synced to the browser only, empty
until a view needs them, held once for all views: lab_scores, lab_matrix, lab_slide, lab_cases (see
`succession_data`). The head is the session's selection.
"""

from __future__ import annotations

import threading
from typing import Any

import traitlets as t

from headwidgets.errors import HeadwidgetsError, InputError
from headwidgets.model.work import Work, doing
from headwidgets.session.progress import Bar
from headwidgets.widgets import succession_data as packed
from headwidgets.widgets.envelope import reason

NAMES = ("lab_scores", "lab_matrix", "lab_slide", "lab_cases")
ASKED = {"set": "months", "variant": "normed", "member": "", "residue": 0, "strength": 0.0}
_RESIDUES = 10


class Asked(t.Dict):
    """What is asked of the lab; what is left out stays as it was."""

    def validate(self, obj: Any, value: Any) -> Any:
        """Return all five fields, each within its bounds."""
        given: dict[str, Any] = dict(super().validate(obj, value) or {})
        unknown = sorted(set(given) - set(ASKED))
        if unknown:
            message = f"expected {', '.join(ASKED)}, got {unknown[0]!r:.80}"
            raise InputError(message)
        before = obj._trait_values.get("lab") or ASKED  # noqa: SLF001 - the value so far
        return read(merged(before, given))


def merged(before: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return what is asked now; another set has none of the last one's members."""
    asked = {**before, **given}
    if asked["set"] != before["set"] and asked["member"] == before["member"]:
        asked["member"] = ""
    return asked


def read(asked: dict[str, Any]) -> dict[str, Any]:
    """Check what is asked.

    Raises
    ------
    InputError
        If there is no such set, variant or member, or a number is out of range.
    """
    from headwidgets.labs.succession import VARIANTS
    from headwidgets.tasks.series import SETS

    name, variant, strength = asked["set"], asked["variant"], asked["strength"]
    for what, value, known in (("set", name, list(SETS)), ("variant", variant, VARIANTS)):
        if not isinstance(value, str) or value not in known:
            message = f"expected {what} to be one of {', '.join(known)}, got {value!r:.80}"
            raise InputError(message)
    residue = asked["residue"]
    if not isinstance(residue, int) or isinstance(residue, bool) or not 0 <= residue < _RESIDUES:
        message = f"expected a residue from 0 to 9, got {residue!r:.80}"
        raise InputError(message)
    number = isinstance(strength, int | float) and not isinstance(strength, bool)
    if not (number and 0 <= strength <= packed.MOST):
        message = f"expected a strength from 0 to {packed.MOST:g}, got {strength!r:.80}"
        raise InputError(message)
    if asked["member"] != "" and asked["member"] not in list(SETS[name][0]):
        message = f"expected a member of {name!r}, got {asked['member']!r:.80}"
        raise InputError(message)
    strength = round(round(strength / packed.STEP) * packed.STEP, 2)
    return {**asked, "strength": strength}


class SuccessionTraits(t.HasTraits):
    """What a session's state needs for the succession lab."""

    lab = Asked(ASKED).tag(sync=True)
    lab_scores = t.Dict(read_only=True).tag(sync=True, echo_update=False)
    lab_matrix = t.Dict(read_only=True).tag(sync=True, echo_update=False)
    lab_slide = t.Dict(read_only=True).tag(sync=True, echo_update=False)
    lab_cases = t.Dict(read_only=True).tag(sync=True, echo_update=False)

    _session: Any
    _home: Any
    _lab_found: packed.Scores | None = None
    _lab_door: Any = None
    lab_frame: Any = None  # the frame behind lab_cases

    def need_lab(self) -> packed.Scores:
        """Score the heads, if that is not done yet, and show what is asked from now on."""
        self._lab_door = self._lab_door or threading.RLock()
        with self._lab_door:
            if self._lab_found is None:
                try:
                    with Bar("successor scores") as bar, doing(Work(bar)):
                        found = packed.scored(self._session)
                except HeadwidgetsError as error:
                    self.set_trait("lab_scores", {"error": reason(error)})
                    raise
                self._lab_found = found
                self.set_trait("lab_scores", packed.scores_part(self._session, found))
            self.follow_lab()
            return self._lab_found

    def follow_lab(self) -> None:
        """Bring matrix and slide up to date, if anybody has asked for them."""
        found = self._lab_found
        if found is None:
            return
        with self._lab_door:
            head = str(self._session.selection or packed.best(found))
            asked = self._first_asked(found)
            wanted = head, asked["set"], asked["variant"]
            if _of(self.lab_matrix) != wanted:
                self._show_part("lab_matrix", wanted, packed.matrix_part, found, head, asked)
            if "error" not in self.lab_matrix:
                if not asked["member"]:
                    asked = {**asked, "member": self.lab_matrix["members"][0]}
                    self.set_trait("lab", asked)
                edit = (*wanted, asked["member"], asked["residue"])
                if _of(self.lab_slide) != edit:
                    self._show_part("lab_slide", edit, packed.slide_part, head, asked)

    def _first_asked(self, found: packed.Scores) -> dict[str, Any]:
        """Return what is asked, of a variant that has scores and a set that is spelled."""
        asked: dict[str, Any] = self.lab
        able = list(packed.frames_of(found))
        if asked["variant"] not in able:
            asked = {**asked, "variant": able[0]}
            self.set_trait("lab", asked)
        there = [name for name, _ in self.lab_scores.get("sets", [])]
        if there and asked["set"] not in there:
            asked = {**asked, "set": there[0], "member": ""}
            self.set_trait("lab", asked)
        return asked

    def _show_part(self, name: str, wanted: tuple[Any, ...], make: Any, *parts: Any) -> None:
        try:
            made = make(self._session, *parts)
        except HeadwidgetsError as error:
            fields = ("head", "set", "variant", "member", "residue")
            made = dict(zip(fields, wanted, strict=False)) | {"error": reason(error)}
        self.set_trait(name, made)

    def show_cases(self, frame: Any, of: str) -> None:
        """Show the winning cases of a frame that `headwidgets.labs.on_text` returned."""
        self.lab_frame = frame
        self.set_trait("lab_cases", packed.cases_part(frame, of))

    @t.observe("lab", "selection")
    def _asked_otherwise(self, _change: t.Bunch) -> None:
        if self._lab_found is not None:
            self._home.submit(self.follow_lab)


def _of(part: dict[str, Any]) -> tuple[Any, ...]:
    """Return what a part was asked for."""
    fields = ("head", "set", "variant", "member", "residue")
    return tuple(part[name] for name in fields if name in part)
