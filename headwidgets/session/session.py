"""A session: one model, held safely, and everything that is asked of it."""

from __future__ import annotations

import contextlib
import threading
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NoReturn

from headwidgets.errors import InputError, ModelError
from headwidgets.heads import Head
from headwidgets.home import HomeLoop
from headwidgets.methods import effects, maps
from headwidgets.methods import generate as continuation
from headwidgets.methods.parts import residual_parts
from headwidgets.methods.runs import check_run
from headwidgets.methods.sweep import sweep
from headwidgets.methods.weighting import check_over, check_weighting
from headwidgets.model.engine import Engine
from headwidgets.model.work import Work, current, doing
from headwidgets.session import compared, storage
from headwidgets.session.as_python import as_python
from headwidgets.session.asked import Asked
from headwidgets.session.circuitsvis import heads_view
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
    from headwidgets.widgets.explore import Explorer
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
        self._opened: dict[str, Any] | None = None  # of a bridge that is held
        if name is None or isinstance(name, str | PurePath):
            given = {"device": device, "revision": revision, "trust_remote_code": trust_remote_code}
            self._opened = {"name": None if name is None else str(name), **given}
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

    def attention(
        self,
        head: object,
        run: str = "clean",
        *,
        weighting: str = "raw",
        over: str = "pair",
        queries: tuple[int, int] | None = None,
        keys: tuple[int, int] | None = None,
    ) -> NDArray[np.float32]:
        """Return one head's attention on the prompt on screen.

        Parameters
        ----------
        head : str, tuple or Head
            ``"4.11"``, ``(4, 11)``, ``"L4H11"``.
        run : {"clean", "corrupted", "edited"}
        weighting : {"raw", "no bos", "value"}
            The pattern itself; with its first column set to zero, the rest not
            renormalised; or A[q, k]·‖v_k W_O‖ (Kobayashi et al. 2020).
        over : {"pair", "set"}
            The pair on screen, or the mean over the prompt set.
        queries, keys : (start, stop), optional
            Only this window: of a long prompt no more is held.

        Returns
        -------
        ndarray, float32, [query, key]
            After softmax, as the model has it; with attention sinks rows need not sum
            to one.

        Raises
        ------
        InputError
            If there is no such head or run, or no mean: prompts of several lengths.
        """
        asked = maps.Asked(
            Head.parse(head), check_run(run), check_weighting(weighting), check_over(over)
        )
        with self._asking("attention") as snapshot:
            return maps.attention(self.engine, snapshot, asked, queries, keys)

    def thumbnails(
        self, run: str = "clean", *, bos: bool = True, over: str = "pair"
    ) -> NDArray[np.uint8]:
        """Return all heads' attention, max-pooled: uint8 [layer, head, edge, edge].

        Without `bos` the first column is left out; over the set, the mean of every
        prompt's.
        """
        check_run(run)
        with self._asking("attention") as snapshot:
            return maps.thumbnails(self.engine, snapshot, run, bos=bos, over=check_over(over))

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

    def sweep(self, kind: str = "patch", **options: Any) -> pd.DataFrame:
        """Edit every head by itself, exactly, over the whole prompt set.

        Parameters
        ----------
        kind : {"patch", "zero", "mean"}
        **options
            over, direction ("denoise" or "noise", of a patch), at.

        Returns
        -------
        DataFrame
            One row a head: layer, head, effect, normalised, se, low, high, n. See
            `headwidgets.methods.sweep.sweep`. The session's own edits are put aside.
        """
        with self._asking(f"sweeping {kind}") as snapshot:
            frame = sweep(self.engine, snapshot, kind, **options)
            depends = ("prompts", "metric", "weights", *(["reference"] if kind == "mean" else []))
            return self._signed(frame, f"sweep: {kind}", snapshot, depends)

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

    def compare(self, k: int = 10) -> pd.DataFrame:
        """Return the likeliest next tokens of the clean, corrupted and edited run.

        Returns
        -------
        DataFrame
            One row a token; ``attrs["why"]`` says why nothing changed, if nothing did. See
            `headwidgets.session.compared.compare`.
        """
        with self._asking("logits") as snapshot:
            frame = compared.compare(self.engine, snapshot, k)
            return self._signed(frame, "compare", snapshot, _ASKED)

    def intervals(self) -> pd.DataFrame:
        """Return the metric of the three runs over the set, with 95 % intervals.

        Returns
        -------
        DataFrame
            Rows clean, corrupted, edited, change, normalised, KL; columns value, low,
            high, n, note. See `headwidgets.session.compared.intervals`.
        """
        with self._asking("effect") as snapshot:
            frame = compared.intervals(self.engine, snapshot)
            return self._signed(frame, "intervals", snapshot, _ASKED)

    def as_python(self) -> str:
        """Return plain TransformerLens code that gives this session's numbers.

        It opens the model, runs the prompts clean, corrupted and with the edits as hooks,
        and prints the metric. For a bridge that you hold, put it into the line
        ``bridge = ...``.
        """
        sets = {"prompts": self.prompts, "reference": self.reference}
        return as_python(self.engine, self.snapshot(), self._opened, **sets)

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
