"""A file of arrays with settings: written whole or not at all, and read at the door.

A file is written beside the one that is there, and takes its place when it is whole: a full disk
costs nothing that was saved before.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open
from safetensors import torch as tensors

from headwidgets.errors import InputError, ModelError
from headwidgets.labs.emergence.shape import number
from headwidgets.whole import whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

VERSION = 1


def write(path: str | Path, arrays: Mapping[str, Tensor], told: dict[str, Any]) -> Path:
    """Write a file, whole or not at all.

    Raises
    ------
    InputError
        If the path is none, or what is no file, a folder or a pipe.
    ModelError
        If it cannot be written.
    """
    named = _path(path)
    own = {name: one.detach().contiguous() for name, one in arrays.items()}
    content = tensors.save(own, {"headwidgets": json.dumps(told, allow_nan=False, default=_plain)})
    kind = _kind(named)
    if kind:
        message = f"expected a file to save in, got {kind}: {named}"
        raise InputError(message)
    try:
        target = named.resolve()  # of a link, what it leads to
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, content)
    except (OSError, ValueError, RuntimeError) as error:  # a name with NUL, links in a circle
        said = (error.strerror if isinstance(error, OSError) else None) or error
        message = (
            f"{named} could not be written ({said}): the run is still in memory, and what was "
            "saved before is as it was; make room, or save elsewhere"
        )
        raise ModelError(message) from error
    return named


def read(path: str | Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read the settings and the arrays of a file.

    Raises
    ------
    InputError
        If there is none, or it is no run.
    """
    source = _path(path)
    kind = _kind(source)
    if kind or not os.path.isfile(source):  # noqa: PTH113 - False of a name that is too long
        said = f"{source} is {kind}" if kind else f"there is no {source}"
        message = f"expected a file that a run was saved in, but {said}"
        raise InputError(message)
    try:
        with safe_open(source, "pt") as file:
            told: Any = json.loads((file.metadata() or {}).get("headwidgets", "null"))
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no dict
    except (SafetensorError, ValueError, OSError) as error:
        raise damaged(source, error) from error
    if not isinstance(told, dict) or told.get("version") != VERSION:
        came = told.get("version") if isinstance(told, dict) else None
        message = f"expected a run of version {VERSION}, got {came!r}: {source} holds none"
        raise InputError(message)
    return told, arrays


def under(arrays: Mapping[str, Tensor], start: str) -> dict[str, Tensor]:
    """Return the arrays whose names begin so, without that beginning."""
    return {n.removeprefix(start): one for n, one in arrays.items() if n.startswith(start)}


def needed(arrays: Mapping[str, Tensor], sizes: Mapping[str, Any], path: str | Path) -> None:
    """Refuse a file without some arrays.

    Parameters
    ----------
    arrays : mapping of str to Tensor
    sizes : mapping of str to list of int, or None
        Names -> shapes; None: any.
    path : str or Path
        What the message names.

    Raises
    ------
    InputError
        If one is not there, or has another shape; the message says what is there.
    """
    for name, size in sizes.items():
        if name in arrays and size in (None, [*arrays[name].shape]):
            continue
        came = f"{[*arrays[name].shape]}" if name in arrays else "none"
        there = ", ".join(sorted({one.partition(".")[0] for one in arrays})) or "nothing"
        asked = "" if size is None else f" of shape {size}"
        message = f"expected {name!r}{asked} in {path}, got {came}: it holds {there}"
        raise InputError(message)


def damaged(path: str | Path, error: Exception) -> InputError:
    """Return what is told of a file that cannot be read."""
    return InputError(f"{path} is damaged ({type(error).__name__}: {error}): save the run again")


def _replace(target: Path, content: bytes) -> None:
    """Write a whole file beside another, then in its place; of a part, nothing stays."""
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # some disks tell only here that they are full
        if target.exists():
            shutil.copymode(target, part)
        part.replace(target)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _path(path: object) -> Path:
    if not isinstance(path, str | os.PathLike) or isinstance(path, bytes):
        message = f"expected a path such as 'mine.safetensors', got {path!r:.80}"
        raise InputError(message)
    return Path(path).expanduser()


def _kind(path: Path) -> str:
    """Return what there is in a path that is no regular file; "" for one, or for nothing."""
    try:
        if path.is_file() or not path.exists():
            return ""
    except OSError:  # a name that is too long, say: what writes or reads it tells
        return ""
    kinds = {"a folder": path.is_dir, "a pipe": path.is_fifo, "a socket": path.is_socket}
    return next((name for name, is_it in kinds.items() if is_it()), "a device")


def _plain(value: object) -> int | float:
    """Return a number of numpy's, or of one's own, as JSON has it."""
    found = whole(value)
    known = number(value) if found is None else found
    if known is None:
        message = f"expected settings that JSON can hold, got {value!r:.80}"
        raise InputError(message)
    return known
