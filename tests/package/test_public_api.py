"""The public names and signatures are those of the snapshot."""

from __future__ import annotations

import importlib.util
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "public_api.py"


def test_the_public_face_is_the_snapshot():
    spec = importlib.util.spec_from_file_location("public_api", SCRIPT)
    public_api = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(public_api)
    snapshot = public_api.SNAPSHOT.read_text(encoding="utf-8")
    assert public_api.describe() == snapshot, (
        "the public names or signatures changed; if that is meant, say so in CHANGELOG.md "
        "and run: python scripts/public_api.py --write"
    )
