"""What is kept of a run: a state to go on from, checkpoints to look back at, a folder to ship."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import transformers

from headwidgets.errors import InputError

if TYPE_CHECKING:
    from headwidgets.zoo.recipe.shape import Shape

STATE = "state.pt"
LOG = "log.jsonl"
CHECKPOINTS = "checkpoints"
TOKENIZER = "tokenizer"
WEIGHTS = "model.safetensors"
FIRST = 50
"""The first checkpoint after that at the start."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run was asked for: the same plan gives the same model.

    Attributes
    ----------
    shape : Shape
    steps, rows, seed : int
        `rows` in a batch.
    rate : float
        The highest learning rate.
    chapter : int
        Steps between two looks at the accuracy, which sets the mixture anew.
    kept : int
        Checkpoints.
    questions : int
        Prompts a task, at each look.
    begun : str
        Digest of the weights that training begins with; empty: weights drawn at random.
    """

    shape: Shape
    steps: int
    rows: int = 64
    seed: int = 0
    rate: float = 2e-3
    chapter: int = 500
    kept: int = 20
    questions: int = 64
    begun: str = ""

    def checkpoints(self) -> tuple[int, ...]:
        """Return the steps at which the weights are kept: 0, then evenly on a log scale."""
        if self.kept <= 2 or self.steps <= FIRST:  # noqa: PLR2004 - the start and the end
            return (0, self.steps)
        spaced = np.geomspace(FIRST, self.steps, self.kept - 1).round().astype(int)
        return tuple(dict.fromkeys((0, *spaced.tolist())))


@dataclass
class State:
    """Where a run stands.

    Attributes
    ----------
    step : int
    skill : dict of str to float
        Of each task at the last look.
    seen : array of bool [d_vocab]
        Tokens that training has seen.
    """

    step: int = 0
    skill: dict[str, float] = field(default_factory=dict)
    seen: np.ndarray[Any, np.dtype[np.bool_]] = field(default_factory=lambda: np.zeros(0, bool))


def save(out: Path, plan: Plan, state: State, model: Any, optimiser: Any) -> None:
    """Write the state, whole or not at all."""
    kept = {
        "plan": asdict(plan),
        "step": state.step,
        "skill": state.skill,
        "seen": torch.from_numpy(state.seen.copy()),
        "model": model.state_dict(),
        "optimiser": optimiser.state_dict(),
    }
    written = out / f"{STATE}.part"
    torch.save(kept, written)
    written.replace(out / STATE)


def load(out: Path, plan: Plan, model: Any, optimiser: Any) -> State:
    """Read the state of a run that was stopped.

    Raises
    ------
    InputError
        If there is none, or it is of another plan.
    """
    if not (out / STATE).exists():
        message = f"there is no run to go on with in {out}: leave --resume out to start one"
        raise InputError(message)
    kept = torch.load(out / STATE, map_location="cpu", weights_only=True)
    before = {**asdict(replace(plan, begun="")), **kept["plan"]}
    other = {k: v for k, v in asdict(plan).items() if before[k] != v}
    if other:
        was = {key: before[key] for key in other}
        message = f"expected the settings that the run in {out} began with, {was}, got {other}"
        raise InputError(message)
    model.load_state_dict(kept["model"])
    optimiser.load_state_dict(kept["optimiser"])
    return State(kept["step"], kept["skill"], kept["seen"].numpy())


def begun(out: Path, plan: Plan) -> str:
    """Return what the run in a folder was begun with; where there is none, what `plan` says."""
    if not (out / STATE).exists():
        return plan.begun
    kept = torch.load(out / STATE, map_location="cpu", weights_only=True)
    return str(kept["plan"].get("begun", ""))


def digest(folder: Path) -> str:
    """Return which weights stand in a folder: the start of their file's SHA-256.

    Raises
    ------
    InputError
        If there are none.
    """
    path = Path(folder) / WEIGHTS
    if not path.is_file():
        message = f"expected a folder with {WEIGHTS} to begin with, got {folder}"
        raise InputError(message)
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def trim_log(out: Path, step: int) -> None:
    """Drop lines of the log that are later than the state."""
    path = out / LOG
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    kept = [line for line in lines if json.loads(line)["step"] <= step]
    path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")


def export(folder: Path, model: Any, tokenizer: Any, about: dict[str, Any]) -> None:
    """Write a Hugging Face folder, float16, with ``meta.json`` beside the weights."""
    if folder.exists():
        shutil.rmtree(folder)
    half = copy.deepcopy(model).to("cpu", torch.float16)
    half.save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    (folder / WEIGHTS).chmod(0o644)
    text = json.dumps(about, indent=1, ensure_ascii=False)
    (folder / "meta.json").write_text(f"{text}\n", encoding="utf-8")


def about(plan: Plan, state: State, tasks: list[str]) -> dict[str, Any]:
    """Return what ``meta.json`` says: the plan, the step and the tasks."""
    return {**asdict(plan), "step": state.step, "tasks": tasks}


def checkpoint_folder(out: Path, step: int) -> Path:
    """Return where the weights of a step are kept."""
    return out / CHECKPOINTS / f"step-{step:06d}"


def open_tokenizer(out: Path) -> Any:
    """Read the tokenizer of a run."""
    return transformers.AutoTokenizer.from_pretrained(Path(out) / TOKENIZER)
