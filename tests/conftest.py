"""Fixtures that several tests share. Models are booted once a run: leave them as they were."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))  # so that tests can import `shaped`

ROOT = Path(__file__).parents[1]
STORIES = ROOT.parent / "shared" / "data" / "stories260k"

torch.set_num_threads(1)


def pytest_collection_modifyitems(items):
    """Put browser tests last: their driver leaves a running event loop in this thread."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(scope="session")
def planted_bridge():
    """The planted model, as a bridge."""
    from headwidgets.zoo.planted import planted

    return planted()


@pytest.fixture(scope="session")
def planted_decoys_bridge():
    """The planted model with two decoys, as a bridge."""
    from headwidgets.zoo.planted import planted_decoys

    return planted_decoys()


@pytest.fixture
def planted():
    """A fresh Session over the planted model; closed after the test."""
    from headwidgets import Session

    session = Session("planted")
    yield session
    session.close()


@pytest.fixture(scope="session")
def shaped_bridges(tmp_path_factory):
    """A random model by architecture, `shaped_bridges("llama")`: booted when first asked for."""
    from shaped import shaped

    path = tmp_path_factory.mktemp("shaped")
    return cache(lambda name: shaped(name, path))


@pytest.fixture(scope="session")
def shaped_folders(tmp_path_factory):
    """A random model's folder, `shaped_folders("llama", tokenizer=True)`: written on demand."""
    from shaped import folder

    path = tmp_path_factory.mktemp("folders")

    @cache
    def write(name, *, tokenizer=False):
        return folder(name, path, tokenizer=tokenizer)

    return write


@pytest.fixture(scope="session")
def stories_path():
    """The folder of a real model from outside (Llama, grouped queries)."""
    if not STORIES.is_dir():
        pytest.skip(f"the model stories260k is not at {STORIES}: it is not part of the project")
    return STORIES
