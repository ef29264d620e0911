"""What is written from the cards is what the cards say: formulas as MathML, and a page each."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from headwidgets.taxonomy import all_kinds

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "kinds_docs.py"
AGAIN = "a card changed: run python scripts/kinds_docs.py"
MATHML = "{http://www.w3.org/1998/Math/MathML}"


@pytest.fixture(scope="module")
def written():
    spec = importlib.util.spec_from_file_location("kinds_docs", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_formulas_are_those_of_the_cards(written):
    assert written.FORMULAS.read_text(encoding="utf-8") == written.formulas(), AGAIN


def test_the_pages_are_those_of_the_cards(written):
    kept = {path.name: path.read_text(encoding="utf-8") for path in written.PAGES.glob("*.md")}
    assert kept == written.pages(), AGAIN


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.name)
def test_a_page_says_everything_on_the_card(written, kind):
    page = written.page(kind)
    said = [kind.title, kind.definition, kind.formula, kind.words, *kind.traps]
    fields = [kind.data, kind.unit, kind.null, kind.proof, kind.source, *kind.aliases]
    for text in [*said, *map(written.cell, fields), f"{kind.threshold:g}", kind.claim]:
        assert text in page
    assert f"[{kind.name}]({written.file_of(kind)})" in written.overview()


def test_a_formula_is_all_mathml_that_the_browser_s_half_takes(written):
    source = (SCRIPT.parents[1] / "js" / "src" / "lib" / "mathml.ts").read_text(encoding="utf-8")
    taken = set(source.split('"', 2)[1].split())
    for name, text in json.loads(written.formulas()).items():
        tags = {node.tag.removeprefix(MATHML) for node in ET.fromstring(text).iter()}  # noqa: S314 - ours
        assert tags <= taken, name
