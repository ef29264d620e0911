"""HTML that is safe by how it is made."""

from __future__ import annotations

import math

import pytest

from headwidgets.widgets.markup import chance, h, number, percent, signed, token


def test_what_is_put_in_is_text():
    assert h("b", "", "<i>&\"'") == "<b>&lt;i&gt;&amp;&quot;&#x27;</b>"
    assert h("b", "x", h("i", "", "y"), title='">') == (
        '<b class="x" title="&quot;&gt;"><i>y</i></b>'
    )
    assert h("bdi", "", "a\n\u202e\ud800") == "<bdi>a⏎‹202e›‹d800›</bdi>"
    assert str(h("b", "", "<") + "<").endswith("<"), "a sum is no markup any more"
    assert h("p", "", h("b", "", "<") + "<") == "<p>&lt;b&gt;&amp;lt;&lt;/b&gt;&lt;</p>"


def test_attributes():
    assert h("p", "", aria_label="x", open=True, title=None) == '<p aria-label="x" open></p>'
    for name, options in (("b onclick=x", {}), ("b", {'x"': 1}), ("B>", {})):
        with pytest.raises(ValueError, match="no name of an element or attribute"):
            h(name, "", **options)


def test_children_of_a_div_stand_apart():
    assert h("div", "", h("b", "", "1"), h("b", "", "2")) == "<div><b>1</b> <b>2</b></div>"
    assert h("bdi", "", "1", "2") == "<bdi>12</bdi>"


def test_a_token_shows_its_spaces():
    assert token(" the<") == '<bdi class="hw-token">·the&lt;</bdi>'


@pytest.mark.parametrize(
    ("value", "text", "with_sign"),
    [
        (0.1234, "0.12", "+0.12"),
        (-12.34, "−12.3", "−12.3"),
        (1234.5, "1234", "+1234"),
        (0.0, "0.00", "+0.00"),
        (math.nan, "–", "–"),
        (math.inf, "–", "–"),
    ],
)
def test_numbers(value, text, with_sign):
    assert number(value) == text
    assert signed(value) == with_sign


def test_shares_and_chances():
    assert [percent(value) for value in (-1, 0.5, 2, math.nan)] == [
        "0.0%",
        "50.0%",
        "100.0%",
        "0.0%",
    ]
    assert (chance(0.0004), chance(0.0123)) == ("p < 0.001", "p = 0.012")
