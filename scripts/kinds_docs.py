"""Write what the cards of the kinds become: their formulas as MathML, and a page each.

``python scripts/kinds_docs.py`` writes headwidgets/taxonomy/formulas.json (name -> MathML, which
the browser shows) and docs/kinds/*.md. A test compares both with the cards.
"""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from latex2mathml.converter import convert

from headwidgets.taxonomy import STAGES, all_kinds
from headwidgets.taxonomy.proofs import proof_of
from headwidgets.taxonomy.registry import FOIL
from headwidgets.taxonomy.resampling import where

if TYPE_CHECKING:
    from headwidgets.taxonomy import Kind

ROOT = Path(__file__).resolve().parent.parent
FORMULAS = ROOT / "headwidgets" / "taxonomy" / "formulas.json"
PAGES = ROOT / "docs" / "kinds"
CLAIMS = {
    "claimable": "as far as the verdict goes",
    "may form": "a kind that not every model has",
    "exploratory": "never more than a candidate, for no calibrated null is known",
}
HOW = (
    "The four stages of Zheng et al. 2024 (arXiv 2409.03752). The score says how much a head does "
    "of a kind, the null what it has to beat, the proof what the score itself cannot show. "
    '"Consistent with" takes a threshold that is reached, p ≤ .01 and, unless the evidence is '
    "attention or weights, the proof; a candidate has part of that."
)
WRITTEN = "Written from its card by `python scripts/kinds_docs.py`."


def formulas() -> str:
    """Return the formulas as MathML, as JSON by name."""
    made = {one.name: convert(one.formula) for one in all_kinds()}
    return json.dumps(made, indent=1, ensure_ascii=True) + "\n"


def pages() -> dict[str, str]:
    """Return the text of each page by its file's name."""
    return {"README.md": overview(), **{file_of(one): page(one) for one in all_kinds()}}


def file_of(one: Kind) -> str:
    """Return the name of a kind's page."""
    return f"{one.name.replace(' ', '-')}.md"


def overview() -> str:
    """Return the list of all kinds, stage by stage."""
    kinds = all_kinds()
    lines = [
        f"# {len(kinds)} kinds of attention head",
        "",
        HOW,
    ]
    for number, stage in enumerate(STAGES, start=1):
        lines += ["", f"## {number}. {stage}", ""]
        lines += ["| kind | what it does | evidence | claim |", "|---|---|---|---|"]
        mine = [one for one in kinds if one.stage == stage]
        for category, members in groupby(mine, lambda one: one.category):
            lines.append(f"| *{category}* | | | |")
            lines += [
                f"| [{one.name}]({file_of(one)}) | {cell(one.definition)} | {one.evidence} "
                f"| {one.claim} |"
                for one in members
            ]
    return "\n".join([*lines, "", WRITTEN, ""])


def page(one: Kind) -> str:
    """Return one kind's page: everything on its card."""
    threshold = f"{one.threshold:g} ({one.threshold_origin}: {one.threshold_note})"
    rows = {
        "stage": f"{one.stage}, {one.category}",
        "also called": ", ".join(one.aliases),
        "evidence": one.evidence,
        "measured on": one.data,
        "unit": one.unit,
        "threshold": threshold,
        "null": one.null,
        "what can be claimed": f"{one.claim}: {CLAIMS[one.claim]}",
        "one measurement with": one.shares,
        "proof": one.proof,
        "task of the proof": proof_task(one),
        "source": one.source,
    }
    table = [f"| {name} | {cell(text)} |" for name, text in rows.items() if text]
    return "\n".join(
        [
            f"# {one.title}",
            "",
            one.definition,
            "",
            "$$",
            one.formula,
            "$$",
            "",
            f"In words: {one.words}.",
            "",
            "| | |",
            "|---|---|",
            *table,
            "",
            "How the score misleads:",
            "",
            *[f"- {trap}" for trap in one.traps],
            "",
            f'`s.score("{one.name}")` · [all kinds](README.md)',
            "",
            WRITTEN,
            "",
        ]
    )


def proof_task(one: Kind) -> str:
    """Return on what `confirm` proves a head, and what it does unless the proof is its own."""
    if not one.proof_task or proof_of(one.name) is not None:
        return one.proof_task
    moves = "falls" if one.proof_sign > 0 else "rises"
    against = "its foil" if one.proof_against == FOIL else "answers of other prompts"
    return (
        f"{one.proof_task}: resampled {where(one)}, the lead of the answer over {against} {moves}"
    )


def cell(text: str) -> str:
    """Return a text that stays in its cell of a table."""
    return text.replace("|", "\\|")


def main() -> None:
    """Write the files, and take away pages of kinds that are no more."""
    FORMULAS.write_text(formulas(), encoding="utf-8")
    made = pages()
    PAGES.mkdir(parents=True, exist_ok=True)
    for path in PAGES.glob("*.md"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (PAGES / name).write_text(text, encoding="utf-8")
    print(f"{FORMULAS.name}, and {len(made)} pages in {PAGES.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
