"""Every edit equals the hooks that one would write by hand; parts sum to the stream."""

from __future__ import annotations

import pytest
from exact import ARCHITECTURES, BUILD, compare, compare_sums, compare_zeroed_weights
from shaped import shaped


@pytest.mark.parametrize("kind", BUILD)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_edit_equals_hand_written_hooks(shaped_bridges, architecture, kind):
    found = compare(architecture, shaped_bridges(architecture), kind)
    assert found.error <= 1e-5
    assert found.moved > 1e-3  # the edits did something, so that the comparison can fail
    print("the least of them moved the logits by", found.least)
    assert found.least > 1e-5


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_zero_equals_zeroed_output_weights(shaped_bridges, architecture, tmp_path):
    found = compare_zeroed_weights(
        architecture, shaped_bridges(architecture), shaped(architecture, tmp_path)
    )
    assert found.error <= 1e-5
    assert found.moved > 1e-3


@pytest.mark.parametrize("architecture", [*ARCHITECTURES, "mistral", "opt", "gpt-neo"])
def test_parts_sum_to_the_residual_stream(shaped_bridges, architecture):
    found = compare_sums(architecture, shaped_bridges(architecture))
    assert found.error <= 1e-4
