"""One torch thread: the lab's arrays are small, and tests run side by side."""

import pytest
import torch

from headwidgets.labs import emergence as lab


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def small():
    """Return data and a shape that train in a moment."""
    data = lab.low16(classes=6, new=4, n_features=16)
    return data, lab.Shape(n_heads=2, d_model=16, n_labels=5, n_features=16)


@pytest.fixture(scope="session")
def live():
    """Return check 1's run: low16, 1e-4, all heads, 60,000 sequences."""
    torch.set_num_threads(1)
    return lab.run(lab.low16()).train()


@pytest.fixture(scope="session")
def shipped():
    """Return what that run trained, as it lies in the package."""
    return lab.finished("low16").trained()
