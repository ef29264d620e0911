"""A session as plain TransformerLens code that gives the same numbers.

A prompt is written as its text where TransformerLens reads the very same tokens from it,
else as token ids; answers are ids, with their text beside them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwidgets.methods.measuring import least_gap
from headwidgets.model.boot import BUNDLED, DEFAULT
from headwidgets.session.as_python_edits import edit_lines, mean_lines
from headwidgets.session.as_python_metric import metric_lines
from headwidgets.session.as_python_words import literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headwidgets.methods.snapshot import Ids, Snapshot
    from headwidgets.model.engine import Engine
    from headwidgets.prompts import Prompt, Prompts

_DEFAULTS = {"device": None, "revision": None, "trust_remote_code": False}

RUN = """
def run(ids, hooks=()):
    \"\"\"Logits at the end of a prompt.\"\"\"
    batch = torch.tensor([ids], device=bridge.cfg.device)
    with torch.no_grad():
        return bridge.run_with_hooks(batch, fwd_hooks=list(hooks))[0, -1].float().cpu()
"""

MEAN = """

def mean(values):
    return float(torch.tensor(values, dtype=torch.float64).mean())
"""

NORMALISED = """

def normalised(low, edited, high):
    \"\"\"(edited - low) / (high - low) of the means; NaN where high and low hardly differ.\"\"\"
    gaps = torch.tensor(high, dtype=torch.float64) - torch.tensor(low, dtype=torch.float64)
    gap, span = mean(high) - mean(low), max(low + high) - min(low + high)
    error = float(gaps.std()) / len(gaps) ** 0.5 if len(gaps) > 1 else 0.0
    if abs(gap) < max(0.05 * span, 2 * error, {least}):
        return float("nan")
    return (mean(edited) - mean(low)) / gap"""


def as_python(
    engine: Engine, snapshot: Snapshot, opened: Mapping[str, Any] | None, **sets: Any
) -> str:
    """Write a session as Python.

    Parameters
    ----------
    engine : Engine
    snapshot : Snapshot
    opened : mapping, optional
        What the model was opened with: name, device, dtype, numerics, revision,
        trust_remote_code. None for a bridge that somebody holds.
    **sets : Prompts or None
        prompts and reference, as they were given.

    Returns
    -------
    str
        Code that leaves ``clean_logits``, ``corrupted_logits`` and ``edited_logits``
        (one tensor a prompt) and ``metric``, the means over the set.
    """
    prompts, reference = sets["prompts"], sets.get("reference")
    lines = [*boot_lines(engine, opened), "bridge.eval()", "", RUN + MEAN]
    lines += set_lines(engine, snapshot, prompts, reference_lines(engine, snapshot, "", reference))
    lines += mean_lines(engine, snapshot, lambda n: reference_lines(engine, snapshot, n, reference))
    lines += edit_lines(engine, snapshot)
    lines += _result_lines(engine, snapshot)
    return "\n".join(lines) + "\n"


def boot_lines(engine: Engine, opened: Mapping[str, Any] | None) -> list[str]:
    """Open the model as the session did."""
    head = ["import torch"]
    boot = "from transformer_lens.model_bridge import TransformerBridge"
    if opened is None:
        return [*head, "", f"bridge = ...  # your bridge: {literal(engine.facts.name)}"]
    name = DEFAULT if opened["name"] is None else opened["name"]
    if name in BUNDLED:
        made = BUNDLED[name]
        lines = [*head, f"from {made.__module__} import {made.__name__}", ""]
        lines.append(f"bridge = {made.__name__}()")
        if engine.facts.dtype != "float32":
            lines.append(f"bridge.to(torch.{engine.facts.dtype})")
    elif engine.text.has_tokenizer:
        given = {k: opened.get(k) for k, default in _DEFAULTS.items() if opened.get(k) != default}
        options = "".join(f", {k}={v!r}" for k, v in given.items())
        dtype = f"dtype=torch.{engine.facts.dtype}{options}"
        call = f"bridge = TransformerBridge.boot_transformers({literal(str(name))}, {dtype})"
        lines = [*head, boot, "", call]
    else:
        lines = [*head, *_without_tokenizer(engine, str(name))]
    if engine.facts.numerics == "compatible":
        sinks = "gptoss" in engine.facts.architecture.lower()
        lines.append(
            f"bridge.enable_compatibility_mode({'fold_value_biases=False' if sinks else ''})"
        )
    return lines


def _without_tokenizer(engine: Engine, folder: str) -> list[str]:
    builder = "transformer_lens.model_bridge.sources._bridge_builder"
    options = f"dtype=torch.{engine.facts.dtype}, attn_implementation='eager'"
    return [
        f"from {builder} import build_bridge_from_module",
        "from transformers import AutoModelForCausalLM",
        "",
        f"model = AutoModelForCausalLM.from_pretrained({literal(folder)}, {options})",
        "kind = model.config.architectures[0]",
        "bridge = build_bridge_from_module(model, kind, hf_config=model.config)",
    ]


def set_lines(
    engine: Engine, snapshot: Snapshot, prompts: Prompts, later: Sequence[str] = ()
) -> list[str]:
    """Write the prompts as tokens, and before them how text is read, also for what comes later."""
    partners = prompts.corrupted or [None] * len(prompts)
    clean = [
        _prompt(engine, p, q.clean) for p, q in zip(prompts.clean, snapshot.pairs, strict=True)
    ]
    corrupted = [
        "None" if q.corrupted is None or p is None else _prompt(engine, p, q.corrupted)
        for p, q in zip(partners, snapshot.pairs, strict=True)
    ]
    out = _listed("clean", clean)
    if any(q.corrupted is not None for q in snapshot.pairs):
        out += _listed("corrupted", corrupted)
    else:
        out.append("corrupted = [None] * len(clean)")
    return [*_tokens(engine, [*clean, *corrupted, *later]), *out]


def _tokens(engine: Engine, written: Sequence[str]) -> list[str]:
    if not any("tokens(" in text for text in written):  # ids hold no letter
        return []
    bos = engine.text.prepend_bos
    return [
        "",
        "def tokens(text):",
        f"    return bridge.to_tokens(text, prepend_bos={bos})[0].tolist()",
        "",
        "",
    ]


def _prompt(engine: Engine, given: Prompt, ids: Ids) -> str:
    """Write a prompt: text where it reads back as the same tokens, else ids."""
    if isinstance(given, str) and _reads_back(engine, given, ids):
        return f"tokens({literal(given)})"
    return str(list(ids))


def _reads_back(engine: Engine, text: str, ids: Ids) -> bool:
    try:
        found = engine.view.to_tokens(text, prepend_bos=engine.text.prepend_bos)
        return [int(i) for i in found[0]] == list(ids)
    except Exception:  # noqa: BLE001 - whatever a tokenizer says of odd text: then ids it is
        return False


def _listed(name: str, items: Sequence[str]) -> list[str]:
    if len(items) == 1:
        return [f"{name} = [{items[0]}]"]
    return [f"{name} = [", *(f"    {item}," for item in items), "]"]


def prompts_text(engine: Engine, name: str, prompts: Sequence[Prompt]) -> list[str]:
    """Write a list of texts, or of token ids."""
    rows = [tuple(engine.text.encode(p)) if isinstance(p, str) else tuple(p) for p in prompts]
    both = zip(prompts, rows, strict=True)
    return _listed(name, [_prompt(engine, given, ids) for given, ids in both])


def reference_lines(
    engine: Engine, snapshot: Snapshot, name: str, reference: Prompts | None
) -> list[str]:
    """Write what a mean is taken over; nothing for the seeded shuffles of the prompts."""
    if snapshot.reference is None or reference is None:
        return []
    both = zip(reference.clean, snapshot.reference, strict=True)
    return _listed(name, [_prompt(engine, given, pair.clean) for given, pair in both])


def _result_lines(engine: Engine, snapshot: Snapshot) -> list[str]:
    edited = f"run({snapshot.base}[i], hooks(i))" if snapshot.edits else "clean_logits[i]"
    some = any(pair.corrupted is not None for pair in snapshot.pairs)
    out = [
        "",
        "clean_logits = [run(ids) for ids in clean]",
        "corrupted_logits = [None if ids is None else run(ids) for ids in corrupted]",
        f"edited_logits = [{edited} for i in range(len(clean))]",
        "",
        *metric_lines(engine, snapshot),
        "",
        "",
        "metric = {",
        '    "clean": mean([measure(i, x) for i, x in enumerate(clean_logits)]),',
        '    "edited": mean([measure(i, x) for i, x in enumerate(edited_logits)]),',
        "}",
    ]
    if some:
        out += [
            "paired = [i for i, ids in enumerate(corrupted) if ids is not None]",
            'metric["corrupted"] = mean([measure(i, corrupted_logits[i]) for i in paired])',
            NORMALISED.format(least=least_gap(snapshot)),
            "",
            "",
            "low, edited, high = (",
            "    [measure(i, x[i]) for i in paired]",
            "    for x in (corrupted_logits, edited_logits, clean_logits)",
            ")",
            'metric["normalised"] = normalised(low, edited, high)',
        ]
    return [*out, "print(metric)"]
