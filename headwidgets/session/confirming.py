"""Proofs asked of a session: one head of one kind, or the best heads of every kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from headwidgets.errors import EditDropped, InputError, NotMeasurable
from headwidgets.heads import Head
from headwidgets.model.work import checkpoint
from headwidgets.session.scored import Scored
from headwidgets.tasks.make import read_number
from headwidgets.taxonomy.confirm import PROMPTS, SEED, can_confirm
from headwidgets.taxonomy.registry import all_kinds, find, find_several
from headwidgets.taxonomy.verdict import CANDIDATE, CONSISTENT
from headwidgets.whole import whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from headwidgets.taxonomy.registry import Kind

COLUMNS = (
    *("kind", "measurement", "layer", "head", "score", "effect", "se", "clean", "share", "p", "n"),
    *("p_corrected", "confirmed", "reason"),
)
LIKELY = (CONSISTENT, CANDIDATE)


class Confirming(Scored):
    """Which kinds are there for certain."""

    def best_heads(self, kind: str, most: int = 2) -> list[Head]:
        """Return the heads that are most of a kind, by the scores that still hold.

        Parameters
        ----------
        kind : str
            Of `hw.kinds`; it is scored now if it was not.
        most : int
            How many, at most.

        Returns
        -------
        list of Head
            Those with the highest score whose verdict is "consistent with", or if there are none
            "candidate".
        """
        frame = self._scores_of(find(kind).name)
        for verdict in LIKELY:
            some = _likely(frame, (verdict,), most)
            if some:
                return [head for head, _ in some]
        return []

    def _scores_of(self, name: str) -> pd.DataFrame:
        """Return the scores of a kind that still hold, or new ones."""
        for frame in reversed(self.scores_held().values()):
            mine = frame[frame["kind"] == name]
            if len(mine):
                return mine
        return self.score(name)

    def confirm_all(
        self,
        kinds: str | Iterable[str] | None = None,
        *,
        heads: int = 2,
        n: int = PROMPTS,
        seed: int = SEED,
    ) -> pd.DataFrame:
        """Try to prove the best heads of every kind, on prompts that no score has seen.

        Parameters
        ----------
        kinds : str or iterable of str, optional
            Of `hw.kinds`; default: all, those whose score intervenes too. Kinds without scores that
            still hold are scored now.
        heads : int
            Of each kind the so many with the highest score that are consistent with it or
            candidates.
        n, seed : int
            As for `confirm`.

        Returns
        -------
        DataFrame
            One row a proof; of a kind without any, one that says why: kind; measurement, what
            kinds that are measured together share, for they count once; layer, head, score; effect,
            se, clean, share, p and n as in `confirm`; p_corrected, by Holm's correction over all
            proofs of this session that still hold; confirmed, share ≥ 0.1 and p_corrected ≤ .01;
            reason. ``attrs["confirmed"]`` lists the measurements with a confirmed head. Each proof
            that was done before it is stopped is kept as if it had been asked for by itself.

        Raises
        ------
        InputError
            If there is no such kind, or `heads`, `n` or `seed` is out of range.
        """
        wanted = all_kinds() if kinds is None else find_several(kinds)
        most = whole(heads)
        if most is None or most < 1:
            message = f"expected heads= as a whole number from 1, got {heads!r:.80}"
            raise InputError(message)
        n, seed = read_number("n", n), read_number("seed", seed)
        with self._asking("confirming every kind") as snapshot:
            rows: list[dict[str, Any]] = []
            for done, kind in enumerate(wanted):
                checkpoint(done, len(wanted), f"confirming {kind.name}")
                rows += self._proofs_of(kind, most, n, seed)
            frame = self._corrected(pd.DataFrame(rows, columns=list(COLUMNS)))
            frame.attrs["measured_on"] = f"held-out templates, n = {n}, seed {seed}"
            return self._signed(frame, "confirmed", snapshot, ("weights",))

    def _proofs_of(self, kind: Kind, most: int, n: int, seed: int) -> list[dict[str, Any]]:
        """Prove the best heads of a kind."""
        about = {"kind": kind.name, "measurement": kind.measurement}
        frame = self._scores_of(kind.name)
        if frame["score"].isna().all():
            said = f"not measurable here: {frame['reason'].iloc[0]}"
            return [{**about, "reason": said}]
        if not can_confirm(kind):
            return [{**about, "reason": f"nothing here runs its proof, which is to {kind.proof}"}]
        some = _likely(frame, LIKELY, most)
        if not some:
            best = frame.dropna(subset="score").sort_values("score").iloc[-1]
            said = f"no candidate; highest {best['layer']}.{best['head']}: {best['reason']}"
            return [{**about, "reason": said}]
        rows = []
        for head, score in some:
            try:
                found = self.confirm(kind.name, head, n=n, seed=seed).iloc[0].to_dict()
            except (EditDropped, NotMeasurable) as error:
                found = {"layer": head.layer, "head": head.head, "reason": str(error)}
            rows.append({**found, **about, "score": score})
        return rows

    def _corrected(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Add what Holm's correction over all proofs of this session makes of each."""
        tried = self.proofs_tried().set_index(["kind", "layer", "head"])["p_corrected"]
        worst = tried.groupby(level=[0, 1, 2]).max().to_dict()
        keys = zip(frame["kind"], frame["layer"], frame["head"], strict=True)
        frame["p_corrected"] = [worst.get(key, float("nan")) for key in keys]
        proved = self.proofs()
        frame["confirmed"] = [
            pd.notna(row["layer"])
            and proved.get((row["kind"], Head(int(row["layer"]), int(row["head"]))), False)
            for row in frame.to_dict("records")
        ]
        there = frame.loc[frame["confirmed"], "measurement"]
        frame.attrs["confirmed"] = list(dict.fromkeys(there))
        return frame


def _likely(frame: pd.DataFrame, verdicts: Sequence[str], most: int) -> list[tuple[Head, float]]:
    """Return the heads with the highest scores among those of some verdicts, with their scores."""
    some = frame[frame["verdict"].astype(str).str.startswith(tuple(verdicts))]
    best = some.sort_values("score", ascending=False).head(most)
    rows = best[["layer", "head", "score"]].to_dict("records")
    return [(Head(int(r["layer"]), int(r["head"])), float(r["score"])) for r in rows]
