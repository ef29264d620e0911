"""The residual stream taken apart: embedding, positions, heads, MLPs and biases, as rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
import torch

from headwidgets.methods.decompose import Apart, places_of
from headwidgets.methods.snapshot import Ids, Pair, Snapshot

if TYPE_CHECKING:
    from torch import Tensor

    from headwidgets.methods.edits import At
    from headwidgets.model.engine import Engine


@dataclass(frozen=True)
class Parts:
    """What was added up to the last residual stream of one position.

    Attributes
    ----------
    names : list of (part, layer, head)
    vectors : Tensor, float32, [part, d_model]
    total : Tensor, float32, [d_model]
        The residual stream after the last block.
    error : float
        Largest entry of total − sum(vectors).
    """

    names: list[tuple[str, int | None, int | None]]
    vectors: Tensor
    total: Tensor
    error: float

    def to_frame(self) -> pd.DataFrame:
        """Return part, layer, head, norm and share; the shares sum to one.

        Share is the part's component along the total, divided by the total's length.
        """
        frame = pd.DataFrame(self.names, columns=["part", "layer", "head"])
        frame[["layer", "head"]] = frame[["layer", "head"]].astype("Int64")
        frame["norm"] = self.vectors.norm(dim=-1).tolist()
        frame["share"] = (self.vectors @ self.total / self.total.square().sum()).tolist()
        frame.attrs |= {"largest_error": self.error}
        return frame


def residual_parts(engine: Engine, ids: Ids, at: At = "end") -> Parts:
    """Take the last residual stream of one position apart; see `decompose`.

    Raises
    ------
    NotMeasurable
        If the parts do not sum to the stream: the architecture adds something that is
        not in this list.
    """
    apart = Apart(engine, [ids], places_of(Snapshot(pairs=(Pair(clean=ids),)), [0], at))
    names: list[tuple[str, int | None, int | None]] = []
    vectors = []
    for part, layer, written in apart.writes():
        names += [(part, layer, h if part == "head" else None) for h in range(written.shape[1])]
        vectors.append(written[0])
    return Parts(names, torch.cat(vectors), apart.total[0], apart.error)
