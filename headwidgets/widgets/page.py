"""A widget as one HTML file without network: traits, the code of the views, a small host.

What is in it came from models and people, so none of it is ever markup: JSON without a
single "<", read by js/src/page.ts, and a policy under which nothing but that host and the
views' own code can run and nothing can be fetched.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from typing import TYPE_CHECKING, Any

from ipywidgets.widgets.widget import _remove_buffers

from headwidgets.errors import InputError
from headwidgets.widgets.bundles import FURTHER, bundle
from headwidgets.widgets.naming import model_name
from headwidgets.widgets.save import words

if TYPE_CHECKING:
    from headwidgets.widgets.base import HeadWidget

MOST = 2_000_000
"""Bytes of a page."""
_IDLE = {"status": "ready", "message": "", "progress": 0.0}
_HOST = ("layout", "tabbable", "tooltip")
_BETWEEN = ("session", "apart", "code", *FURTHER, "mirrored", "wish", "carried", *_HOST)
"""Traits that are only of use between a browser and Python."""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="headwidgets {version}">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 0 auto; padding: 16px; max-width: 1200px; background: Canvas; color: CanvasText;
  font: 13px/1.45 system-ui, sans-serif; }}
footer {{ margin-top: 10px; opacity: .75; }}
noscript img {{ max-width: 100%; }}
</style>
</head>
<body>
<main id="hw-root" data-hw-state="busy"></main>
<noscript>{picture}</noscript>
<footer>static copy, by headwidgets {version}: what needs the model needs the notebook</footer>
<script type="application/json" id="hw-held">{held}</script>
<script type="module">{host}</script>
</body>
</html>
"""


def page(widget: HeadWidget) -> bytes:
    """Return the page.

    Raises
    ------
    InputError
        If it would be larger than 2 MB.
    """
    from headwidgets import __version__ as version

    host = bundle("page")
    wanted = (*widget.MIRRORED, *widget.BUNDLES, *widget.OPENS)
    names = [name for name in wanted if widget.session.has_trait(name)]
    own = [name for name in widget.keys if not name.startswith("_") and name not in _BETWEEN]
    held = {
        "view": widget.view,
        "session": _pack(_public(widget.session.get_state(names))),
        "own": _pack(widget.get_state(own)),
        "code": widget.session._esm,  # noqa: SLF001 - anywidget's own name
    }
    png = widget._png()  # noqa: SLF001 - a widget's own half of this
    title = html.escape(_line(words(widget)))
    whole = _PAGE.format(
        policy=_policy(host),
        version=version,
        title=title,
        picture="" if png is None else f'<img alt="{title}" src="{_data(png)}">',
        held=as_text(held),
        host=host,
    ).encode()
    if len(whole) > MOST:
        message = (
            f"this page would have {len(whole) / 1e6:.1f} MB, more than {MOST / 1e6:.0f} MB "
            f"({_largest(held)}): save it as .png or .svg, or show a shorter prompt"
        )
        raise InputError(message)
    return whole


def as_text(value: object) -> str:
    """Return JSON in ASCII that no HTML parser takes for markup; a lone surrogate is kept."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _pack(traits: dict[str, Any]) -> dict[str, Any]:
    """Split traits into what is JSON and what is bytes."""
    state, paths, buffers = _remove_buffers(traits)
    texts = [base64.b64encode(buffer).decode() for buffer in buffers]
    return {"state": state, "buffers": list(zip(paths, texts, strict=True))}


def _public(traits: dict[str, Any]) -> dict[str, Any]:
    """Leave out where a model lies on this machine, and what was going on just now."""
    model = dict(traits.get("model") or {})
    if "name" in model:
        model["name"] = model_name(model)
    idle = {key: value for key, value in _IDLE.items() if key in traits}
    return {**traits, **idle, **({"model": model} if model else {})}


def _policy(host: str) -> str:
    digest = base64.b64encode(hashlib.sha256(host.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}' blob:; "
        "style-src 'unsafe-inline'; img-src data: blob:; form-action 'none'; base-uri 'none'"
    )


def _data(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def _largest(held: dict[str, Any]) -> str:
    """Name the three largest parts."""
    parts = {**held["session"]["state"], **held["own"]["state"]}
    sizes = {name: len(as_text(value)) for name, value in parts.items()}
    for half in ("session", "own"):
        for path, text in held[half]["buffers"]:
            sizes[str(path[0])] = sizes.get(str(path[0]), 0) + len(text)
    top = sorted(sizes, key=lambda name: -sizes[name])[:3]
    return ", ".join(f"{name} {sizes[name] / 1e6:.1f} MB" for name in top)
