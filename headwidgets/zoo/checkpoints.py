"""Twenty checkpoints of a training of the recipe, kept beside the package, a byte a weight.

The bundled model's sibling: the same shape, tokenizer and tasks, from nothing (seed 0, 2,500
steps), so that one sees heads form that the bundled model, trained on, begins with::

    python -m headwidgets.zoo.recipe --out run --steps 2500 --threads 1
    python -m headwidgets.zoo.checkpoints run checkpoints
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from headwidgets.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

KEPT = Path(__file__).resolve().parents[2] / "checkpoints"
"""Where they lie in a clone of the repository; a wheel does not hold them."""
SHARED = ("tokenizer.json", "tokenizer_config.json")
OWN = ("config.json", "meta.json")
_WEIGHTS = "model.safetensors"
_SCALES = ".scales"
_MOST = 127


def checkpoints(folder: str | Path | None = None) -> Path:
    """Return a folder of checkpoints that `Session.over_training` takes.

    Twenty models on the way from nothing to most of the tasks of the bundled model, by the
    recipe that trained it. They are kept in 8 bits a weight (a row's largest weight is 127; an
    error of at most 1/254 of it) and unpacked once, into the user's cache.

    Parameters
    ----------
    folder : str or Path, optional
        Of packed checkpoints; default: those of a clone of the repository.

    Returns
    -------
    Path
        A folder with a Hugging Face folder (float16) for each step.

    Raises
    ------
    InputError
        If there are none there: the package alone does not hold them; if one is damaged, or the
        cache cannot be written.

    Examples
    --------
    >>> import headwidgets as hw
    >>> folder = hw.checkpoints()
    >>> len(list(folder.iterdir())), min(folder.iterdir()).name
    (20, 'step-000000')
    """
    if not isinstance(folder, str | Path | None):
        message = f"expected a folder of packed checkpoints, got {type(folder).__name__}"
        raise InputError(message)
    kept = KEPT if folder is None else Path(folder).expanduser()
    packed = sorted(kept.glob("step-*.safetensors")) if kept.is_dir() else []
    if not packed:
        message = (
            f"no checkpoints at {kept}: they lie in the repository, outside the package. Clone it, "
            "or train your own (make model), whose folder s.over_training takes as it is"
        )
        raise InputError(message)
    target = _cache() / f"checkpoints-{_digest(packed)}"
    if not target.exists():
        try:
            unpack(packed, target)
        except SafetensorError as error:
            message = f"a checkpoint in {kept} is damaged ({error}): fetch that folder again"
            raise InputError(message) from error
        except OSError as error:
            message = (
                f"the checkpoints cannot be unpacked into {target.parent}: {error}. "
                "XDG_CACHE_HOME may name another folder, that can be written"
            )
            raise InputError(message) from error
    return target


def pack(run: Path, out: Path) -> None:
    """Write the checkpoints of a run of the recipe, a file each, in 8 bits a weight.

    Raises
    ------
    InputError
        If there are none in `run`.
    """
    folders = sorted((run / "checkpoints").glob("step-*"))
    if not folders:
        message = f"expected the folder of a run, with checkpoints in it, got {run}"
        raise InputError(message)
    out.mkdir(parents=True, exist_ok=True)
    for folder in folders:
        about = {name: (folder / name).read_text(encoding="utf-8") for name in OWN}
        save_file(_in_bytes(_read(folder / _WEIGHTS)), out / f"{folder.name}.safetensors", about)
    for name in SHARED:
        shutil.copy(folders[-1] / name, out / name)


def unpack(packed: list[Path], target: Path) -> None:
    """Write packed checkpoints as folders, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    own = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))  # no one else's
    part = own / target.name
    try:
        for path in packed:
            folder = part / path.stem
            folder.mkdir(parents=True)
            with safe_open(path, "pt") as held:
                about = held.metadata()
            for name in OWN:
                (folder / name).write_text(about[name], encoding="utf-8")
            for name in SHARED:
                shutil.copy(path.parent / name, folder / name)
            save_file(_in_halves(_read(path)), folder / _WEIGHTS, {"format": "pt"})
        try:
            part.rename(target)
        except OSError:
            if not target.exists():  # else another kernel or thread was quicker
                raise
    finally:
        shutil.rmtree(own, ignore_errors=True)


def _in_bytes(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return matrices as int8 with a float16 scale a row, the rest as it is."""
    out: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        if tensor.ndim < 2:  # noqa: PLR2004 - a norm's gains: few, and each of weight
            out[name] = tensor
            continue
        most = tensor.float().abs().amax(-1, keepdim=True).clamp_min(1e-6)
        scales = (most / _MOST).half()
        coded = (tensor.float() / scales.float()).round().clamp(-_MOST, _MOST)
        out[name], out[name + _SCALES] = coded.to(torch.int8), scales
    return out


def _in_halves(coded: dict[str, Tensor]) -> dict[str, Tensor]:
    """Undo `_in_bytes`, in float16."""
    out = {}
    for name, tensor in coded.items():
        scales = coded.get(name + _SCALES)
        if scales is not None:
            out[name] = (tensor.float() * scales.float()).half()
        elif not name.endswith(_SCALES):
            out[name] = tensor
    return out


def _read(path: Path) -> dict[str, Tensor]:
    with safe_open(path, "pt") as held:
        return {name: held.get_tensor(name) for name in held.keys()}  # noqa: SIM118 - no mapping


def _digest(packed: list[Path]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for path in packed:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "headwidgets"


if __name__ == "__main__":
    pack(Path(sys.argv[1]), Path(sys.argv[2]))
