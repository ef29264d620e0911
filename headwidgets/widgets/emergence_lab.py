"""The emergence lab: induction heads as they form, and clamps on what one doubts.

Synced: what `HeadWidget` says; runs and what is looked at are in a model of its own (see
`emergence_state`), since there is no session: runs make models, and models open in sessions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import traitlets as t

from headwidgets.widgets import emergence_face, emergence_look
from headwidgets.widgets.base import HeadWidget, refuse_unknown
from headwidgets.widgets.emergence_code import code
from headwidgets.widgets.emergence_frames import frame
from headwidgets.widgets.emergence_open import session
from headwidgets.widgets.emergence_runs import options_of_a_run, read_runs
from headwidgets.widgets.emergence_serve import begin, read_head, read_heads, read_names
from headwidgets.widgets.emergence_state import EmergenceState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas import DataFrame


class EmergenceLab(HeadWidget):
    """Watch induction heads form in training, scrub through it, and switch clamps (Singh et al.).

    Loss and accuracy over training with the phase change marked; sixteen heads as tiles that light
    up as they form; the selected head's attention at any checkpoint; the circuit's five steps with
    a clamp switch on each. Opens on a shipped run; a live one takes about fifteen seconds.

    Parameters
    ----------
    runs : str, Run, Finished, data, or a list or dict of them, optional
        Names are those of shipped runs (`headwidgets.labs.emergence.finished_runs`); data, such
        as ``lab.low16()``, are prepared as a run, which the button starts. None: ``"low16"``.
    **options
        run, condition, step (-1: the latest), head (``"1.6"``), measure (``"loss"``,
        ``"accuracy"``), part (``"train"``, ``"all"`` ...), time (``"log"``, ``"linear"``): what is
        looked at, see `look`. conditions, sequences, rate, batch, seed and so on: of a run, see
        `headwidgets.labs.emergence.run`; also of those that the browser begins (of seeds, the
        first).

    Attributes
    ----------
    runs : dict of str to Run or Finished
    opened : Session or None
        The one that was opened last.

    Raises
    ------
    InputError
        If a run is none, or an option is unknown or out of range.

    References
    ----------
    Singh, Moskovitz, Hill, Chan and Saxe 2024, *What needs to go right for an induction head?*,
    arXiv 2404.07129.

    Examples
    --------
    >>> import headwidgets as hw
    >>> w = hw.EmergenceLab(["low16", "gauss"], head="1.4")
    >>> w
    <EmergenceLab: low16, none: learned at 25,600 sequences · head 1.4 at step 1,875: 0.72>
    >>> w.look(step=0)
    >>> w.to_frame("tiles").shape
    (16, 4)
    """

    view = t.Unicode("emergence", read_only=True).tag(sync=True)
    BUNDLES: ClassVar[tuple[str, ...]] = ("emergence",)
    MIRRORED: ClassVar[tuple[str, ...]] = (
        *("look", "settled", "moving", "order", "shipped", "opened", "message"),
    )

    def __init__(self, runs: Any = None, **options: Any) -> None:
        asks = options_of_a_run()
        known = ("runs", *emergence_look.FIRST, *asks)
        refuse_unknown(type(self).__name__, [o for o in options if o not in known], known)
        asked = {n: one for n, one in options.items() if n in emergence_look.FIRST}
        plan = {n: one for n, one in options.items() if n in asks}
        layout = {n: one for n, one in options.items() if n not in {*asked, *plan}}
        found = read_runs(runs, plan)
        plan.pop("conditions", None)
        plan.pop("shape", None)
        if "seed" in plan:  # the browser's runs have one condition
            plan["seed"] = next(iter(np.atleast_1d(plan["seed"]).tolist()))
        super().__init__(session=EmergenceState(found, asked, plan), **layout)

    def __repr__(self) -> str:
        """Say what is shown, in a line."""
        return f"<{type(self).__name__}: {emergence_face.words(self.session)}>"

    @property
    def runs(self) -> dict[str, Any]:
        """The runs that are shown, by name."""
        return dict(self.session.runs)

    @property
    def opened(self) -> Any:
        """The session that was opened last, or None."""
        return self.session.session

    def look(self, **asked: Any) -> None:
        """Look at another line, step or head, or draw the curves otherwise.

        Parameters
        ----------
        **asked
            run, condition, step, head, measure, part, time; what is left out stays.

        Raises
        ------
        InputError
            If there is no such thing; what is shown stays.
        """
        refuse_unknown(
            "look", [n for n in asked if n not in emergence_look.FIRST], emergence_look.FIRST
        )
        self.session.look = asked

    def show(self, *runs: Any) -> None:
        """Show further runs beside those that are there.

        Parameters
        ----------
        *runs : str, Run or Finished
            Names are those of shipped runs.

        Raises
        ------
        InputError
            If one is none; then none is added.
        """
        for name, run in read_runs(list(runs), {}).items():
            self.session.add(name, run)

    def hide(self, name: str) -> None:
        """Take a run away.

        Raises
        ------
        InputError
            If there is none of that name, or it is the only one.
        """
        self.session.remove(name)

    def train(
        self,
        data: Any = "low16",
        held: str | Sequence[str] = (),
        head: int | None = None,
        previous: int | Sequence[int] | None = None,
    ) -> Any:
        """Begin a live run in the background, as the button does.

        Parameters
        ----------
        data : str or data
            ``"low16"``, ``"gauss"``, or such as ``lab.exemplars(features)``.
        held : str or sequence of str
            Switches that are on from the start: ``"previous token"``, ``"layer 1"``, ``"match"``,
            ``"copy"``; see `headwidgets.labs.emergence.preset`.
        head : int, optional
            The only head of layer 2 that works; None: all do.
        previous : int or sequence of int, optional
            Heads of layer 1 that the switch "previous token" holds; None: head 2, as the preset.

        Returns
        -------
        Run
            Pause, cancel or clamp it as any.

        Raises
        ------
        InputError
            If there is no such data, switch or head.
        """
        names = [held] if isinstance(held, str) else read_names(held)
        alone, heads = read_head(head), read_heads(previous)
        return self.session.runs[begin(self.session, data, names, alone, heads)]

    def to_session(self, step: int | None = None) -> Any:
        """Open the model that is looked at in a session, which every other widget takes.

        Parameters
        ----------
        step : int, optional
            None: the one that is looked at. Of a shipped run four steps have weights: the nearest
            is opened.

        Returns
        -------
        Session
            Without the clamps that it was trained with. Its prompts are sequences of token ids,
            its selection the head that is looked at; it is `opened` from now on.

        Raises
        ------
        InputError
            If the run keeps no weights.
        """
        look = self.session.look
        at = look["step"] if step is None else step
        return session(self.session, look["run"], look["condition"], at, look["head"])

    def to_python(self, run: str | None = None) -> str:
        """Return the Python that makes a run again, clamps and switches included.

        Raises
        ------
        InputError
            If there is none of that name.
        """
        name = self.session.look["run"] if run is None else run
        emergence_look.read(self.session.look, {"run": name}, self.session.runs)
        return code(self.session.runs[name])

    def to_frame(self, what: str = "curves") -> DataFrame:
        """Return the numbers that are shown.

        Parameters
        ----------
        what : {"curves", "heads", "times", "tiles", "map"}
            Losses and accuracies; what heads do at every measured step; when the plateau was left
            and the circuit learned; the heads' tiles at the step that is looked at; the selected
            head's attention there.

        Returns
        -------
        DataFrame
            The first three of every run, with its name in the column run; see
            `headwidgets.labs.emergence.History` and `times`. The others of the line that is looked
            at: layer, head, measure, value; query, key, weight; ``attrs``: run, condition, step.

        Raises
        ------
        InputError
            If there is no such part, or no checkpoint yet.
        """
        return frame(self.session, what)

    def _png(self) -> bytes:
        return emergence_face.draw(self.session, small=True)

    def _picture(self) -> bytes:
        return emergence_face.draw(self.session)
