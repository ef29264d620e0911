"""A session: one model, held safely, and everything that is asked of it."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any, NoReturn

from headwidgets.errors import InputError, ModelError
from headwidgets.heads import Head
from headwidgets.home import HomeLoop
from headwidgets.methods import effects, maps
from headwidgets.methods import generate as continuation
from headwidgets.methods.parts import residual_parts
from headwidgets.methods.runs import check_run
from headwidgets.model.engine import Engine
from headwidgets.model.work import Work, current, doing
from headwidgets.session import storage
from headwidgets.session.asked import Asked
from headwidgets.session.progress import Bar
from headwidgets.session.scoring import score_session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from headwidgets.methods.snapshot import Snapshot
    from headwidgets.model.facts import Facts
    from headwidgets.widgets.state import SessionState

_ASKED = ("prompts", "index", "edits", "metric", "reference", "weights")


class Session(Asked):
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
        self.frames: dict[str, pd.DataFrame] = {}
        self._notes = ""
        self._works: list[Work] = []
        self._home = HomeLoop()  # the loop that runs the cells, where this is a cell
        self._state: SessionState | None = None
        self._state_lock = threading.Lock()

    @property
    def facts(self) -> Facts:
        """Shape, architecture and numerics of the model."""
        return self.engine.facts

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

    # ------------------------------------------------------------------ numbers

    def attention(self, head: object, run: str = "clean") -> NDArray[np.float32]:
        """Return one head's attention on the prompt on screen.

        Parameters
        ----------
        head : str, tuple or Head
            ``"4.11"``, ``(4, 11)``, ``"L4H11"``.
        run : {"clean", "corrupted", "edited"}

        Returns
        -------
        ndarray, float32, [query, key]
            After softmax, as the model has it; with attention sinks rows need not sum
            to one.
        """
        check_run(run)
        with self._asking("attention") as snapshot:
            return maps.attention(self.engine, snapshot, Head.parse(head), run)

    def thumbnails(self, run: str = "clean") -> NDArray[np.uint8]:
        """Return all heads' attention, max-pooled: uint8 [layer, head, edge, edge]."""
        check_run(run)
        with self._asking("attention") as snapshot:
            return maps.thumbnails(self.engine, snapshot, run)

    def tokens_of(self, run: str = "clean") -> list[str]:
        """Return what the model sees in a run, one piece a token; see `attention`."""
        check_run(run)
        snapshot = self.snapshot()
        which = snapshot.base if run == "edited" else run
        return self.engine.text.shown(list(snapshot.pair.ids(which)))

    def logits(self, k: int = 10, at: Any = "end", unit: str = "logit") -> pd.DataFrame:
        """Return the likeliest next tokens of the prompt on screen.

        Parameters
        ----------
        k : int
            The `k` likeliest of the clean and of the edited run.
        at : int or str
            Position or role.
        unit : {"logit", "log-probability", "probability"}

        Returns
        -------
        DataFrame
            Columns token, clean, edited, change; index the token id. ``attrs["notes"]``
            says why nothing changed, where nothing did.
        """
        with self._asking("logits") as snapshot:
            frame = effects.top_tokens(self.engine, snapshot, k=k, at=at, unit=unit)
            return self._signed(frame, "logits", snapshot, _ASKED)

    def effect(self) -> pd.DataFrame:
        """Return what the edits do to the metric, over the whole prompt set.

        Returns
        -------
        DataFrame
            Rows clean, corrupted, edited, change, normalised, KL; columns value, se, n,
            note. See `headwidgets.methods.effects.effect`.
        """
        with self._asking("effect") as snapshot:
            frame = effects.effect(self.engine, snapshot)
            return self._signed(frame, "effect", snapshot, _ASKED)

    def generate(self, n: int = 20) -> pd.DataFrame:
        """Continue the prompt on screen greedily, clean and edited side by side.

        Returns
        -------
        DataFrame
            One row a step; ``attrs["clean"]`` and ``attrs["edited"]`` are the texts.
        """
        with self._asking("generating") as snapshot:
            frame = continuation.generate(self.engine, snapshot, n)
            return self._signed(frame, "generate", snapshot, _ASKED)

    def parts(self, at: Any = "end") -> pd.DataFrame:
        """Take the last residual stream of the clean prompt on screen apart.

        Returns
        -------
        DataFrame
            Columns part, layer, head, norm, share: embedding, positions, every head,
            MLP and bias. They sum to the stream; ``attrs["largest_error"]`` says how
            closely, and the shares sum to one.
        """
        with self._asking("parts") as snapshot:
            frame = residual_parts(self.engine, snapshot.pair.clean, at).to_frame()
            return self._signed(frame, "parts", snapshot, ("prompts", "index", "weights"))

    def score(self, kind: str, **options: Any) -> pd.DataFrame:
        """Score every head as one kind.

        Parameters
        ----------
        kind : str
            A name of `hw.kinds`, such as ``"induction"``.
        **options
            on, run, ids, length, rows, seed, draws: see
            `headwidgets.session.scoring.score_session`.

        Returns
        -------
        DataFrame
            One row a head: layer, head, kind, score, se, null_mean, null_max, p,
            percentile, n, task_accuracy, evidence, verdict, reason, edits. ``attrs`` say
            what it was measured on.
        """
        with self._asking(f"scoring {kind}") as snapshot:
            frame = score_session(self.engine, snapshot, kind, **options)
            depends = tuple(frame.attrs.pop("depends_on", ("weights",)))
            return self._signed(frame, f"score: {frame['kind'].iloc[0]}", snapshot, depends)

    def scores(self, **options: Any) -> pd.DataFrame:
        """Score every head as every kind; options and columns as in `score`."""
        with self._asking("scoring every kind") as snapshot:
            frame = score_session(self.engine, snapshot, None, **options)
            depends = tuple(frame.attrs.pop("depends_on", ("weights",)))
            return self._signed(frame, "scores", snapshot, depends)

    def passport(self, head: object) -> pd.DataFrame:
        """Return every kind's row for one head: a head has many roles."""
        which = Head.parse(head).within(self.facts.n_layers, self.facts.n_heads)
        frame = self.scores()
        mine = frame[(frame["layer"] == which.layer) & (frame["head"] == which.head)]
        return mine.reset_index(drop=True)

    # ------------------------------------------------------------------ life

    def is_stale(self, frame: pd.DataFrame) -> bool:
        """Whether something that a frame depends on changed since it was computed."""
        revision = int(frame.attrs.get("revision", 0))
        return self.engine.weights_changed() or bool(
            self.changed_since(revision, frame.attrs.get("depends_on", _ASKED))
        )

    def refresh(self) -> None:
        """Take the model's weights as they are now, and forget every number of the old ones."""
        with self.engine.exclusive():
            self.engine.refresh()
        with self._changing():
            self._set("weights")

    def cancel(self) -> None:
        """Stop whatever this session is computing at its next step, from any thread."""
        for work in list(self._works):
            work.cancel()

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

    def close(self) -> None:
        """Stop work, close the widget and let go of what was kept."""
        self.cancel()
        with self._state_lock:
            if self._state is not None:
                self._state.close()
                self._state = None
        self.engine.forget()

    @contextlib.contextmanager
    def _asking(self, label: str) -> Iterator[Snapshot]:
        """Freeze the question and make the work cancellable."""
        self._require_weights()
        snapshot = self.snapshot()
        with contextlib.ExitStack() as stack:
            work = current()
            if work is None:
                work = stack.enter_context(doing(Work(stack.enter_context(Bar(label)))))
            self._works.append(work)
            stack.callback(self._works.remove, work)
            yield snapshot

    def _require_weights(self) -> None:
        """Raise if the weights are no longer those that the numbers belong to."""
        if self.engine.weights_changed():
            message = (
                "the model's weights were replaced or written to since this session last read "
                "them: call s.refresh(), which forgets every number of the old weights"
            )
            raise ModelError(message)

    def _signed(
        self, frame: pd.DataFrame, name: str, snapshot: Snapshot, depends: tuple[str, ...]
    ) -> pd.DataFrame:
        """Say on a frame what it belongs to, and remember it as the latest of its name."""
        frame.attrs |= {
            "model": self.facts.name,
            "model_revision": self.facts.revision,
            "numerics": self.facts.numerics,
            "dtype": self.facts.dtype,
            "revision": snapshot.revision,
            "depends_on": list(depends),
        }
        self.frames[name] = frame.copy()
        return frame


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
