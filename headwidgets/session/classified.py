"""What a classifier over heads came to: how well it does on models left out, and what it says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from headwidgets.errors import InputError
from headwidgets.methods.over_heads import fit_over_heads
from headwidgets.session.asking import Asking

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from numpy.typing import NDArray

    from headwidgets.methods.over_heads import Fitted

EXPLORATORY = "exploratory"
"""What every frame of it says of itself."""
ON = "exploratory: a classifier over heads"
"""The same where a figure has one line for it."""
NOTE = (
    "exploratory: read off what other models' heads were found to be, on few models; no score, no "
    "proof, and no verdict rests on it"
)
COLUMNS = ("model", "layer", "head", "kind", "probability", "share", "predicted", "left_out")


class Labelled(NamedTuple):
    """Heads with a label, of one kind.

    Attributes
    ----------
    x : ndarray of float, [head, feature]
    y : ndarray of bool, [head]
    model : ndarray of int, [head]
    where : DataFrame
        model, layer and head of each.
    """

    x: NDArray[np.float64]
    y: NDArray[np.bool_]
    model: NDArray[np.int64]
    where: pd.DataFrame


@dataclass(frozen=True)
class HeadClassifier:
    """A classifier over heads of several models, one for each kind; see `hw.classify_heads`.

    Attributes
    ----------
    frame : DataFrame
        One row a kind.
    by_model : DataFrame
        One row a kind and model that was left out: kind, model, n_positive, n, auc, balanced,
        accuracy, false_claims (the share of other heads that are called one), evidence.
    """

    frame: pd.DataFrame
    by_model: pd.DataFrame
    _labelled: Mapping[str, Labelled]
    _features: tuple[str, ...]
    _models: Mapping[str, str]  # of each model's weights the name
    _how: str
    _fits: dict[tuple[str, int], Fitted] = field(default_factory=dict, repr=False)

    def to_frame(self) -> pd.DataFrame:
        """Return the table of kinds."""
        return self.frame

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that could be judged, and can be predicted."""
        return tuple(self._labelled)

    def weights(self, kind: str) -> pd.DataFrame:
        """Return what a kind is told by, the most weighted feature first.

        Parameters
        ----------
        kind : str
            One of `kinds`.

        Returns
        -------
        DataFrame
            feature; weight, of the feature in standard deviations over all heads, fitted on all
            models; evidence.

        Raises
        ------
        InputError
            If the kind was not judged.
        """
        fitted = self._fitted(self._known(kind), -1)
        frame = pd.DataFrame({"feature": self._features, "weight": fitted.weights[:, 0]})
        frame["evidence"] = EXPLORATORY
        order = frame["weight"].abs().sort_values(ascending=False).index
        return marked(frame.loc[order].reset_index(drop=True))

    def heads(self) -> pd.DataFrame:
        """Return every head that has a label, with what is said of it by the other models.

        Returns
        -------
        DataFrame
            The columns of `predict`, and confirmed, the label; model by model.
        """
        parts = []
        for kind, one in self._labelled.items():
            for number in np.unique(one.model):
                here = one.model == number
                if one.y[one.model != number].any() and not one.y[one.model != number].all():
                    part = self._said(kind, one.where[here], one.x[here], int(number))
                    parts.append(part.assign(confirmed=one.y[here]))
        frame = pd.concat(parts, ignore_index=True)
        frame["evidence"] = frame.pop("evidence")
        return marked(frame)

    def predict(self, session: Any) -> pd.DataFrame:
        """Say of every head of a model what it may be.

        Parameters
        ----------
        session : Session
            Of any model; of one that it was fitted on, what the others say is returned.

        Returns
        -------
        DataFrame
            One row a head and kind: model; layer; head; kind; probability; share, of such heads
            in the models that it was fitted on; predicted, whether the probability is larger;
            left_out, whether this model had been among those of `classify_heads` and was left
            out; evidence, "exploratory". ``frame[frame.predicted]`` are the claims;
            ``hw.HeadGrid(s, score=frame[frame.kind == "induction"], value="probability")`` shows
            one kind.

        Raises
        ------
        InputError
            If it is no session.

        Notes
        -----
        A kind that only this model lets it know is left out.
        """
        require_session(session)
        found = session.head_features()
        x = found[list(self._features)].to_numpy(dtype=float)
        hashed = session.engine.weight_hash()
        names = list(self._models.values())
        own = list(self._models).index(hashed) if hashed in self._models else -1
        where = found[["layer", "head"]].copy()
        where.insert(0, "model", names[own] if own >= 0 else session.facts.name)
        parts = []
        for kind, one in self._labelled.items():
            rest = one.y[one.model != own]
            if rest.any() and not rest.all():
                parts.append(self._said(kind, where, x, own))
        if not parts:
            return marked(pd.DataFrame(columns=[*COLUMNS, "evidence"]))
        return marked(pd.concat(parts, ignore_index=True))

    def _said(self, kind: str, where: pd.DataFrame, x: Any, without: int) -> pd.DataFrame:
        """Return what the models but one say of heads."""
        one = self._labelled[kind]
        probability = self._fitted(kind, without).probability(x)[:, 0]
        share = float(one.y[one.model != without].mean())
        return where.assign(
            kind=kind,
            probability=probability,
            share=share,
            predicted=probability > share,
            left_out=without >= 0,
            evidence=EXPLORATORY,
        )

    def _fitted(self, kind: str, without: int) -> Fitted:
        """Return a kind's classifier, fitted on all models but one (-1: on all)."""
        if (kind, without) not in self._fits:
            one = self._labelled[kind]
            rest = one.model != without
            self._fits[kind, without] = fit_over_heads(one.x[rest], one.y[rest, None], self._how)
        return self._fits[kind, without]

    def _known(self, kind: str) -> str:
        if kind not in self.kinds:
            message = f"expected a kind that was judged ({', '.join(self.kinds)}), got {kind!r:.80}"
            raise InputError(message)
        return kind

    def __len__(self) -> int:
        """Return how many kinds were judged."""
        return len(self._labelled)

    def _repr_html_(self) -> str:
        """As a notebook shows the table, with what it is worth."""
        return f"<p><b>{NOTE}</b></p>{self.frame._repr_html_()}"


def require_session(value: object) -> None:
    """Refuse what is no session.

    Raises
    ------
    InputError
    """
    if not isinstance(value, Asking):
        message = f"expected a session, such as hw.Session('planted'), got {value!r:.80}"
        raise InputError(message)


def marked(frame: pd.DataFrame, **attrs: object) -> pd.DataFrame:
    """Say on a frame that it is exploratory."""
    frame.attrs |= {"measured_on": ON, "evidence": EXPLORATORY, "notes": [NOTE], **attrs}
    return frame
