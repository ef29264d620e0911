"""Kinds of head on a session's model: scores, proofs, badges, one head's passport."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pandas as pd

from headwidgets.heads import Head
from headwidgets.session.asked import Asked
from headwidgets.session.badges import badges, consistent
from headwidgets.session.scoring import score_session
from headwidgets.taxonomy.atlas import atlas, compare
from headwidgets.taxonomy.confirm import PROMPTS, SEED, confirm
from headwidgets.taxonomy.confirmed import holm
from headwidgets.taxonomy.cost import MOST, cost, require
from headwidgets.taxonomy.registry import find
from headwidgets.taxonomy.verdict import P_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwidgets.methods.snapshot import Snapshot

PROOF = ("layer", "head", "kind", "effect", "se", "clean", "share", "p", "n", "passed", "reason")
"""Columns of a proof."""


class Scored(Asked):
    """What kind of head each is, and how that is known."""

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
        find(kind)
        with self._asking(f"scoring {kind}") as snapshot, self._keeping(snapshot):
            frame = score_session(self.engine, snapshot, kind, proved=self.proofs(), **options)
            frame = self._scored(frame, _name(frame), snapshot)
        self._tell("badges")
        return frame

    def scores(self, **options: Any) -> pd.DataFrame:
        """Score every head as every kind; options and columns as in `score`.

        Parameters
        ----------
        causal : bool
            Also the kinds whose score is an intervention on every head, such as s-inhibition:
            about as many forwards as there are heads and prompts. Default: without; each can be
            scored by itself, and ``attrs["notes"]`` names them.
        most : int or None
            Forwards of a prompt that those may take; beyond, they are refused with an estimate.
            None: refuse nothing. See `scores_cost`.
        **options
            As for `score`.

        Notes
        -----
        The kinds that were done before it is stopped are kept, each as if it had been scored by
        itself: ``s.frames["score: induction"]``.
        """
        most = options.pop("most", MOST)
        with self._asking("scoring every kind") as snapshot, self._keeping(snapshot):
            if options.get("causal") is True:
                require(self.engine, most)
            frame = score_session(self.engine, snapshot, None, proved=self.proofs(), **options)
            frame = self._scored(frame, f"scores{_edited(frame)}", snapshot)
        self._tell("badges")
        return frame

    def scores_cost(self) -> pd.DataFrame:
        """Estimate what kinds take whose score runs the model anew for every head or step.

        Returns
        -------
        DataFrame
            One row a kind: kind, forwards (of one prompt each), seconds, note; for a model that
            does their tasks: one at chance is done at once. ``attrs`` have both of all together.
        """
        with self._asking("estimating") as snapshot:
            frame = cost(self.engine)
            return self._signed(frame, "scores cost", snapshot, ("weights",))

    @contextlib.contextmanager
    def _keeping(self, snapshot: Snapshot) -> Iterator[None]:
        """Keep the kinds that were done, if something stops the work."""
        try:
            yield
        except BaseException as error:
            done = getattr(error, "partial", ())
            for frame in done:
                self._scored(frame, _name(frame), snapshot)
            if done:
                self._tell("badges")
            raise

    def _scored(self, frame: pd.DataFrame, name: str, snapshot: Snapshot) -> pd.DataFrame:
        """Sign scores, with the badges that they give."""
        depends = tuple(frame.attrs.pop("depends_on", ("weights",)))
        frame.attrs["consistent"] = consistent(frame)
        return self._signed(frame, name, snapshot, depends)

    def badges(self) -> dict[str, tuple[str, ...]]:
        """Return what heads are known to be consistent with, from the scores that still hold.

        Returns
        -------
        dict of str to tuple of str
            Of a head such as ``"9.6"`` the kinds, in the order in which they were scored; a
            head that is consistent with none is left out. Of two scores of one kind the
            later one counts; scores under edits say nothing of the model as it is.
        """
        return badges([frame.attrs["consistent"] for frame in self.scores_held().values()])

    def scores_held(self) -> dict[str, pd.DataFrame]:
        """Return the scores of the model without edits that still hold, the latest last.

        Returns
        -------
        dict of str to DataFrame
            By their names in ``s.frames``.
        """
        frames = [
            (name, frame)
            for name, frame in list(self.frames.items())
            if "consistent" in frame.attrs and not _edited(frame) and not self.is_stale(frame)
        ]
        frames.sort(key=lambda one: int(one[1].attrs.get("revision", 0)))
        return dict(frames)

    def passport(self, head: object, *, causal: bool = False) -> pd.DataFrame:
        """Return every kind's row for one head: a head has many roles.

        Parameters
        ----------
        head : Head or what stands for one
        causal : bool
            Also the kinds whose score is an intervention on every head; see `scores`.
        """
        which = Head.parse(head).within(self.facts.n_layers, self.facts.n_heads)
        frame = self.scores(causal=causal)
        mine = frame[(frame["layer"] == which.layer) & (frame["head"] == which.head)]
        return mine.reset_index(drop=True)

    def confirm(
        self, kind: str, head: object, *, n: int = PROMPTS, seed: int = SEED
    ) -> pd.DataFrame:
        """Try to prove that a head is of a kind, on prompts that its score has not seen.

        Parameters
        ----------
        kind : str
            A name of `hw.kinds`; its card says what its proof is.
        head : Head or what stands for one
        n : int
            Prompts, of the task's held-out templates; one that no other has the length of is
            left out. Where there are no more, those that there are: column n.
        seed : int
            Of the prompts.

        Returns
        -------
        DataFrame
            One row: layer, head, kind; effect, the mean change of the metric, as a rule the logit
            difference when the head gets its output of another prompt and everything after it is
            recomputed, and its se; clean, the metric with the head; share, what is lost of it (for
            a kind that lowers it, gained; of a proof that restores, what comes back of the loss);
            p by bootstrap against matched heads, over prompts, or over the facts or tasks that they
            share where the reason says so; n, prompts; passed, whether share ≥ 0.1 and p ≤ .01;
            reason, in which what was done is said. Scores that are asked for later take it
            into their verdict, with p corrected for the number of proofs (Holm 1979).
            ``attrs["matched"]`` lists the matched heads.

        Raises
        ------
        InputError
            If there is no such kind or head.
        NotMeasurable
            If the tokenizer cannot spell the task, the model cannot do it, or too few prompts, or
            wrong answers, are left.
        """
        with self._asking(f"confirming {kind}") as snapshot:
            found = confirm(self.engine, kind, head, n=n, seed=seed)
            row = {**vars(found), "layer": found.head.layer, "head": found.head.head}
            frame = pd.DataFrame([row], columns=list(PROOF))
            frame.attrs |= {
                "measured_on": found.task,
                "matched": [str(one) for one in found.matched],
                "proof": (found.kind, str(found.head), found.passed),
            }
            name = f"confirm: {found.kind} {found.head}"
            if (n, seed) != (PROMPTS, SEED):
                name += f" (n = {n}, seed {seed})"  # another try: it counts besides
            frame = self._signed(frame, name, snapshot, ("weights",))
        self._tell("badges")
        return frame

    def proofs(self) -> dict[tuple[str, Head], bool]:
        """Return which kinds were confirmed of which heads, corrected for how many were tried.

        Returns
        -------
        dict of (str, Head) to bool
            Whether the share was large enough and p, by Holm's correction over all proofs of
            this session that still hold, is at most .01: in every try, where there were several.
        """
        found: dict[tuple[str, Head], bool] = {}
        for row in self.proofs_tried().to_dict("records"):
            key = str(row["kind"]), Head(int(row["layer"]), int(row["head"]))
            passed = bool(row["passed"] and row["p_corrected"] <= P_MAX)
            found[key] = found.get(key, True) and passed
        return found

    def proofs_tried(self) -> pd.DataFrame:
        """Return all proofs that were tried and still hold, one row each.

        Returns
        -------
        DataFrame
            The columns of `confirm`, and p_corrected, p by Holm's correction over these rows;
            the index has their names in ``s.frames``.
        """
        frames = {
            name: frame
            for name, frame in list(self.frames.items())
            if "proof" in frame.attrs and not self.is_stale(frame)
        }
        rows = [frame.iloc[0].to_dict() for frame in frames.values()]
        table = pd.DataFrame(rows, index=list(frames), columns=list(PROOF))
        table["p_corrected"] = holm(table["p"].to_numpy(dtype=float))
        return table

    def compare_with_atlas(self, model: str | None = None) -> pd.DataFrame:
        """Set this model's heads beside the published ones.

        Parameters
        ----------
        model : str, optional
            As the atlas calls it; default: this session's model.

        Returns
        -------
        DataFrame
            See `headwidgets.taxonomy.atlas.compare`.

        Raises
        ------
        InputError
            If the atlas does not know the model.
        """
        name = self.facts.name if model is None else model
        atlas(name)  # refuses it before anything is measured
        return compare(self.scores(), name)


def _name(frame: pd.DataFrame) -> str:
    """Name the frame of one kind."""
    return f"score: {frame['kind'].iloc[0]}{_edited(frame)}"


def _edited(frame: pd.DataFrame) -> str:
    """Tell scores under edits from those of the model as it is, which they must not replace."""
    return " (edited)" if (frame["edits"] != "").any() else ""
