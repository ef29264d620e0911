"""Write the bytes that both halves of the wire are held to: ``python tests/widgets/golden.py``.

For each case ``js/test/golden`` has ``<name>.bin`` (what is sent), ``<name>.decoded.bin``
(what Python reads of it), for scaled halves ``<name>.original.bin``, and ``index.json``.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from headwidgets.widgets.wire import decode, encode, encode_scaled

FOLDER = Path(__file__).parents[2] / "js" / "test" / "golden"


def arrays():
    """Return the exact cases and the scaled ones, by name."""
    draw = np.random.Generator(np.random.PCG64(0))
    scores = draw.standard_normal((2, 9, 9)).astype(np.float32)
    pattern = np.tril(np.exp(scores[0]))
    strange = scores.copy()
    strange[0, 0, :4] = [np.inf, -np.inf, np.nan, -0.0]
    exact = {
        "float32": strange,
        "float32_empty": np.zeros((0, 3), np.float32),
        "float32_scalar": np.array(0.1, np.float32),
        "int32": np.array([[0, -1], [2**31 - 1, -(2**31)]], np.int32),
        "uint8": np.arange(256, dtype=np.uint8).reshape(4, 4, 4, 4),
    }
    scaled = {
        "float16_pattern": pattern / pattern.sum(-1, keepdims=True),
        "float16_strange": strange,
        "float16_constant": np.full((3,), 0.1, np.float32),
        "float16_far": np.float32(1e8) + np.arange(0, 256, 8, dtype=np.float32),
        "float16_widest": np.array([-3.4e38, 3.4e38, 1.0, np.inf], np.float32),
        "float16_tiny": np.array([1e-45, 1e-40, 3e-39], np.float32),
        "float16_nothing": np.array([np.nan, np.inf], np.float32),
    }
    return exact, scaled


def files():
    """Return the content of every golden file, by name."""
    exact, scaled = arrays()
    index, out = [], {}
    for name, array in {**exact, **scaled}.items():
        header, buffer = (encode if name in exact else encode_scaled)(array)
        index.append({"name": name, "header": header})
        out[f"{name}.bin"] = buffer
        out[f"{name}.decoded.bin"] = decode(header, buffer).tobytes()
        if name in scaled:
            out[f"{name}.original.bin"] = array.astype(np.float32).tobytes()
    out["index.json"] = (json.dumps(index, indent=2) + "\n").encode()
    return out


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in files().items():
        (FOLDER / name).write_bytes(content)
