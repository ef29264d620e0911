"""A session in a folder: what it was asked, what it answered, and of which weights.

``session.json`` holds the state and the text of every frame; ``frames.safetensors`` holds
the numbers, bit for bit. The weights are not saved, only their hash.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors.numpy import load_file, save_file

from headwidgets.errors import InputError, ModelError
from headwidgets.heads import Head
from headwidgets.methods.edits import Edit
from headwidgets.methods.metrics import read_metric
from headwidgets.prompts import Prompts
from headwidgets.session.packing import pack, unpack
from headwidgets.session.values import Edits

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from headwidgets.session import Session

VERSION = 1
_JSON, _ARRAYS = "session.json", "frames.safetensors"


def save(session: Session, path: str | Path) -> Path:
    """Write `session` into the folder `path`; what a saved session there held is replaced."""
    folder = Path(path).expanduser()
    if folder.exists() and (not folder.is_dir() or _foreign(folder)):
        message = f"expected a new folder or one that holds a saved session, got {folder}"
        raise InputError(message)
    facts = session.facts
    local = Path(facts.name).expanduser()
    arrays: dict[str, np.ndarray] = {}
    state = {
        "version": VERSION,
        "model": {
            **facts.to_json(),
            "name": str(local.resolve()) if local.is_dir() else facts.name,
            "weights": session.engine.weight_hash(),
        },
        "prepend_bos": session.engine.text.prepend_bos,
        "prompts": session.prompts.to_json(),
        "reference": None if session.reference is None else session.reference.to_json(),
        "index": session.index,
        "edits": [edit.to_json() for edit in session.edits],
        "metric": None if session.metric is None else session.metric.to_json(),
        "selection": None if session.selection is None else str(session.selection),
        "notes": session.notes,
        "frames": [pack(name, frame, arrays) for name, frame in session.frames.items()],
        "stale": [name for name, frame in session.frames.items() if session.is_stale(frame)],
    }
    text = json.dumps(state, ensure_ascii=True, indent=1, allow_nan=False)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(arrays, folder / f"{_ARRAYS}.new")
    (folder / f"{_JSON}.new").write_text(text, encoding="utf-8")
    for name in (_ARRAYS, _JSON):
        (folder / f"{name}.new").replace(folder / name)
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
    try:
        asked = _asked(state)
        arrays = load_file(folder / _ARRAYS)
        frames = dict(unpack(packed, arrays) for packed in state["frames"])
        saved, stale = state["model"], set(state["stale"])
        options = {name: saved[name] for name in ("dtype", "numerics", "revision")}
        name, weights, bos = saved["name"], saved["weights"], state["prepend_bos"]
    except InputError:
        raise
    except Exception as error:
        message = f"{folder} is damaged ({type(error).__name__}: {error}): save the session again"
        raise InputError(message) from error
    held = model is not None and not isinstance(model, str | Path)
    if held:
        options = {}
    session = opener(name if model is None else model, prepend_bos=bos or None, **options)
    if not bos and session.engine.text.prepend_bos:
        session.close()
        session = opener(name if model is None else model, prepend_bos=False, **options)
    found = session.engine.weight_hash()
    if check_weights and found != weights:
        message = (
            f"the weights of {session.facts.name!r} are not those that {folder} was saved with: "
            f"expected hash {weights}, got {found}. Give the right model by model=, or "
            "check_weights=False to keep the frames as a record"
        )
        raise ModelError(message)
    session._restore(**asked)  # noqa: SLF001 - a saved state is taken as it was
    session.notes = str(state["notes"])
    for name, frame in frames.items():
        frame.attrs["revision"] = 0 if name in stale or found != weights else session.revision
        session._own(name, frame)  # noqa: SLF001 - as above
    return session


def _asked(state: dict[str, Any]) -> dict[str, Any]:
    """Read what a session was asked."""
    reference, metric, selection = state["reference"], state["metric"], state["selection"]
    return {
        "prompts": Prompts.from_json(state["prompts"]),
        "reference": None if reference is None else Prompts.from_json(reference),
        "metric": None if metric is None else read_metric(metric),
        "edits": Edits(Edit.from_json(edit) for edit in state["edits"]),
        "index": int(state["index"]),
        "selection": None if selection is None else Head.parse(selection),
    }


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
    return any(item.name.removesuffix(".new") not in (_JSON, _ARRAYS) for item in folder.iterdir())
