"""A session in a folder: what it was asked, what it answered, and of which weights.

``session.json`` holds the state and the text of every frame; ``frames.safetensors`` holds
the numbers, bit for bit. The weights are not saved, only their hash.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from safetensors.numpy import load_file, save_file

from headwidgets.errors import InputError, ModelError
from headwidgets.methods.edits import Edit
from headwidgets.prompts import Prompts

if TYPE_CHECKING:
    from collections.abc import Callable

    from headwidgets.session import Session

VERSION = 1
_JSON, _ARRAYS = "session.json", "frames.safetensors"
_NUMBERS = "biuf"


def save(session: Session, path: str | Path) -> Path:
    """Write `session` into the folder `path`; what a saved session there held is replaced."""
    folder = Path(path).expanduser()
    if folder.exists() and (not folder.is_dir() or _foreign(folder)):
        message = f"expected a new folder or one that holds a saved session, got {folder}"
        raise InputError(message)
    facts = session.facts
    arrays: dict[str, np.ndarray] = {}
    state = {
        "version": VERSION,
        "model": {**facts.to_json(), "weights": session.engine.weight_hash()},
        "prepend_bos": session.engine.text.prepend_bos,
        "prompts": session.prompts.to_json(),
        "reference": None if session.reference is None else session.reference.to_json(),
        "index": session.index,
        "edits": [edit.to_json() for edit in session.edits],
        "metric": None if session.metric is None else session.metric.to_json(),
        "selection": None if session.selection is None else str(session.selection),
        "notes": session.notes,
        "frames": {name: _pack(name, frame, arrays) for name, frame in session.frames.items()},
        "stale": [name for name, frame in session.frames.items() if session.is_stale(frame)],
    }
    text = json.dumps(state, ensure_ascii=False, indent=1, allow_nan=False)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(arrays, folder / _ARRAYS)
    (folder / _JSON).write_text(text, encoding="utf-8", errors="surrogatepass")
    return folder


def load(
    opener: Callable[..., Session],
    path: str | Path,
    model: Any = None,
    *,
    check_weights: bool = True,
) -> Session:
    """Open a saved session; see `headwidgets.load`."""
    folder = Path(path).expanduser()
    state = _read(folder)
    saved = state["model"]
    session = _open(opener, saved, model, prepend_bos=state["prepend_bos"])
    if check_weights:
        found = session.engine.weight_hash()
        if found != saved["weights"]:
            message = (
                f"the weights of {session.facts.name!r} are not those that {folder} was saved "
                f"with: expected hash {saved['weights']}, got {found}. Give the right model by "
                "model=, or check_weights=False to keep the frames as a record"
            )
            raise ModelError(message)
    reference = state["reference"]
    session.use(
        prompts=Prompts.from_json(state["prompts"]),
        metric=state["metric"],
        reference=None if reference is None else Prompts.from_json(reference),
    )
    session.index = state["index"]
    session.edits = [Edit.from_json(edit) for edit in state["edits"]]
    session.selection = state["selection"]
    session.notes = state["notes"]
    arrays = load_file(folder / _ARRAYS)
    for name, packed in state["frames"].items():
        frame = _unpack(name, packed, arrays)
        frame.attrs["revision"] = 0 if name in state["stale"] else session.revision
        session.frames[name] = frame
    return session


def _open(
    opener: Callable[..., Session], saved: dict[str, Any], model: Any, **more: Any
) -> Session:
    if model is not None and not isinstance(model, str | Path):
        return opener(model, prepend_bos=more["prepend_bos"] or None)
    return opener(
        saved["name"] if model is None else model,
        dtype=saved["dtype"],
        numerics=saved["numerics"],
        revision=saved["revision"],
        prepend_bos=more["prepend_bos"],
    )


def _read(folder: Path) -> dict[str, Any]:
    file = folder / _JSON
    if not file.exists():
        message = f"expected a folder that s.save(path) wrote, but {folder} has no {_JSON}"
        raise InputError(message)
    try:
        state: Any = json.loads(file.read_text(encoding="utf-8", errors="surrogatepass"))
    except ValueError as error:
        message = f"{file} is damaged ({error}): save the session again"
        raise InputError(message) from error
    if not isinstance(state, dict) or state.get("version") != VERSION:
        came = state.get("version") if isinstance(state, dict) else type(state).__name__
        message = (
            f"expected a session of version {VERSION}, got {came!r}: open it with the "
            "headwidgets that wrote it"
        )
        raise InputError(message)
    return state


def _foreign(folder: Path) -> bool:
    """Whether a folder holds anything but a saved session."""
    return any(item.name not in (_JSON, _ARRAYS) for item in folder.iterdir())


def _pack(name: str, frame: pd.DataFrame, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Put a frame's numbers among `arrays`; return the rest as JSON values."""
    columns = []
    table = {"": frame.index, **{c: frame[c] for c in frame.columns}}
    for number, (column, values) in enumerate(table.items()):
        raw = values.to_numpy()
        entry: dict[str, Any] = {"name": column, "dtype": str(values.dtype)}
        if raw.dtype.kind in _NUMBERS:
            arrays[f"{name}/{number}"] = np.ascontiguousarray(raw)
        else:
            entry["values"] = [None if pd.isna(v) else _plain(v) for v in values.tolist()]
        columns.append(entry)
    index_name = frame.index.name
    return {"index": index_name, "columns": columns, "attrs": _plain(frame.attrs)}


def _unpack(name: str, packed: dict[str, Any], arrays: dict[str, np.ndarray]) -> pd.DataFrame:
    """Make the frame that `_pack` took apart."""
    series = []
    for number, entry in enumerate(packed["columns"]):
        values = arrays.get(f"{name}/{number}") if "values" not in entry else entry["values"]
        series.append((entry["name"], pd.Series(values, dtype=entry["dtype"])))
    frame = pd.DataFrame(dict(series[1:]))
    frame.index = pd.Index(series[0][1].to_numpy(), dtype=series[0][1].dtype, name=packed["index"])
    frame.attrs = packed["attrs"]
    return frame


def _plain(value: Any) -> Any:
    """`value` as JSON can hold it."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)
