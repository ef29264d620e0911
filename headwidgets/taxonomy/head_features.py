"""What tells heads of any model apart, in the same numbers: attention, z and weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from headwidgets.methods.options import read_seed
from headwidgets.taxonomy.features_seen import ROWS, TEXTS, seen_features
from headwidgets.taxonomy.features_weights import weight_features

if TYPE_CHECKING:
    from headwidgets.model.engine import Engine

DEPTH = "depth"


def head_features(engine: Engine, seed: int = 0) -> pd.DataFrame:
    """Describe every head of a model by numbers that mean the same in any other.

    Parameters
    ----------
    engine : Engine
    seed : int
        Of the random tokens.

    Returns
    -------
    DataFrame
        One row a head: layer; head; depth, from 0 (the first layer) to 1; then the features of
        `headwidgets.taxonomy.features_seen.seen_features` and
        `headwidgets.taxonomy.features_weights.weight_features`. NaN: not measurable here.

    Raises
    ------
    InputError
        If `seed` is no whole number from 0.
    """
    drawn = read_seed(seed)
    n_layers, n_heads = engine.facts.n_layers, engine.facts.n_heads
    layers = np.repeat(np.arange(n_layers), n_heads)
    columns: dict[str, np.ndarray] = {
        "layer": layers,
        "head": np.tile(np.arange(n_heads), n_layers),
        DEPTH: layers / max(n_layers - 1, 1),
    }
    found = seen_features(engine, drawn) | weight_features(engine)
    frame = pd.DataFrame(columns | {name: one.reshape(-1) for name, one in found.items()})
    lacking = [name for name in found if frame[name].isna().all()]
    frame.attrs |= {
        "measured_on": f"{ROWS} rows of random tokens, {len(TEXTS)} sentences, weights",
        "seed": drawn,
        "notes": [f"not measurable here: {', '.join(lacking)}"] if lacking else [],
    }
    return frame


def feature_names(frame: pd.DataFrame) -> list[str]:
    """Return the columns of `head_features` that are features."""
    return [str(name) for name in frame.columns if name not in ("layer", "head")]
