"""The numbers that a session is asked for: of its prompts, its edits, its heads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwidgets.heads import Head
from headwidgets.methods import effects, maps
from headwidgets.methods import generate as continuation
from headwidgets.methods.parts import residual_parts
from headwidgets.methods.runs import check_run
from headwidgets.methods.weighting import check_over, check_weighting
from headwidgets.session import compared
from headwidgets.session.asking import ASKED, Asking

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


class Asked(Asking):
    """One method a number; each returns it with what it belongs to."""

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
            return self._signed(frame, "logits", snapshot, ASKED)

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
            return self._signed(frame, "effect", snapshot, ASKED)

    def generate(self, n: int = 20) -> pd.DataFrame:
        """Continue the prompt on screen greedily, clean and edited side by side.

        Returns
        -------
        DataFrame
            One row a step; ``attrs["clean"]`` and ``attrs["edited"]`` are the texts.
        """
        with self._asking("generating") as snapshot:
            frame = continuation.generate(self.engine, snapshot, n)
            return self._signed(frame, "generate", snapshot, ASKED)

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
            return self._signed(frame, "compare", snapshot, ASKED)

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
            return self._signed(frame, "intervals", snapshot, ASKED)

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
