"""How heads are discovered, asked of a session: sweeps, paths, effects, attribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwidgets.methods import paths as pathing
from headwidgets.methods.attribution import attribution
from headwidgets.methods.attribution_patching import attribution_patching
from headwidgets.methods.catalogue import methods_of
from headwidgets.methods.head_effects import effects
from headwidgets.methods.logit_lens import logit_lens
from headwidgets.methods.means import SHUFFLES
from headwidgets.methods.strengths import DRAWS, STRENGTHS
from headwidgets.methods.sweep import sweep
from headwidgets.session.code_asked import asked_of
from headwidgets.session.collaborating import Collaborating
from headwidgets.taxonomy.random_tokens import ROWS

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from headwidgets.methods.snapshot import Snapshot

ON = ("prompts", "metric", "weights")
"""What a number of the clean run depends on."""


class Discovering(Collaborating):
    """One method a way of finding heads; the session's own edits are put aside in all."""

    def sweep(self, kind: str = "patch", **options: Any) -> pd.DataFrame:
        """Edit one thing after another, each by itself, exactly, over the whole prompt set.

        Parameters
        ----------
        kind : {"patch", "zero", "mean", "resample"}
        **options
            over ("heads", "heads x positions", "positions x layers"), at, metric, direction
            ("denoise" or "noise", of a patch), heads, seed, memory (gigabytes), most,
            arrived.

        Returns
        -------
        DataFrame
            One row an edit: layer, head (and position), effect, normalised, se, low, high,
            n. See `headwidgets.methods.sweep.sweep`.

        Notes
        -----
        What was done before it is stopped is kept: ``s.frames["sweep: patch"]``.
        """
        asked = {"kind": kind, **options}
        return self._find(
            f"sweep: {kind}", lambda s: sweep(self.engine, s, **asked), kind, ("sweep", asked)
        )

    def paths(self, to: object = "logits", **options: Any) -> pd.DataFrame:
        """Patch every head's path to the logits, or to other heads' queries, keys or values.

        Parameters
        ----------
        to : "logits", or one or several of ``"9.9.q"``, ``"9.9.k"``, ``"9.9.v"``
        **options
            senders, kind, direction ("noise" or "denoise"), at, mlps ("recomputed" or
            "frozen"), metric, seed.

        Returns
        -------
        DataFrame
            One row a sender; what was done before it is stopped is kept in
            ``s.frames["paths"]``. See `headwidgets.methods.paths.paths`.
        """
        kind, found = str(options.get("kind", "patch")), pathing.paths
        return self._find(
            "paths", lambda s: found(self.engine, s, to, **options), kind, ("paths", options)
        )

    def edges(self, senders: Any, receivers: object, **options: Any) -> pd.DataFrame:
        """Patch every path from a sender to a receiver, each by itself.

        Parameters
        ----------
        senders : iterable of heads
        receivers : one or several of "logits", ``"9.9.q"``, ``"9.9.k"``, ``"9.9.v"``
        **options
            kind, direction, at, mlps, metric, seed, as for `paths`.

        Returns
        -------
        DataFrame
            One row an edge; what was done before it is stopped is kept in
            ``s.frames["edges"]``. See `headwidgets.methods.paths.edges`.
        """
        kind, found = str(options.get("kind", "patch")), pathing.edges
        return self._find(
            "edges",
            lambda s: found(self.engine, s, senders, receivers, **options),
            kind,
            ("edges", options),
        )

    def head_effects(
        self, heads: Any = None, *, kind: str = "patch", at: Any = None, **unknown: Any
    ) -> Any:
        """Split what each head does to the metric into direct, LayerNorm and indirect parts.

        Parameters
        ----------
        heads : sequence of heads, or one head, optional
            Default: every head.
        kind : {"patch", "zero", "mean"}
        at : int, str, list of them, optional

        Returns
        -------
        DataFrame
            One row a head; the parts sum to the total exactly. See
            `headwidgets.methods.head_effects.effects`.
        """
        asked = {"heads": heads, "kind": kind, "at": at, **unknown}
        return self._find(
            "head effects",
            lambda s: effects(self.engine, s, **asked),
            kind,
            ("head_effects", asked),
        )

    def attribution(self, by: str = "component", at: Any = "end", *, heads: Any = None) -> Any:
        """Attribute the clean metric to what was written into the last residual stream.

        Parameters
        ----------
        by : {"component", "source token"}
        at : int or str
        heads : sequence of heads, optional
            By source token: only these.

        Returns
        -------
        DataFrame
            One row a component, or a head and token; the rows sum to the metric. See
            `headwidgets.methods.attribution.attribution`.
        """
        asked = {"by": by, "at": at, "heads": heads}
        return self._find(
            f"attribution by {by}",
            lambda s: attribution(self.engine, s, **asked),
            asked=("attribution", asked),
        )

    def logit_lens(self, by: str = "layer", *, k: int = 5, at: Any = "end") -> pd.DataFrame:
        """Read the metric and the top tokens off the stream after each layer, or off each head.

        Parameters
        ----------
        by : {"layer", "head"}
        k : int
            How many tokens, of the prompt on screen: the frame goes stale with ``s.index``.
        at : int or str

        Returns
        -------
        DataFrame
            See `headwidgets.methods.logit_lens.logit_lens`.
        """
        asked = {"by": by, "k": k, "at": at}
        return self._find(
            f"logit lens by {by}",
            lambda s: logit_lens(self.engine, s, **asked),
            asked=("logit_lens", asked),
            shown=True,
        )

    def attribution_patching(
        self, over: str = "heads", direction: str = "denoise", **options: Any
    ) -> pd.DataFrame:
        """Estimate a patch sweep by one gradient: (ã − a) · ∂metric/∂a at every head's z.

        Parameters
        ----------
        over : {"heads", "heads x positions"}
        direction : {"denoise", "noise"}
        **options
            at, memory (gigabytes).

        Returns
        -------
        DataFrame
            One row a head (and position). `hw.compare_with_exact` puts a sweep beside it.
            See `headwidgets.methods.attribution_patching.attribution_patching`.
        """
        found, asked = attribution_patching, {"over": over, "direction": direction, **options}
        return self._find(
            "attribution patching",
            lambda s: found(self.engine, s, **asked),
            asked=("attribution_patching", asked),
        )

    def methods(self) -> pd.DataFrame:
        """List the methods of discovery, with what each costs on this model and these prompts.

        Returns
        -------
        DataFrame
            As `headwidgets.methods`, and cost: whole forwards of one prompt, as a loop of them,
            with the calls as they stand there.
        """
        snapshot = self.snapshot()
        n, around = len(snapshot.pairs), snapshot.reference
        reference, neutral = (SHUFFLES, n) if around is None else (len(around), len(around))
        counts = {"N": n, "R": reference, "A": len(STRENGTHS), "D": DRAWS, "T": neutral, "W": ROWS}
        return methods_of(self.facts, counts)

    def _find(
        self,
        name: str,
        find: Callable[[Snapshot], pd.DataFrame],
        kind: str = "",
        asked: tuple[str, dict[str, Any]] | None = None,
        *,
        shown: bool = False,
        weights: bool = False,
    ) -> pd.DataFrame:
        """Ask, sign and keep, with what was asked; of what is stopped, what there is.

        `shown` says that a part of it is of the prompt on screen, `weights` that nothing of it
        is of the session's prompts.
        """
        depends = (*ON, *["reference"] * (kind == "mean"), *["index"] * shown)
        depends = ("weights",) if weights else depends
        with self._asking(name) as snapshot:
            try:
                frame = find(snapshot)
            except BaseException as error:
                partial = getattr(error, "partial", None)
                if partial is not None:
                    self._signed(partial, name, snapshot, depends)
                raise
            if asked is not None:
                frame.attrs["asked"] = asked_of(*asked, frame, snapshot)
            return self._signed(frame, name, snapshot, depends)
