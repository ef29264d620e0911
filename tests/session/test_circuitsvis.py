"""CircuitsVis's own views: the numbers are ours, no token leaves its string, no page is huge."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import headwidgets as hw
from headwidgets.session import circuitsvis as ours

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]>",
    "\"', `${1}` \\",
    "a\nb\r\t",
    "\u2028\u2029\u202eright to left",
    "<b>",
    "\ud800",
    "",
]


def props(source):
    """What CircuitsVis is given, read back as the browser's parser would see the script."""
    script = re.search(r"<script[^>]*>(.*?)</script", source, re.DOTALL | re.IGNORECASE)[1]
    text = script[script.rindex('{"attention"') : script.rindex(")")]
    return json.loads(text)


@pytest.fixture
def session(planted):
    planted.prompt = "When Mary and John went to the store, John gave a drink to"
    return planted


@pytest.mark.parametrize("heads", ["1.0", (1, 0), [1, 0], "L1H0", hw.Head(1, 0), ["1.0"], [(1, 0)]])
def test_one_head_in_any_spelling(session, heads):
    given = props(session.circuitsvis(heads).cdn_src)
    assert given["attentionHeadNames"] == ["1.0"]
    assert given["tokens"] == session.tokens
    np.testing.assert_allclose(given["attention"], [session.attention("1.0")], atol=5.1e-7)


def test_several_heads_and_another_run(session):
    session.edits = [hw.zero("0.0")]
    html = session.circuitsvis(["1.2", (0, 1), "L1H2"], run="edited")
    for source in (html.cdn_src, html.local_src):
        given = props(source)
        assert given["attentionHeadNames"] == ["1.2", "0.1"]  # each once, in their order
        expected = [session.attention(head, "edited") for head in ("1.2", "0.1")]
        np.testing.assert_allclose(given["attention"], expected, atol=5.1e-7)


def test_the_corrupted_run_has_its_own_tokens(session):
    session.corrupted_prompt = "When Mary and John went to the store, Mary gave a drink to"
    given = props(session.circuitsvis("1.0", run="corrupted").cdn_src)
    assert given["tokens"] == session.tokens_of("corrupted") != session.tokens


@pytest.mark.parametrize("source", ["cdn_src", "local_src"])
def test_no_token_leaves_its_string(source):
    n = len(HOSTILE)
    html = ours.render(np.eye(n)[None], HOSTILE, ["0.0"])
    text = getattr(html, source)
    assert props(text)["tokens"] == HOSTILE
    assert text.lower().count("</script") == 1
    written = text[text.rindex('"tokens"') :]
    assert "<" not in written[: written.index("]}")]
    assert written.isascii()


def test_what_it_displays_is_what_was_made_safe(monkeypatch):
    from circuitsvis.utils import render

    html = ours.render(np.eye(1)[None], ["</script>"], ["0.0"])
    for online, source in ((True, html.cdn_src), (False, html.local_src)):
        monkeypatch.setattr(render, "internet_on", lambda online=online: online)
        assert html._repr_html_() == source
    assert "unpkg.com" in html.cdn_src
    assert not re.search(r"import[^;]{0,80}from\s*\"https?:", html.local_src)


def test_an_unknown_circuitsvis_is_refused(monkeypatch):
    import circuitsvis.attention

    page = SimpleNamespace(cdn_src="<script>{}</script>", local_src="")
    monkeypatch.setattr(circuitsvis.attention, "attention_heads", lambda *_, **__: page)
    with pytest.raises(hw.ModelError, match="install circuitsvis"):
        ours.render(np.eye(1)[None], ["a"], ["0.0"])


def test_too_much_is_refused_before_anything_is_computed(session, monkeypatch):
    monkeypatch.setattr(type(session), "attention", lambda *_, **__: pytest.fail("computed"))
    monkeypatch.setattr(ours, "MOST_BYTES", 5_000)
    fit = 500 // len(session.tokens) ** 2
    with pytest.raises(hw.InputError, match=rf"at most {fit} of these heads.*at most 11 tokens"):
        session.circuitsvis(["0.0", "0.1", "0.2", "1.0"])


@pytest.mark.parametrize(
    ("n_heads", "n", "match"),
    [
        (144, 512, r"up to 377 MB .*\(144 heads × 512 × 512 values\).*at most 7 of these heads"),
        (1, 1415, "no head of this prompt, or a prompt of at most 1414 tokens"),
    ],
)
def test_a_refusal_says_the_number_and_what_fits(n_heads, n, match):
    with pytest.raises(hw.InputError, match=match):
        ours.check_size(n_heads, n)


def test_the_bound_holds():
    n = 117
    ours.check_size(144, n)
    noise = np.random.default_rng(0).random((144, n, n))
    html = ours.render(noise, ["a"] * n, [str(i) for i in range(144)])
    assert 0.9 * ours.MOST_BYTES < len(html.cdn_src) < ours.MOST_BYTES + 10_000


@pytest.mark.parametrize(
    ("heads", "match"),
    [
        ([], "at least one head"),
        ("x", "expected a head such as"),
        (4.11, "write it as a string"),
        (["0.0", "9.9"], "no head 9.9"),
        (None, "expected a head such as"),
        ({"0.0": 1, "y": 2}, "'y'"),
    ],
)
def test_what_is_no_head(session, heads, match):
    with pytest.raises(hw.InputError, match=match):
        session.circuitsvis(heads)


def test_what_is_no_run(session):
    with pytest.raises(hw.InputError, match="difference"):
        session.circuitsvis("0.0", run="difference")


def test_it_is_imported_when_it_is_used():
    code = "import sys, headwidgets.session; print('circuitsvis' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "False"
