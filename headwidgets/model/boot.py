"""Opening a model: the bundled one, a name, a local folder, or a bridge that is held."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import transformers
from transformer_lens import TransformerBridge
from transformer_lens.model_bridge.sources._bridge_builder import build_bridge_from_module

from headwidgets.errors import InputError, ModelError
from headwidgets.model.explain import explained
from headwidgets.zoo.bundled import bundled
from headwidgets.zoo.numerals import numerals
from headwidgets.zoo.planted import planted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BUNDLED: dict[str, Callable[[], Any]] = {
    "bundled": bundled,
    "planted": planted,
    "numerals": numerals,
}
DEFAULT = "bundled"
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "spiece.model", "vocab.txt")


def boot(
    model: Any,
    *,
    device: str | None = None,
    dtype: Any = None,
    numerics: str = "raw",
    revision: str | None = None,
    trust_remote_code: bool = False,
) -> tuple[Any, str]:
    """Open a model.

    Parameters
    ----------
    model : str, Path, TransformerBridge or None
        None or ``"bundled"``: the model in the package; ``"planted"`` and
        ``"numerals"``: heads written by hand, whose scores are known. A name that
        TransformerLens boots, a local Hugging Face folder, or a bridge, which is returned as
        it is.
    device, dtype, revision, trust_remote_code
        As in Hugging Face; `dtype` is a ``torch.dtype`` or its name.
    numerics : {"raw", "compatible"}
        Hugging Face's own weights, or TransformerLens's folded ones.

    Returns
    -------
    bridge : TransformerBridge
    name : str

    Raises
    ------
    InputError
        If the arguments cannot be meant.
    ModelError
        If there is no such model, or it cannot be opened here.
    """
    if numerics not in ("raw", "compatible"):
        message = f"expected numerics 'raw' or 'compatible', got {numerics!r}"
        raise InputError(message)
    if model is None:
        model = DEFAULT
    _check_device(device)
    if isinstance(model, str | Path):
        bridge = _open(
            str(model),
            device=device,
            dtype=read_dtype(dtype),
            revision=revision,
            trust_remote_code=trust_remote_code,
        )
        if numerics == "compatible":
            _fold(bridge)
        return bridge, str(model)
    return _held(model, device=device, dtype=dtype, numerics=numerics, revision=revision)


def _check_device(device: str | None) -> None:
    """Refuse a device that does not exist here."""
    if device is None:
        return
    try:
        kind = torch.device(device).type
    except (RuntimeError, TypeError) as error:
        message = f"expected a device such as 'cpu' or 'cuda', got {device!r}"
        raise InputError(message) from error
    there: dict[str, Any] = {
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
    }
    if kind in there and not there[kind]():
        message = f"device {device!r} is not available here: use 'cpu'"
        raise InputError(message)


def _held(model: Any, **given: Any) -> tuple[Any, str]:
    """Accept a bridge that the user holds, or say what would be accepted."""
    if not (hasattr(model, "run_with_hooks") and hasattr(model, "original_model")):
        message = (
            f"expected a model name, a folder or a TransformerBridge, got {type(model).__name__}; "
            "wrap a Hugging Face model by TransformerBridge.boot_transformers(name, hf_model=model)"
        )
        raise InputError(message)
    asked = {k: v for k, v in given.items() if v is not None and (k, v) != ("numerics", "raw")}
    if asked:
        message = (
            f"a bridge that you hold keeps its own settings, so {', '.join(asked)} cannot be "
            "given with it: set them on the bridge, or give the model's name"
        )
        raise InputError(message)
    return model, str(getattr(model.cfg, "model_name", None) or "bridge")


def _open(name: str, *, device: str | None, **options: Any) -> Any:
    """Boot by name, with an error that says what to do next."""
    if name in BUNDLED:
        bridge = BUNDLED[name]()
        with explained(name):
            if options["dtype"] not in (None, torch.float32):
                bridge.to(options["dtype"], print_details=False)
            if device is not None:
                bridge.to(device, print_details=False)
        return bridge
    folder = Path(name).expanduser()
    local = folder.is_dir()
    if local:
        _check_folder(folder, trust_remote_code=options["trust_remote_code"])
    elif name.startswith((".", "/", "~")):
        message = f"there is no folder {name!r}: give a Hugging Face folder or a model's name"
        raise ModelError(message)
    source = str(folder) if local else name
    with explained(name), _quiet():
        if local and not any((folder / file).exists() for file in _TOKENIZER_FILES):
            return _without_tokenizer(folder, device=device, dtype=options["dtype"])
        return TransformerBridge.boot_transformers(
            source,
            device=device,
            dtype=options["dtype"] or torch.float32,
            revision=options["revision"],
            trust_remote_code=options["trust_remote_code"],
        )


def _without_tokenizer(folder: Path, *, device: str | None, dtype: torch.dtype | None) -> Any:
    """Boot a folder that has weights but no tokenizer: token ids in, numbers out."""
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype or torch.float32, attn_implementation="eager", use_safetensors=True
    )
    if device is not None:
        model = model.to(device)
    config = model.config
    bridge = build_bridge_from_module(model, config.architectures[0], hf_config=config)
    bridge.cfg.model_name = str(folder)
    return bridge


def _check_folder(folder: Path, *, trust_remote_code: bool) -> None:
    """Refuse a folder that is no model, that would run code, or that holds only pickles."""
    config = folder / "config.json"
    if not config.exists():
        message = f"{folder} is no Hugging Face model folder: it has no config.json"
        raise ModelError(message)
    try:
        described = json.loads(config.read_text(encoding="utf-8"))
    except ValueError as error:
        message = f"{config} is not valid JSON ({error}): save the model again"
        raise ModelError(message) from error
    if described.get("auto_map") and not trust_remote_code:
        message = (
            f"{folder} asks to run Python code of its own ({', '.join(described['auto_map'])}). "
            "If you have read that code and trust it, pass trust_remote_code=True"
        )
        raise ModelError(message)
    if any(folder.glob("*.safetensors")):
        return
    pickled = sorted(p.name for p in folder.iterdir() if p.suffix in {".bin", ".pt", ".pth"})
    what = f"only pickled ones ({', '.join(pickled[:3])})" if pickled else "none"
    message = (
        f"expected *.safetensors weights in {folder}, found {what}; a pickle can run any code, "
        "so load it where you trust it and save it again by "
        "model.save_pretrained(folder, safe_serialization=True)"
    )
    raise ModelError(message)


def _fold(bridge: Any) -> None:
    """Turn on TransformerLens's folded weights."""
    architecture = str(bridge.cfg.architecture).lower()
    # A sink means that attention rows do not sum to one, so a value bias cannot be folded.
    options = {"fold_value_biases": False} if "gptoss" in architecture else {}
    with _quiet():
        bridge.enable_compatibility_mode(**options)


def read_dtype(dtype: Any) -> torch.dtype | None:
    """Read a dtype given as ``torch.bfloat16`` or ``"bfloat16"``."""
    if dtype is None:
        return None
    found = getattr(torch, str(dtype).removeprefix("torch."), None)
    if isinstance(found, torch.dtype) and found.is_floating_point:
        return found
    message = f"expected a floating-point dtype such as 'float32' or 'bfloat16', got {dtype!r}"
    raise InputError(message)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the loading bar of Hugging Face for a while; the session has its own line."""
    logging: Any = transformers.utils.logging
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
