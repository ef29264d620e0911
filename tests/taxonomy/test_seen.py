"""What heads do on a task: attention as the engine shows it, attributions that sum."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from direct import ARCHITECTURES, engine_of, pairs, question, run, uneven

from headwidgets.methods.metrics import LogitDiff
from headwidgets.methods.source_tokens import by_source
from headwidgets.taxonomy import matched
from headwidgets.taxonomy.seen import Look, see


@pytest.mark.parametrize("name", [*ARCHITECTURES, "gemma3"])
def test_what_keys_bring_is_the_direct_attribution(shaped_bridges, name):
    engine = engine_of(shaped_bridges(name))
    snapshot = replace(question(), metric=LogitDiff(7, 8), answers=None)
    expected = by_source(engine, snapshot, "end", None)["attribution"].to_numpy()
    looks = [Look(pair.clean, (len(pair.clean) - 1,), (7, 8)) for pair in snapshot.pairs]
    brought = np.mean(
        [one.brought[:, :, 0, :, 0] - one.brought[:, :, 0, :, 1] for one in see(engine, looks)], 0
    )
    expected = expected.reshape(brought.shape)
    np.testing.assert_allclose(brought, expected, atol=2e-5 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_several_lengths_and_queries_keep_their_order(shaped_bridges, name):
    bridge = shaped_bridges(name)
    engine = engine_of(bridge)
    some = uneven().pairs
    looks = [Look(pair.clean, (3, len(pair.clean) - 1), (5,)) for pair in some]
    found = see(engine, looks)
    for look, seen in zip(looks, found, strict=True):
        patterns = {}
        engine.patterns(
            torch.tensor([look.ids]), lambda layer, p, _, kept=patterns: kept.update({layer: p[0]})
        )
        for number, query in enumerate(look.queries):
            for layer, pattern in patterns.items():
                np.testing.assert_allclose(
                    seen.attention[layer, :, number], pattern[:, query].numpy(), atol=1e-6
                )
        np.testing.assert_allclose(seen.logits, run(bridge, look.ids).numpy(), atol=1e-4)
        assert seen.brought.shape == (*seen.attention.shape, 1)
        # a query in the middle is attributed with its own scale of the final norm
        alone = see(engine, [Look(look.ids[:4], (3,), (5,))])[0]
        np.testing.assert_allclose(seen.brought[:, :, 0, :4], alone.brought[:, :, 0], atol=1e-5)
        assert not seen.brought[:, :, 0, 4:].any()


def test_without_tokens_nothing_is_attributed(shaped_bridges):
    engine = engine_of(shaped_bridges("gpt2"))
    before = engine.hooks_left()
    (seen,) = see(engine, [Look(pairs(1)[0].clean, (2,))])
    assert seen.brought.shape[-1] == 0
    assert engine.hooks_left() == before


def test_labels_drawn_at_random_are_the_null_of_a_label():
    """A head that always takes label 2 scores as much whatever is right; one that follows does."""
    right = np.arange(40) % 4
    follows, stuck = np.eye(4)[right], np.eye(4)[np.full(40, 2)]
    values = np.stack([follows, stuck], axis=1)[:, None].astype(np.float32)
    table = matched.contrast(values)
    scores = matched.right_of(table, right).mean(0)[0]
    null = matched.relabelled(table, 999, np.random.default_rng(0))[:, 0]
    np.testing.assert_allclose(scores, [1, 0], atol=1e-6)
    assert null.shape == (999, 2)
    assert null[:, 0].max() < 0.5
    np.testing.assert_allclose(null.mean(0), 0, atol=0.03)


def test_a_permuted_table_scores_its_mean():
    hits = np.zeros((30, 1, 1, 30), np.float32)
    hits[np.arange(30), 0, 0, np.arange(30)] = 1
    null = matched.permuted(hits, 999, np.random.default_rng(0))
    assert null.mean() == pytest.approx(1 / 30, abs=0.01)  # of a permutation, one item stays
