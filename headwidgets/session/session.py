"""A session: one model, held safely, and everything that is asked of it."""

from __future__ import annotations

import threading
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NoReturn

from headwidgets.errors import InputError
from headwidgets.home import HomeLoop
from headwidgets.model.engine import Engine
from headwidgets.session import storage
from headwidgets.session.as_python import as_python
from headwidgets.session.circuitsvis import heads_view
from headwidgets.session.code_frame import frame_as_python, own_frame
from headwidgets.session.describing import Describing

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from headwidgets.methods.vector import Direction
    from headwidgets.widgets.explore import Explorer
    from headwidgets.widgets.state import SessionState


class Session(Describing):
    """One model and what is asked of it; every widget looks at a session.

    Parameters
    ----------
    name : str, Path or TransformerBridge, optional
        None: the bundled model, no download. A name that TransformerLens boots, a local
        Hugging Face folder, or a bridge that you hold; it is never changed, since the
        session runs on a private view of it.
    device, dtype, revision, trust_remote_code
        As in Hugging Face. `dtype` may be a name such as ``"bfloat16"``.
    numerics : {"raw", "compatible"}
        ``"raw"``: Hugging Face's own weights. ``"compatible"``: TransformerLens's folded
        weights, to compare with its tutorials; slower to open, imprecise in bfloat16.
    prepend_bos : bool, optional
        None: as the model was trained.

    Raises
    ------
    InputError
        If the arguments cannot be meant.
    ModelError
        If the model cannot be opened; the message says what to do.

    Examples
    --------
    >>> import headwidgets as hw
    >>> s = hw.Session()
    >>> s.edits = [hw.zero("0.0")]
    >>> s.effect()  # doctest: +SKIP
    """

    def __init__(
        self,
        name: Any = None,
        *,
        device: str | None = None,
        dtype: Any = None,
        numerics: str = "raw",
        revision: str | None = None,
        prepend_bos: bool | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        engine = Engine.open(
            name,
            device=device,
            dtype=dtype,
            numerics=numerics,
            revision=revision,
            prepend_bos=prepend_bos,
            trust_remote_code=trust_remote_code,
        )
        super().__init__(engine)
        self._opened: dict[str, Any] | None = None  # of a bridge that is held
        if name is None or isinstance(name, str | PurePath):
            given = {"device": device, "revision": revision, "trust_remote_code": trust_remote_code}
            self._opened = {"name": None if name is None else str(name), **given}
        self._notes = ""
        self._home = HomeLoop()  # the loop that runs the cells, where this is a cell
        self._state: SessionState | None = None
        self._state_lock = threading.Lock()

    @property
    def notes(self) -> str:
        """Your own text, saved with the session."""
        return self._notes

    @notes.setter
    def notes(self, value: str) -> None:
        if not isinstance(value, str):
            message = f"expected notes as text, got {type(value).__name__}"
            raise InputError(message)
        self._notes = value

    def __reduce__(self) -> NoReturn:
        """Say how a session is kept: it holds a model and locks, which cannot be pickled."""
        message = "a session cannot be pickled or copied: use s.save(path) and hw.load(path)"
        raise InputError(message)

    def __repr__(self) -> str:
        """Say which model, which prompts and which edits."""
        f, n = self.facts, len(self.prompts)
        edits = ", ".join(map(str, self.edits)) or "none"
        return (
            f"<Session {f.name!r} · {f.n_layers} layers × {f.n_heads} heads · {f.numerics} weights"
            f" · n = {n} · edits: {edits} · revision {self.revision}>"
        )

    def as_python(self, frame: pd.DataFrame | Direction | str | None = None) -> str:
        """Return plain TransformerLens code that gives this session's numbers, or a frame's.

        It opens the model, runs the prompts clean, corrupted and with the edits as hooks,
        and prints the metric. For a bridge that you hold, put it into the line
        ``bridge = ...``.

        Parameters
        ----------
        frame : DataFrame, Direction or str, optional
            What `sweep`, `paths`, `edges`, `head_effects`, `attribution`, `logit_lens`,
            `attribution_patching`, `circuit`, `strengths`, `direction` or `walk` returned
            (see `walk_as_python`), or a frame's name in ``s.frames``. The code then leaves
            ``result``, a DataFrame of the same rows in their order: means, standard errors
            and n (no intervals), tokens as ids; of a direction, a tensor: its vector.

        Raises
        ------
        InputError
            For what is of another session or of no such method, a frame that was stopped
            before its end, one that is older than what it was asked of, and one that was
            sorted, filtered or changed.
        """
        sets = {"prompts": self.prompts, "reference": self.reference}
        if frame is None:
            return as_python(self.engine, self.snapshot(), self._opened, **sets)
        given = self.frames.get(frame) if isinstance(frame, str) else frame
        if "walk" in getattr(given, "attrs", {}):
            return self.walk_as_python(given)
        asked = own_frame(self, frame)
        return frame_as_python(self.engine, self.snapshot(), self._opened, asked, **sets)

    def circuitsvis(self, heads: object, run: str = "clean") -> Any:
        """Show heads of the prompt on screen in CircuitsVis's own view, made safe.

        It stands still: it does not follow the session. Online, its page loads CircuitsVis's
        code from unpkg.com whenever it is opened; offline, the code (1.3 MB) is in the page.
        CircuitsVis finds out which, each time it is displayed, by asking google.com;
        ``.local_src`` is the page that needs no network.

        Parameters
        ----------
        heads : head or list of heads
            In any spelling: ``"4.11"``, ``[(4, 11), "L5H1"]``.
        run : {"clean", "corrupted", "edited"}

        Returns
        -------
        RenderedHTML
            As ``circuitsvis.attention.attention_heads`` returns it; values are rounded to
            six decimals, and no token can leave its string.

        Raises
        ------
        InputError
            If there is no such head or run, or the page would be larger than 20 MB.
        """
        return heads_view(self, heads, run)

    def save(self, path: str | Path) -> Path:
        """Write the session into a folder: JSON and safetensors. See `hw.load`.

        Saved are prompts, reference, edits, metric, selection, notes, the latest frames,
        and what the model was: name, revision, numerics and a hash of its weights; not
        the weights.
        """
        self._require_weights()
        return storage.save(self, path)

    @property
    def state(self) -> SessionState:
        """The session as an ipywidgets model: `jslink`, `observe`, `interactive_output`."""
        from headwidgets.widgets.state import SessionState

        with self._state_lock:
            if self._state is None:
                self._state = SessionState(self, home=self._home)
            return self._state

    def explore(self, score: Any = None, **options: Any) -> Explorer:
        """Show heads, attention and edits as one linked widget; see `widgets.explore`."""
        from headwidgets.widgets.explore import Explorer

        return Explorer(self, score, **options)

    def close(self) -> None:
        """Stop work, close the widget and let go of what was kept."""
        self.cancel()
        with self._state_lock:
            if self._state is not None:
                self._state.close()
                self._state = None
        self.engine.forget()


def load(path: str | Path, model: Any = None, *, check_weights: bool = True) -> Session:
    """Open a session that `Session.save` wrote.

    Parameters
    ----------
    path : str or Path
        The folder.
    model : str or TransformerBridge, optional
        The model, where it is not to be opened by its saved name (a bridge always).
    check_weights : bool
        Compare the weights with the saved hash.

    Raises
    ------
    InputError
        If the folder is no saved session.
    ModelError
        If the model's weights are not those that the saved numbers belong to.
    """
    return storage.load(Session, path, model, check_weights=check_weights)
