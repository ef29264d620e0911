"""A saved page of a head in a browser: light and dark, wide and narrow, without a script."""

from __future__ import annotations

import sys

import pytest
from browser.notebook import SCREENS
from playwright.sync_api import expect

import headwidgets as hw
from headwidgets.taxonomy import find

pytestmark = pytest.mark.browser
TEXT = "<img src=x onerror='window.hacked = 1'> Mary saw the dog and John saw Mary. " * 2


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A page on a text that means harm."""
    session = hw.Session("planted")
    with pytest.MonkeyPatch.context() as patch:
        kinds = [find(name) for name in ("previous token", "induction", "syntactic")]
        patch.setattr(sys.modules["headwidgets.taxonomy.score"], "all_kinds", lambda: kinds)
        page = session.head("1.0", text=TEXT)
    session.close()
    return page.save(tmp_path_factory.mktemp("head") / "head.html")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1180, 420])
def test_a_page_reads_well(chromium, saved, scheme, width):
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
    )
    page, wrong = context.new_page(), []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("request", lambda request: wrong.append(request.url) if request.url[0] == "h" else 0)
    page.goto(saved.as_uri())
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / f"head-{width}-{scheme}.png", full_page=True)
    card = page.locator(".hw-head")
    expect(card.locator("h2")).to_have_text("Head 1.0")
    expect(card.locator("h3")).to_have_count(6)
    light = sum(int(n) for n in card.evaluate(_BACKGROUND)) > 3 * 128
    assert light is (scheme == "light")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    folded = card.get_by_text("syntactic", exact=True)
    expect(folded).to_be_hidden()
    card.get_by_text("not measurable here: 1 kind").click()
    expect(folded).to_be_visible()
    assert page.evaluate("window.hacked") is None
    assert wrong == []
    context.close()


_BACKGROUND = "card => getComputedStyle(card).backgroundColor.match(/[0-9]+/g).slice(0, 3)"
